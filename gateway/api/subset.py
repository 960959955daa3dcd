"""Parts of resources: ``_summary`` and ``_elements``.

https://hl7.org/fhir/R4/search.html#summary
"""

from functools import lru_cache

from gateway.errors import GatewayError
from gateway.fhir.definitions import Definitions
from gateway.records import Resource

SUBSETTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
}
_ALWAYS = frozenset({"resourceType", "id", "meta", "implicitRules"})
SUMMARIES = ("true", "text", "data", "count", "false")


def demand_summary(value: str | None) -> str | None:
    """Give a ``_summary`` value; raise GW-7020 for one that the standard does not know."""
    if value is not None and value not in SUMMARIES:
        raise GatewayError("GW-7020", name="_summary", allowed=", ".join(SUMMARIES))
    return value


def subset(
    definitions: Definitions, resource: Resource, summary: str | None, elements: tuple[str, ...]
) -> Resource:
    """Give the part asked for, marked as a part; mandatory elements stay.

    ``elements`` may be qualified by a type (``Patient.name``); other types then stay whole.
    """
    type_ = resource["resourceType"]
    wanted = _named(type_, elements)
    if wanted is None and summary in {None, "false", "count"}:
        return resource
    mandatory, summarised = _top_level(definitions, type_)
    if wanted is not None:
        kept = _ALWAYS | mandatory | wanted
    elif summary == "text":
        kept = _ALWAYS | mandatory | {"text"}
    elif summary == "true":
        kept = _ALWAYS | mandatory | summarised
    else:
        kept = frozenset(resource) - {"text"}
    part = {key: value for key, value in resource.items() if key.removeprefix("_") in kept}
    return _marked(part)


def _named(type_: str, elements: tuple[str, ...]) -> frozenset[str] | None:
    """The top-level elements asked for; None when none are asked of this type."""
    if not elements:
        return None
    names = set()
    for element in elements:
        first, dot, rest = element.partition(".")
        if dot and first[:1].isupper():
            if first == type_:
                names.add(rest.partition(".")[0])
        else:
            names.add(first)
    is_qualified = all(element[:1].isupper() for element in elements)
    return frozenset(names) if names or not is_qualified else None


@lru_cache(maxsize=256)
def _top_level(definitions: Definitions, type_: str) -> tuple[frozenset[str], frozenset[str]]:
    """The names of mandatory and of summary elements, choices written out."""
    mandatory: set[str] = set()
    summarised: set[str] = set()
    structure = definitions.structure(type_) or {}
    for element in structure.get("snapshot", {}).get("element", ()):
        path = element["path"].split(".")
        if len(path) == 2:
            names = _written(path[1], element)
            if element.get("min", 0) > 0:
                mandatory |= names
            if element.get("isSummary"):
                summarised |= names
    return frozenset(mandatory), frozenset(summarised)


def _written(name: str, element: Resource) -> set[str]:
    if not name.endswith("[x]"):
        return {name}
    kinds = [one["code"] for one in element.get("type", ())]
    return {f"{name[:-3]}{kind[0].upper()}{kind[1:]}" for kind in kinds}


def _marked(part: Resource) -> Resource:
    meta = part.get("meta", {})
    tags = [tag for tag in meta.get("tag", ()) if tag.get("code") != "SUBSETTED"]
    return part | {"meta": meta | {"tag": [*tags, SUBSETTED]}}
