"""search-system: resources of any type that match. https://hl7.org/fhir/R4/http.html#search"""

from gateway.api.exchange import Answer, Exchange
from gateway.api.permitted import permitted_types
from gateway.api.searching import search_in


def search_system(exchange: Exchange) -> Answer:
    """Answer a page of matches of the types of ``_type``, or of all that the token opens."""
    return search_in(exchange, permitted_types(exchange, "search"), "")
