"""$expand: the codes of a value set.

https://hl7.org/fhir/R4/valueset-operation-expand.html
"""

from uuid import NAMESPACE_URL, uuid5

from gateway.access import demand
from gateway.api.exchange import Answer, Exchange
from gateway.api.inputs import Inputs, inputs
from gateway.api.terminology import (
    canonical,
    conformance_of,
    demand_known,
    terminology_of,
    undecided,
)
from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.fhir.terminology import Expansion, Terminology, Wish, entries
from gateway.fhir.times import format_instant
from gateway.records import Resource

ECHOED = (
    ("filter", "valueString"),
    ("offset", "valueInteger"),
    ("count", "valueInteger"),
    ("includeDesignations", "valueBoolean"),
    ("designation", "valueString"),
    ("activeOnly", "valueBoolean"),
    ("excludeNested", "valueBoolean"),
    ("excludeNotForUI", "valueBoolean"),
    ("excludePostCoordinated", "valueBoolean"),
    ("displayLanguage", "valueCode"),
    ("exclude-system", "valueUri"),
)
_KNOWN = frozenset(name for name, _ in ECHOED) | {"url", "valueSet", "valueSetVersion"}
_KNOWN |= {"includeDefinition"}
MOST = 10_000
UNCLOSED = "http://hl7.org/fhir/StructureDefinition/valueset-unclosed"
_LEFT_OUT = ("text", "contained", "compose", "expansion")


def expand(exchange: Exchange, id_: str | None = None) -> Answer:
    """Answer the ValueSet with its expansion, flat and in the order of its definition.

    A value set that needs a code system of which nothing is loaded raises GW-7203; of one that is
    loaded in part the known codes are listed and the expansion is marked as unclosed. More than
    10,000 codes are answered in pages (``count``) only, codes of a grammar (UCUM) not at all:
    GW-7209.
    """
    demand(exchange.principal, "ValueSet", "read")
    given = inputs(exchange, _KNOWN)
    terminology = terminology_of(exchange)
    value_set, expansion = _found(exchange, terminology, given, id_)
    url = str(value_set.get("url") or "ValueSet")
    _demand_listable(terminology, expansion, url)
    rows = entries(terminology, expansion, _wish(given))
    offset, count = given.number("offset") or 0, given.number("count")
    if count is None and len(rows) > MOST:
        raise GatewayError("GW-7209", value_set=url[:200], limit=MOST)
    page = rows[offset:] if count is None else rows[offset : offset + count]
    kept = {key: value for key, value in value_set.items() if key not in _LEFT_OUT}
    if given.flag("includeDefinition") and "compose" in value_set:
        kept["compose"] = value_set["compose"]
    told: Resource = {"timestamp": format_instant(exchange.services.clock()), "total": len(rows)}
    if offset or count is not None:
        told["offset"] = offset
    told["parameter"] = [*_echoed(given), *_versions(terminology, expansion)]
    if expansion.open:
        told["extension"] = [{"url": UNCLOSED, "valueBoolean": True}]
    told = {key: value for key, value in told.items() if value != []}
    if page:
        told["contains"] = page
    name = codec.encode({"url": url, "parameter": _echoed(given), "contains": rows})
    told = {"identifier": f"urn:uuid:{uuid5(NAMESPACE_URL, name.decode())}"} | told
    return Answer(200, resource=kept | {"status": kept.get("status", "draft"), "expansion": told})


def _found(
    exchange: Exchange, terminology: Terminology, given: Inputs, id_: str | None
) -> tuple[Resource, Expansion]:
    inline = given.element("valueSet")
    if id_ is not None:
        inline = conformance_of(exchange, "ValueSet", id_)
    if inline is not None:
        if inline.get("resourceType") != "ValueSet":
            raise GatewayError("GW-7020", name="valueSet", allowed="ValueSet")
        return inline, terminology.expand(inline)
    url = canonical(given, "url", "valueSetVersion")
    if url is None:
        raise GatewayError("GW-7207", names="url | valueSet")
    expansion = demand_known(terminology.expansion(url), url)
    return terminology.value_set(url) or {}, expansion


def _demand_listable(terminology: Terminology, expansion: Expansion, url: str) -> None:
    if expansion.grammars:
        raise GatewayError("GW-7209", value_set=url[:200], limit=MOST)
    for system in expansion.open:
        # A fragment can be listed as far as it is known, a system that is not there cannot.
        if system == "*" or system not in expansion.known or terminology.content(system) is None:
            raise undecided(expansion, url)


def _wish(given: Inputs) -> Wish:
    told = given.texts("designation") if given.flag("includeDesignations") is not False else None
    if told == () and not given.flag("includeDesignations"):
        told = None
    return Wish(
        text=given.text("filter") or "",
        language=given.text("displayLanguage"),
        is_active_only=bool(given.flag("activeOnly")),
        designations=told,
        without_systems=frozenset(one.partition("|")[0] for one in given.texts("exclude-system")),
        without_abstract=bool(given.flag("excludeNotForUI")),
    )


def _echoed(given: Inputs) -> list[Resource]:
    told: list[Resource] = []
    for name, element in ECHOED:
        for text in given.values.get(name, ()):
            value = text
            if element == "valueInteger":
                value = given.number(name)
            elif element == "valueBoolean":
                value = given.flag(name)
            told.append({"name": name, element: value})
    return told


def _versions(terminology: Terminology, expansion: Expansion) -> list[Resource]:
    """Say from which version of each code system the codes come."""
    told: list[Resource] = []
    for system in expansion.known:
        content = terminology.content(system)
        version = content.definition.get("version") if content else None
        if version:
            told.append({"name": "version", "valueUri": f"{system}|{version}"})
    return told
