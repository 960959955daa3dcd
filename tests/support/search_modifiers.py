"""Conditions with modifiers that a resource fulfils, and such that it does not, read out of it.

Written against R4's search.html alone, beside the index that it tests.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from gateway.fhir.definitions import SearchParameter, load
from gateway.fhir.references import references
from gateway.records import CodeSets, Resource
from tests.support.search_values import escaped, items_of

REFERRED = {"system": "urn:matrix", "value": "referred"}
Condition = tuple[str, str]
"""Modifier and value."""


def identified(resource: Resource) -> Resource:
    """Give the resource with an identifier in each of its references, as a client may send it."""
    for _, reference in references(resource):
        reference.setdefault("identifier", REFERRED)
    return resource


def written(code: str, conditions: Mapping[str, str]) -> str:
    """Write conditions on one parameter as a query holds them."""
    return "".join(f"&{code}:{modifier}={quote(value)}" for modifier, value in conditions.items())


def fulfilled(parameter: SearchParameter, resource: Resource, sets: CodeSets) -> dict[str, str]:
    """Give a value for each modifier under which the resource is found."""
    found: dict[str, str] = {}
    for item in items_of(parameter.expression, resource, resource):
        value = getattr(item, "value", item)
        if parameter.kind == "token":
            conditions = _of_token(parameter, resource, value, sets)
        elif parameter.kind == "reference":
            conditions = _of_reference(value)
        else:
            return found
        for modifier, text in conditions:
            found.setdefault(modifier, text)
    return found


def unfulfilled(conditions: Mapping[str, str]) -> Iterator[Condition]:
    """Turn conditions that hold into such that do not."""
    for modifier, value in conditions.items():
        if modifier == "in":
            yield "not-in", value
        elif modifier == "identifier":
            yield modifier, f"{value}-other"
        elif modifier == "text":
            yield modifier, f"{value} otherwise"
        elif modifier == "of-type":
            yield modifier, f"{value}0"
        elif modifier[0].isupper():
            yield "Basic" if modifier != "Basic" else "Binary", value


def _of_token(
    parameter: SearchParameter, resource: Resource, value: Any, sets: CodeSets
) -> Iterator[Condition]:
    if isinstance(value, str):
        for url in _bound(parameter, resource):
            if any(value in codes for codes in (sets.members(url) or {}).values()):
                yield "in", url
        return
    if not isinstance(value, dict):
        return
    for text in _texts(value):
        yield "text", escaped(text)
    for coding in value.get("coding", [value] if "code" in value else []):
        yield from _of_coding(coding, sets)
    if "value" in value:
        for kind in value.get("type", {}).get("coding", ()):
            if kind.get("system") and kind.get("code"):
                parts = (kind["system"], kind["code"], value["value"])
                yield "of-type", "|".join(map(escaped, parts))


def _of_coding(coding: Resource, sets: CodeSets) -> Iterator[Condition]:
    system, code = coding.get("system"), coding.get("code")
    if not system or not code:
        return
    if sets.related(system, code, "below") is not None:
        yield "below", f"{escaped(system)}|{escaped(code)}"
        yield "above", f"{escaped(system)}|{escaped(code)}"
    whole = (load().code_system(system) or {}).get("valueSet")
    if whole and code in (sets.members(whole) or {}).get(system, ()):
        yield "in", whole


def _texts(value: Resource) -> Iterator[str]:
    """Give what stands beside a code: R4 names CodeableConcept.text, display and type.text."""
    concepts = [value, *value.get("coding", ())]
    if isinstance(value.get("type"), dict):
        concepts = [{"text": value["type"].get("text")}]
    for one in concepts:
        for text in (one.get("text"), one.get("display")):
            if isinstance(text, str) and text.strip():
                yield text


def _bound(parameter: SearchParameter, resource: Resource) -> Iterator[str]:
    """Give the value set that the codes of a plainly named element are of."""
    structure = load().structure(resource["resourceType"]) or {}
    paths = {part.strip() for part in (parameter.expression or "").split("|")}
    for element in structure["snapshot"]["element"]:
        binding = element.get("binding", {})
        if element["path"] in paths and binding.get("strength") == "required":
            yield binding["valueSet"].partition("|")[0]


def _of_reference(value: Any) -> Iterator[Condition]:
    # Some examples write a canonical address as if it were a reference.
    reference = value if isinstance(value, dict) else {"reference": value}
    if "resourceType" in reference and "id" in reference:
        reference = {"reference": f"{reference['resourceType']}/{reference['id']}"}
    type_, slash, id_ = reference.get("reference", "").partition("/")
    if slash and type_ in load().resource_types and "/" not in id_:
        yield type_, id_
    identifier = reference.get("identifier", {})
    if isinstance(identifier, dict) and "value" in identifier:
        system = identifier.get("system", "")
        yield "identifier", f"{escaped(system)}|{escaped(identifier['value'])}"
