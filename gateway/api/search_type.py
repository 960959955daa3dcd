"""search-type: resources of one type that match. https://hl7.org/fhir/R4/http.html#search"""

from gateway.access import demand
from gateway.api.exchange import Answer, Exchange
from gateway.api.paging import (
    cursor_of,
    entry_of,
    next_link,
    self_link,
    without_paging,
)
from gateway.fhir.outcome import operation_outcome
from gateway.fhir.search_query import parse_query
from gateway.records import Resource


def search_type(exchange: Exchange, type_: str) -> Answer:
    """Answer a page of matches with what they include; raise GW-71xx for what is not understood."""
    demand(exchange.principal, type_, "search")
    asked = without_paging(exchange.query)
    query = parse_query(exchange.services.definitions, (type_,), asked, _mode(exchange))
    page = exchange.services.store.search(
        exchange.visibility, query, cursor=cursor_of(exchange, type_, asked)
    )
    links = [self_link(exchange, type_, query.used)]
    if page.next:
        links.append(next_link(exchange, type_, asked, page.next))
    bundle: Resource = {"resourceType": "Bundle", "type": "searchset"}
    if page.total is not None:
        bundle["total"] = page.total
    bundle["link"] = links
    entries = [entry_of(exchange, stored, "match") for stored in page.matches]
    entries += [entry_of(exchange, stored, "include") for stored in page.included]
    if query.issues:
        outcome = operation_outcome(query.issues, exchange.language)
        entries.append({"resource": outcome, "search": {"mode": "outcome"}})
    return Answer(200, resource=bundle | ({"entry": entries} if entries else {}))


def _mode(exchange: Exchange) -> str | None:
    """What to do with unknown parameters, as the client or the setting says."""
    wanted = exchange.prefer.get("handling")
    if wanted in {"strict", "lenient"}:
        return wanted
    return "lenient" if exchange.services.settings.lenient_search else None
