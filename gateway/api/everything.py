"""$everything: a patient's or an encounter's record, with what it refers to.

https://hl7.org/fhir/R4/operation-patient-everything.html, operation-encounter-everything.html
"""

from collections.abc import Iterable
from dataclasses import replace

from gateway.access import demand
from gateway.api.arguments import with_arguments
from gateway.api.compartments import ways, within
from gateway.api.exchange import Answer, Exchange
from gateway.api.paging import PAGE, cursor_of, entry_of, next_link, self_link, without_paging
from gateway.api.permitted import permitted_types
from gateway.api.read import current
from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.fhir.references import references, split
from gateway.fhir.search_query import parse_query
from gateway.records import Resource, Stored

_ALLOWED = ("_since", "_type", "_count")
_STEPS = 2
"""A role leads to a practitioner, which nothing in the record names itself."""


def patient_everything(exchange: Exchange, id_: str) -> Answer:
    """Answer the Patient, its compartment page by page, and what these refer to."""
    return _everything(with_arguments(exchange), "Patient", id_)


def encounter_everything(exchange: Exchange, id_: str) -> Answer:
    """Answer the Encounter, its compartment page by page, and what these refer to."""
    return _everything(with_arguments(exchange), "Encounter", id_)


def _everything(exchange: Exchange, type_: str, id_: str) -> Answer:
    demand(exchange.principal, type_, "read")
    focus = current(exchange, type_, id_)
    asked = without_paging(exchange.query)
    permitted = permitted_types(exchange, "search")
    by_type = ways(exchange.services.definitions, type_)
    by_type = {one: codes for one, codes in by_type.items() if one in permitted}
    query = parse_query(exchange.services.definitions, tuple(by_type), _parameters(asked), "strict")
    by_type = {one: by_type[one] for one in query.types}
    query = replace(query, conditions=(within(by_type, type_, id_), *query.conditions))
    path = f"{type_}/{id_}/$everything"
    page = exchange.services.store.search(
        exchange.visibility, query, cursor=cursor_of(exchange, path, asked)
    )
    is_first = exchange.parameter(PAGE) is None
    # The patient is linked to itself by a merge, so it may be among the matches, too.
    listed = [one for one in page.matches if (one.type, one.id) != (type_, id_)]
    matches = [focus, *listed] if is_first else listed
    bundle: Resource = {"resourceType": "Bundle", "type": "searchset"}
    bundle["link"] = [self_link(exchange, path, asked)]
    if page.next:
        bundle["link"].append(next_link(exchange, path, asked, page.next))
    bundle["entry"] = [entry_of(exchange, one, "match") for one in matches]
    bundle["entry"] += [
        entry_of(exchange, one, "include") for one in _referred(exchange, matches, by_type)
    ]
    return Answer(200, resource=bundle)


def _parameters(asked: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Turn the operation's parameters into those of a search; raise GW-7020 for others."""
    found = []
    for name, value in asked:
        if name not in _ALLOWED:
            raise GatewayError("GW-7020", name=name[:64], allowed=", ".join(_ALLOWED))
        found.append(("_lastUpdated", f"ge{value}") if name == "_since" else (name, value))
    return found


def _referred(
    exchange: Exchange, matches: Iterable[Stored], by_type: Iterable[str]
) -> list[Stored]:
    """Read what the matches refer to outside of the compartment, as far as the client sees it."""
    known = {(one.type, one.id) for one in matches}
    # What lies in the compartment comes as a match, on this page or another.
    inside = set(by_type)
    found: list[Stored] = []
    layer = list(matches)
    for _ in range(_STEPS):
        wanted = dict.fromkeys(
            target
            for one in layer
            for target in _targets(codec.decode_stored(one.body))
            if target not in known and target[0] not in inside
        )
        known |= wanted.keys()
        read = (exchange.services.store.read(exchange.visibility, *target) for target in wanted)
        layer = [one for one in read if one is not None and not one.is_deleted]
        found += layer
    return found


def _targets(resource: Resource) -> Iterable[tuple[str, str]]:
    for _, reference in references(resource):
        text = reference.get("reference")
        if isinstance(text, str) and not text.startswith(("#", "urn:")):
            parts = split(text)
            if parts is not None and ":" not in text:
                yield parts[0], parts[1]
