"""$validate-code: is a code one of a code system or value set, and its display right?

https://hl7.org/fhir/R4/codesystem-operation-validate-code.html
https://hl7.org/fhir/R4/valueset-operation-validate-code.html
"""

from dataclasses import dataclass

from gateway.access import demand
from gateway.api.codings import Asked, asked_codes
from gateway.api.exchange import Answer, Exchange
from gateway.api.inputs import inputs
from gateway.api.terminology import (
    canonical,
    code_system,
    conformance_of,
    demand_known,
    terminology_of,
    undecided,
)
from gateway.errors import GatewayError, issue
from gateway.fhir.terminology import (
    GRAMMARS,
    CodeList,
    Expansion,
    Terminology,
    code_list,
    display_of,
    is_abstract,
    is_text_of,
)
from gateway.records import Resource

_BOTH = frozenset(
    {"url", "code", "display", "coding", "codeableConcept", "abstract", "displayLanguage"}
)
_OF_SYSTEM = _BOTH | {"codeSystem", "version", "system"}
_OF_VALUE_SET = _BOTH | {"valueSet", "valueSetVersion", "system", "systemVersion"}


@dataclass(frozen=True, slots=True)
class _Verdict:
    """``number`` of the error that says why not; what the concept is called."""

    number: str | None
    subject: str
    display: str | None = None


def validate_code_of_system(exchange: Exchange, id_: str | None = None) -> Answer:
    """Answer whether a code is one of a code system; see ``_told``."""
    demand(exchange.principal, "CodeSystem", "read")
    return _told(exchange, _in_code_system(exchange, id_))


def validate_code_of_value_set(exchange: Exchange, id_: str | None = None) -> Answer:
    """Answer whether a code is one of a value set; see ``_told``."""
    demand(exchange.principal, "ValueSet", "read")
    return _told(exchange, _in_value_set(exchange, id_))


def _told(exchange: Exchange, verdicts: list[_Verdict]) -> Answer:
    """Answer result, message and the display that the code should have.

    A grouping concept is refused only with ``abstract=false``. Of a CodeableConcept one good coding
    is enough.
    """
    best = next((one for one in verdicts if one.number is None), verdicts[0])
    told: list[Resource] = [{"name": "result", "valueBoolean": best.number is None}]
    if best.number is not None:
        found = issue(best.number, subject=best.subject[:200])
        is_english = exchange.language == "en"
        text = found.text_en if is_english else found.text_zh
        told.append({"name": "message", "valueString": text})
    if best.display is not None:
        told.append({"name": "display", "valueString": best.display})
    return Answer(200, resource={"resourceType": "Parameters", "parameter": told})


def _in_code_system(exchange: Exchange, id_: str | None) -> list[_Verdict]:
    given = inputs(exchange, _OF_SYSTEM)
    asked = asked_codes(given)
    inline = given.element("codeSystem")
    if id_ is not None:
        inline = conformance_of(exchange, "CodeSystem", id_)
    url = given.text("url") or asked[0].system
    if inline is None and url in GRAMMARS:
        return [_by_grammar(url, one) for one in asked]
    if inline is not None:
        content = code_list(inline)
        url = str(inline.get("url"))
    elif url is None:
        raise GatewayError("GW-7207", names="url")
    else:
        content = code_system(terminology_of(exchange), url, asked[0].version)
    language = given.text("displayLanguage")
    abstract = given.flag("abstract") is not False
    return [
        _Verdict("GW-7211", url)
        if one.system not in (None, url)
        else _of_concept(content, one, url, language, has_abstract=abstract)
        for one in asked
    ]


def _by_grammar(url: str, asked: Asked) -> _Verdict:
    """Ask a system whose codes are not listed; raise GW-7204 where its grammar cannot tell."""
    is_code = asked.system in (None, url) and GRAMMARS[url](asked.code)
    if is_code is None:
        raise GatewayError("GW-7204", system=url)
    return _Verdict(None if is_code else "GW-7211", url)


def _of_concept(
    content: CodeList, asked: Asked, url: str, language: str | None, *, has_abstract: bool
) -> _Verdict:
    code = content.written(asked.code)
    if code is None:
        # Of a fragment nobody can say that the code is wrong.
        if not content.is_complete:
            raise GatewayError("GW-7204", system=url[:200])
        return _Verdict("GW-7211", url)
    concept = content.concepts[code]
    display = display_of([concept], language)
    if not has_abstract and is_abstract(concept):
        return _Verdict("GW-7214", url, display)
    return _Verdict(_of_display(asked, concept), url, display)


def _of_display(asked: Asked, *concepts: Resource) -> str | None:
    has_texts = any(display_of([one]) for one in concepts)
    is_right = asked.display is None or not has_texts or is_text_of(asked.display, concepts)
    return None if is_right else "GW-7213"


def _in_value_set(exchange: Exchange, id_: str | None) -> list[_Verdict]:
    given = inputs(exchange, _OF_VALUE_SET)
    asked = asked_codes(given, version="systemVersion")
    terminology = terminology_of(exchange)
    inline = given.element("valueSet")
    if id_ is not None:
        inline = conformance_of(exchange, "ValueSet", id_)
    if inline is not None:
        url = str(inline.get("url") or "ValueSet")
        expansion = terminology.expand(inline)
    else:
        stated = canonical(given, "url", "valueSetVersion")
        if stated is None:
            raise GatewayError("GW-7207", names="url | valueSet")
        url = stated
        expansion = demand_known(terminology.expansion(url), url)
    language = given.text("displayLanguage")
    abstract = given.flag("abstract") is not False
    verdicts = []
    for one in asked:
        if one.system is None:
            raise GatewayError("GW-7207", names="system")
        verdicts.append(
            _of_member(terminology, expansion, one, url, language, has_abstract=abstract)
        )
    return verdicts


def _of_member(
    terminology: Terminology,
    expansion: Expansion,
    asked: Asked,
    url: str,
    language: str | None,
    *,
    has_abstract: bool,
) -> _Verdict:
    system = asked.system or ""
    is_in = expansion.contains(system, asked.code)
    if is_in is None and system in expansion.grammars:
        raise GatewayError("GW-7204", system=system)
    if is_in is None:
        raise undecided(expansion, url)
    if not is_in:
        return _Verdict("GW-7212", url)
    content = terminology.content(system)
    code = (content.written(asked.code) if content else None) or asked.code
    concept = content.concepts.get(code, {}) if content else {}
    shown = expansion.known.get(system, {}).get(code, {})
    display = display_of((shown, concept), language)
    if not has_abstract and is_abstract(concept):
        return _Verdict("GW-7214", url, display)
    return _Verdict(_of_display(asked, shown, concept), url, display)
