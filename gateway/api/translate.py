"""$translate: a code in another code system, by one ConceptMap or by all that apply.

https://hl7.org/fhir/R4/conceptmap-operation-translate.html
"""

from functools import partial

from gateway.access import demand
from gateway.api.codings import asked_codes
from gateway.api.exchange import Answer, Exchange
from gateway.api.inputs import Inputs, inputs
from gateway.api.terminology import canonical, concept_map, concept_maps, conformance_of
from gateway.errors import GatewayError, issue
from gateway.fhir.terminology import Match, Question, applies
from gateway.fhir.terminology import translate as matches_of
from gateway.records import Resource

_KNOWN = frozenset(
    {
        "url", "conceptMap", "conceptMapVersion", "code", "system", "version", "source", "coding",
        "codeableConcept", "target", "targetsystem", "dependency", "reverse",
    }
)  # fmt: skip


def translate(exchange: Exchange, id_: str | None = None) -> Answer:
    """Answer every match; result is false when there is none but unmatched and disjoint.

    With ``reverse`` the code is one of the map's target side, and each equivalence is turned round.
    """
    demand(exchange.principal, "ConceptMap", "read")
    given = inputs(exchange, _KNOWN)
    maps = _maps(exchange, given, id_)
    found: list[Match] = []
    for asked in asked_codes(given):
        if asked.system is None:
            raise GatewayError("GW-7207", names="system")
        question = Question(
            asked.system,
            asked.code,
            given.text("targetsystem"),
            given.flag("reverse") is True,
            _dependencies(given),
        )
        for one in maps:
            found.extend(matches_of(one, question, partial(concept_map, exchange)))
    has_any = any(match.is_positive for match in found)
    told: list[Resource] = [{"name": "result", "valueBoolean": has_any}]
    if not has_any:
        text = issue("GW-7215")
        is_english = exchange.language == "en"
        told.append(
            {"name": "message", "valueString": text.text_en if is_english else text.text_zh}
        )
    told.extend({"name": "match", "part": _part(match)} for match in found)
    return Answer(200, resource={"resourceType": "Parameters", "parameter": told})


def _maps(exchange: Exchange, given: Inputs, id_: str | None) -> list[Resource]:
    if id_ is not None:
        return [conformance_of(exchange, "ConceptMap", id_)]
    inline = given.element("conceptMap")
    if inline is not None:
        return [inline]
    url = canonical(given, "url", "conceptMapVersion")
    if url is not None:
        found = concept_map(exchange, url)
        if found is None:
            raise GatewayError("GW-7210", concept_map=url[:200])
        return [found]
    source, target = given.text("source"), given.text("target")
    if given.flag("reverse"):
        source, target = target, source
    return [one for one in concept_maps(exchange) if applies(one, source, target)]


def _dependencies(given: Inputs) -> dict[str, str]:
    """Read what a map may depend on; of a concept every coding's code may be the one it names."""
    found: dict[str, str] = {}
    for one in given.values.get("dependency", ()):
        parts = one if isinstance(one, list) else []
        named = {part.get("name"): part for part in parts if isinstance(part, dict)}
        element = named.get("element", {}).get("valueUri")
        concept = named.get("concept", {}).get("valueCodeableConcept") or {}
        for coding in concept.get("coding", ()):
            if isinstance(element, str) and isinstance(coding.get("code"), str):
                found[element] = coding["code"]
    return found


def _part(match: Match) -> list[Resource]:
    fields = {
        "system": match.system,
        "version": match.version,
        "code": match.code,
        "display": match.display,
    }
    coding = {name: value for name, value in fields.items() if value is not None}
    parts: list[Resource] = []
    if match.equivalence is not None:
        parts.append({"name": "equivalence", "valueCode": match.equivalence})
    parts.append({"name": "concept", "valueCoding": coding})
    for one in match.products:
        named = {
            "system": one.get("system"),
            "code": one.get("value"),
            "display": one.get("display"),
        }
        product = {name: value for name, value in named.items() if value is not None}
        listed = [
            {"name": "element", "valueUri": one.get("property")},
            {"name": "concept", "valueCoding": product},
        ]
        parts.append({"name": "product", "part": listed})
    if match.map is not None:
        parts.append({"name": "source", "valueUri": match.map})
    return parts
