"""Formats: what the client sends and what it wants back.

https://hl7.org/fhir/R4/http.html#mime-type and #parameters (``_format``, ``_pretty``)
"""

from dataclasses import dataclass
from typing import Literal, cast

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_options_header

from gateway.errors import GatewayError

FHIR_JSON = "application/fhir+json"
JSON_TYPES = frozenset({FHIR_JSON, "application/json", "text/json"})
XML_TYPES = frozenset({"application/fhir+xml", "application/xml", "text/xml"})
FHIR_XML = "application/fhir+xml"
OFFERED = f"{FHIR_JSON}, {FHIR_XML}"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
_SHORT = {"json": FHIR_JSON, "xml": FHIR_XML}
Content = Literal["json", "xml", "json-patch", "merge-patch"]
_WILDCARDS = frozenset({"*/*", "application/*"})


@dataclass(frozen=True, slots=True)
class Format:
    """How to write the answer."""

    content_type: str = FHIR_JSON
    is_pretty: bool = False

    @property
    def is_xml(self) -> bool:
        """Whether to write XML."""
        return self.content_type in XML_TYPES


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
    is_browser = accept.quality("text/html") > 0 and "text/html" in accept.values()
    offered = JSON_TYPES if is_browser else JSON_TYPES | XML_TYPES
    for wanted, quality in accept:
        name, options = parse_options_header(wanted.lower())
        if quality > 0 and (name in offered or name in _WILDCARDS):
            _demand_version(options)
            return Format(FHIR_JSON if name in _WILDCARDS else name, is_pretty)
    raise GatewayError("GW-7005", wanted=str(accept)[:80], offered=OFFERED)


def body_format(content_type: str, *, is_patch: bool = False) -> Content:
    """Name the format of a body by its Content-Type; raise GW-7006 for another (415)."""
    name, options = parse_options_header(content_type.lower())
    is_utf8 = options.get("charset", "utf-8").replace("_", "-") in {"utf-8", "utf8"}
    offered = f"{OFFERED}, {JSON_PATCH}, {MERGE_PATCH}" if is_patch else OFFERED
    known = {JSON_PATCH: "json-patch", MERGE_PATCH: "merge-patch"} if is_patch else {}
    known |= dict.fromkeys(JSON_TYPES, "json") | dict.fromkeys(XML_TYPES, "xml")
    if name not in known or not is_utf8 or not _is_served(options):
        raise GatewayError("GW-7006", given=content_type[:80] or "-", offered=offered)
    return cast("Content", known[name])


def _offered(wanted: str, given: str) -> str:
    name, options = parse_options_header(wanted)
    if name not in JSON_TYPES | XML_TYPES:
        raise GatewayError("GW-7005", wanted=given[:80], offered=OFFERED)
    _demand_version(options)
    return name


def _demand_version(options: dict[str, str]) -> None:
    if not _is_served(options):
        raise GatewayError("GW-7028", given=options["fhirversion"][:20])


def _is_served(options: dict[str, str]) -> bool:
    return options.get("fhirversion", "4.0") in {"4.0", "4.0.1"}
