"""$lookup: what a code system says of one code.

https://hl7.org/fhir/R4/codesystem-operation-lookup.html
"""

from gateway.access import demand
from gateway.api.codings import asked_codes
from gateway.api.exchange import Answer, Exchange
from gateway.api.inputs import Inputs, inputs
from gateway.api.terminology import code_system, terminology_of
from gateway.errors import GatewayError
from gateway.fhir.terminology import CodeList, designations_of, display_of, properties_of, speaks
from gateway.records import Resource

_KNOWN = frozenset({"code", "system", "version", "coding", "displayLanguage", "property"})
_TEXTS = frozenset({"name", "version", "display", "designation"})


def lookup(exchange: Exchange) -> Answer:
    """Answer name, display, designations and properties.

    Without ``property`` everything is told. Raises GW-7201 for a code system that is not loaded
    and GW-7205 for a code that it does not have.
    """
    demand(exchange.principal, "CodeSystem", "read")
    given = inputs(exchange, _KNOWN)
    asked = asked_codes(given)[0]
    if asked.system is None:
        raise GatewayError("GW-7207", names="system")
    content = code_system(terminology_of(exchange), asked.system, asked.version)
    code = content.written(asked.code)
    if code is None:
        raise GatewayError("GW-7205", system=asked.system[:200])
    return Answer(
        200, resource={"resourceType": "Parameters", "parameter": _told(content, code, given)}
    )


def _told(content: CodeList, code: str, given: Inputs) -> list[Resource]:
    definition, concept = content.definition, content.concepts[code]
    language = given.text("displayLanguage")
    wanted = frozenset(given.texts("property"))
    named = str(definition.get("title") or definition.get("name") or definition.get("url"))
    told: list[Resource] = [{"name": "name", "valueString": named}]
    if isinstance(definition.get("version"), str):
        told.append({"name": "version", "valueString": definition["version"]})
    told.append({"name": "display", "valueString": display_of([concept], language) or code})
    told.extend(
        {"name": "designation", "part": _designation(one)}
        for one in designations_of([concept])
        if _is_wanted(one, wanted, language)
    )
    for name, element, value, description in properties_of(content, code):
        if not wanted - _TEXTS or name in wanted:
            parts: list[Resource] = [
                {"name": "code", "valueCode": name},
                {"name": "value", element: value},
            ]
            if description is not None:
                parts.append({"name": "description", "valueString": description})
            told.append({"name": "property", "part": parts})
    return told


def _is_wanted(designation: Resource, wanted: frozenset[str], language: str | None) -> bool:
    if not wanted:
        return language is None or speaks(designation.get("language"), language)
    spoken = [name.removeprefix("lang.") for name in wanted if name.startswith("lang.")]
    return "designation" in wanted or any(
        speaks(designation.get("language"), name) for name in spoken
    )


def _designation(designation: Resource) -> list[Resource]:
    parts: list[Resource] = []
    if "language" in designation:
        parts.append({"name": "language", "valueCode": designation["language"]})
    if "use" in designation:
        parts.append({"name": "use", "valueCoding": designation["use"]})
    return [*parts, {"name": "value", "valueString": designation["value"]}]
