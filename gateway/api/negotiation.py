"""Formats: what the client sends and what it wants back.

https://hl7.org/fhir/R4/http.html#mime-type and #parameters (``_format``, ``_pretty``)
"""

from dataclasses import dataclass

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_options_header

from gateway.errors import GatewayError

FHIR_JSON = "application/fhir+json"
JSON_TYPES = frozenset({FHIR_JSON, "application/json", "text/json"})
XML_TYPES = frozenset({"application/fhir+xml", "application/xml", "text/xml"})
OFFERED = FHIR_JSON
_SHORT = {"json": FHIR_JSON, "xml": "application/fhir+xml"}
_WILDCARDS = frozenset({"*/*", "application/*"})


@dataclass(frozen=True, slots=True)
class Format:
    """How to write the answer."""

    content_type: str = FHIR_JSON
    is_pretty: bool = False


def answer_format(format_: str | None, accept: MIMEAccept, pretty: str | None) -> Format:
    """Choose the format of the answer; raise GW-7005 or GW-7028 when none fits (406).

    ``_format`` wins over Accept. A browser, which asks for HTML before anything else, gets JSON.
    """
    is_pretty = pretty == "true"
    if format_:
        # A plus sign that was not percent-encoded arrives as a space.
        wanted = format_.strip().replace(" ", "+").lower()
        return Format(_offered(_SHORT.get(wanted, wanted), format_), is_pretty)
    if not accept:
        return Format(FHIR_JSON, is_pretty)
    for wanted, quality in accept:
        name, options = parse_options_header(wanted.lower())
        if quality > 0 and (name in JSON_TYPES or name in _WILDCARDS):
            _demand_version(options)
            return Format(FHIR_JSON if name in _WILDCARDS else name, is_pretty)
    raise GatewayError("GW-7005", wanted=str(accept)[:80], offered=OFFERED)


def demand_json(content_type: str) -> None:
    """Raise GW-7006 unless a body of this Content-Type is JSON in UTF-8 (415)."""
    name, options = parse_options_header(content_type.lower())
    is_utf8 = options.get("charset", "utf-8").replace("_", "-") in {"utf-8", "utf8"}
    if name not in JSON_TYPES or not is_utf8:
        raise GatewayError("GW-7006", given=content_type[:80] or "-", offered=OFFERED)
    _demand_version(options)


def _offered(wanted: str, given: str) -> str:
    name, options = parse_options_header(wanted)
    if name not in JSON_TYPES:
        raise GatewayError("GW-7005", wanted=given[:80], offered=OFFERED)
    _demand_version(options)
    return name


def _demand_version(options: dict[str, str]) -> None:
    version = options.get("fhirversion")
    if version is not None and version not in {"4.0", "4.0.1"}:
        raise GatewayError("GW-7028", given=version[:20])
