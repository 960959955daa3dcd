"""search-type: resources of one type that match. https://hl7.org/fhir/R4/http.html#search"""

from gateway.access import demand
from gateway.api.exchange import Answer, Exchange
from gateway.api.searching import search_in


def search_type(exchange: Exchange, type_: str) -> Answer:
    """Answer a page of matches with what they include; raise GW-71xx for what is not understood."""
    demand(exchange.principal, type_, "search")
    return search_in(exchange, (type_,), type_)
