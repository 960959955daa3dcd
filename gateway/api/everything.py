"""$everything: a patient's, all patients' or an encounter's record, with what it refers to.

https://hl7.org/fhir/R4/operation-patient-everything.html, operation-encounter-everything.html
"""

from collections.abc import Iterable
from dataclasses import replace

from gateway.access import demand
from gateway.api.care_dates import cared_for
from gateway.api.compartments import ways, within
from gateway.api.exchange import Answer, Exchange, Pairs
from gateway.api.inputs import with_arguments
from gateway.api.paging import PAGE, cursor_of, entry_of, next_link, self_link, without_paging
from gateway.api.permitted import permitted_types
from gateway.api.read import current
from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.fhir.references import references, split
from gateway.fhir.search_model import AnyOf, Query
from gateway.fhir.times import format_instant
from gateway.records import Resource, Stored

_ALLOWED = {
    "Patient": ("start", "end", "_since", "_type", "_count"),
    "Encounter": ("_since", "_type", "_count"),
}
_STEPS = 2
"""A role leads to a practitioner, which nothing in the record names itself."""


def patient_everything(exchange: Exchange, id_: str | None = None) -> Answer:
    """Answer the Patient, its compartment page by page, and what these refer to.

    Without an id: of all patients that the client may see.
    """
    return _everything(with_arguments(exchange), "Patient", id_)


def encounter_everything(exchange: Exchange, id_: str) -> Answer:
    """Answer the Encounter, its compartment page by page, and what these refer to."""
    return _everything(with_arguments(exchange), "Encounter", id_)


def _everything(exchange: Exchange, type_: str, id_: str | None) -> Answer:
    demand(exchange.principal, type_, "read")
    focus = [current(exchange, type_, id_)] if id_ is not None else []
    asked = without_paging(exchange.query)
    wanted = _wanted(exchange, asked)
    permitted = permitted_types(exchange, "search")
    by_type = ways(exchange.services.definitions, type_)
    by_type = {one: codes for one, codes in by_type.items() if one in permitted}
    if wanted and wanted <= by_type.keys() | {type_}:
        # The compartment alone; what is only referred to is found by what refers to it.
        by_type = {one: codes for one, codes in by_type.items() if one in wanted}
    path = "/".join(filter(None, (type_, id_, "$everything")))
    query = _query(exchange, type_, by_type, asked)
    query = replace(query, conditions=(within(by_type, type_, id_), *query.conditions))
    page = exchange.services.store.search(
        exchange.visibility, query, cursor=cursor_of(exchange, path, asked)
    )
    # The patient is linked to itself by a merge, so it may be among the matches, too.
    matches = [one for one in page.matches if (one.type, one.id) != (type_, id_)]
    if exchange.parameter(PAGE) is None:
        matches = [*focus, *matches]
    referred = _referred(exchange, matches, by_type)
    bundle: Resource = {"resourceType": "Bundle", "type": "searchset"}
    if page.complete_ms:
        # Asked with it as the next _since, nothing is missed.
        bundle["meta"] = {"lastUpdated": format_instant(page.complete_utc)}
    bundle["link"] = [self_link(exchange, path, asked)]
    if page.next:
        bundle["link"].append(next_link(exchange, path, asked, page.next))
    bundle["entry"] = [
        entry_of(exchange, one, mode)
        for mode, listed in (("match", matches), ("include", referred))
        for one in listed
        if not wanted or one.type in wanted
    ]
    return Answer(200, resource=bundle)


def _wanted(exchange: Exchange, asked: Pairs) -> frozenset[str]:
    """Give the types of ``_type``, none for all; raise GW-7001 for one that does not exist."""
    named = [type_ for name, value in asked if name == "_type" for type_ in value.split(",")]
    for type_ in named:
        if type_ not in exchange.services.definitions.resource_types:
            raise GatewayError("GW-7001", type=type_[:64])
    return frozenset(named)


def _query(exchange: Exchange, type_: str, types: Iterable[str], asked: Pairs) -> Query:
    """Turn the operation's parameters into a search; raise GW-7020 for others."""
    pairs: list[tuple[str, str]] = []
    dated: list[AnyOf] = []
    types = tuple(types)
    for name, value in asked:
        if name not in _ALLOWED[type_]:
            allowed = ", ".join(_ALLOWED[type_])
            raise GatewayError("GW-7020", name=name[:64], allowed=allowed)
        if name in {"start", "end"}:
            dated += cared_for(exchange.services.definitions, types, name, value)
        elif name == "_since":
            pairs.append(("_lastUpdated", f"ge{value}"))
        elif name == "_count":
            pairs.append((name, value))
    shard = exchange.visibility.shard
    query = exchange.services.store.query(shard, types, pairs, "strict")
    return replace(query, conditions=(*query.conditions, *dated))


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
