"""search-type: resources of one type that match. https://hl7.org/fhir/R4/http.html#search"""

from typing import Literal

from gateway.access import demand
from gateway.api.exchange import Answer, Exchange
from gateway.api.paging import cursor_of, entry_of, next_link, self_link, without_paging
from gateway.api.subset import subset
from gateway.errors import issue
from gateway.fhir import codec
from gateway.fhir.outcome import operation_outcome
from gateway.fhir.search_model import Query
from gateway.fhir.search_query import parse_query
from gateway.records import Resource, Stored


def search_type(exchange: Exchange, type_: str) -> Answer:
    """Answer a page of matches with what they include.

    Raises GW-71xx for a parameter, modifier or value that is not understood.
    """
    demand(exchange.principal, type_, "search")
    asked = without_paging(exchange.query)
    query = parse_query(
        exchange.services.definitions, (type_,), asked, _mode(exchange), server=exchange.address
    )
    page = exchange.services.store.search(
        exchange.visibility, query, cursor=cursor_of(exchange, type_, asked)
    )
    bundle: Resource = {"resourceType": "Bundle", "type": "searchset"}
    if page.total is not None:
        bundle["total"] = page.total
    bundle["link"] = [self_link(exchange, type_, query.used)]
    if page.next:
        bundle["link"].append(next_link(exchange, type_, asked, page.next))
    entries = [_entry(exchange, query, stored, "match") for stored in page.matches]
    entries += [_entry(exchange, query, stored, "include") for stored in page.included]
    if query.ignored:
        entries.append(_told(exchange, query))
    return Answer(200, resource=bundle | ({"entry": entries} if entries else {}))


def _entry(exchange: Exchange, query: Query, stored: Stored, mode: str) -> Resource:
    """Make one entry, with the part of the resource that was asked for."""
    entry = entry_of(exchange, stored, mode)
    if query.elements or query.summary not in {None, "false"}:
        entry["resource"] = subset(
            exchange.services.definitions,
            codec.decode_stored(stored.body),
            query.summary,
            query.elements,
        )
    return entry


def _told(exchange: Exchange, query: Query) -> Resource:
    """Say which parameters were left out."""
    found = [issue("GW-7029", "warning", name=name[:64]) for name in query.ignored]
    return {
        "resource": operation_outcome(found, exchange.language),
        "search": {"mode": "outcome"},
    }


def _mode(exchange: Exchange) -> Literal["strict", "lenient"] | None:
    """What to do with unknown parameters, as the client or the setting says."""
    match exchange.prefer.get("handling"):
        case "strict":
            return "strict"
        case "lenient":
            return "lenient"
    return "lenient" if exchange.services.settings.lenient_search else None
