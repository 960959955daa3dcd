"""A record in its receiver's format, ready to go, and what an acknowledgement code means."""

from dataclasses import dataclass

from gateway.delivery import Answered, Delivered, Failed
from gateway.errors import GatewayError
from gateway.records import Format

SUFFIXES: dict[Format, str] = {"rows": "csv", "hl7v2": "hl7", "xml": "xml", "json": "json"}
_MEDIA_TYPES: dict[Format, str] = {
    "rows": "text/csv",
    "hl7v2": "x-application/hl7-v2+er7",
    "xml": "application/xml",
    "json": "application/json",
}


@dataclass(frozen=True, slots=True)
class Native:
    """One record; ``key`` is its control id and the idempotency key of its notice."""

    key: str
    topic: str
    focus: str
    text: str
    charset: str
    format: Format

    @property
    def content(self) -> bytes:
        """Its bytes; raises GW-6124 for a character that the charset lacks."""
        try:
            return self.text.encode(self.charset)
        except (LookupError, UnicodeEncodeError) as err:
            raise GatewayError("GW-6124", charset=self.charset) from err

    @property
    def media_type(self) -> str:
        """Its media type with the charset."""
        return f"{_MEDIA_TYPES[self.format]}; charset={self.charset}"


def judged(code: str, host: str, condition: str = "") -> Answered:
    """Say by HL7's table 0008 how it ended: AA, CA taken; AE, CE again; AR, CR never.

    A code that is none of them counts as not taken yet.
    """
    if code in {"AA", "CA"}:
        return Delivered(0)
    shown = f"{code or '-'} {condition}".strip()
    if code in {"AR", "CR"}:
        return Failed(GatewayError("GW-6121", host=host, code=shown), is_permanent=True)
    return Failed(GatewayError("GW-6120", host=host, code=shown), is_permanent=False)


def unreadable(host: str) -> Failed:
    """Say that the answer could not be read, or answers something else."""
    return Failed(GatewayError("GW-6123", host=host), is_permanent=False)
