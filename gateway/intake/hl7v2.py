"""HL7 v2 over MLLP: what a message's way came to, as its acknowledgement.

Original mode (HL7 v2.8 section 2.9.2): AA once every record is stored, AE or AR by the error table
when one is parked. Without a durable message there is no acknowledgement at all.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from gateway.errors import CATALOGUE, KINDS, GatewayError, Kind
from gateway.formats.hl7v2_ack import acknowledge
from gateway.records import Channel, Envelope, Issue, Place, RecordResult


class Way(Protocol):
    """The part of the pipeline that the listener drives."""

    def receive(self, channel_id: str, raw: bytes, *, peer: str | None = None) -> Envelope:
        """Commit the raw bytes."""

    def process(self, envelope: Envelope) -> list[RecordResult]:
        """Bring every record to its end."""


def receiver(
    way: Way, channel: Channel, now: Callable[[], datetime]
) -> Callable[[bytes, str], bytes | None]:
    """Make the function that takes one message of a channel and gives its acknowledgement."""

    def take(raw: bytes, peer: str) -> bytes | None:
        try:
            results = way.process(way.receive(channel.id, raw, peer=peer))
        except GatewayError as error:
            if error.kind is Kind.UNAVAILABLE:
                return None  # The sender keeps its message and tries again.
            text = f"{error.number} {error.text_zh}"
            return _refuse(raw, error.kind, text, error.as_issues(), channel, now())
        failed = next((one for one in results if one.status == "parked"), None)
        if failed is None:
            return acknowledge(raw, "AA", now=now(), charset=channel.charset) or b""
        number = failed.error or "GW-1900"
        text = f"{number} {failed.text_zh or ''}"
        return _refuse(raw, CATALOGUE[number].kind, text, _findings(failed), channel, now())

    return take


def _refuse(
    raw: bytes, kind: Kind, text: str, issues: Sequence[Issue], channel: Channel, now: datetime
) -> bytes:
    code = KINDS[kind].acknowledgement or "AE"
    answer = acknowledge(raw, code, now=now, text=text, errors=issues, charset=channel.charset)
    return answer or b""  # Empty where MSH-15 and MSH-16 want no answer for this outcome.


def _findings(result: RecordResult) -> tuple[Issue, ...]:
    """The findings of a parked record; the record's own error where it has no list of them."""
    errors = tuple(one for one in result.warnings if one.severity in {"error", "fatal"})
    if errors or result.error is None:
        return errors
    entry = CATALOGUE[result.error]
    return (
        Issue(
            "error",
            entry.issue_code or KINDS[entry.kind].issue,
            result.error,
            result.text_zh or "",
            result.text_en or "",
            None,
            Place(result.place) if result.place else None,
        ),
    )
