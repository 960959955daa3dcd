"""history-type: all versions of all resources of a type. https://hl7.org/fhir/R4/http.html#history"""

from gateway.access import demand
from gateway.api.exchange import Answer, Exchange
from gateway.api.histories import bundle_of, page_of


def history_type(exchange: Exchange, type_: str) -> Answer:
    """Answer the versions that the client may see, newest first."""
    demand(exchange.principal, type_, "history")
    path = f"{type_}/_history"
    return bundle_of(exchange, path, page_of(exchange, path, exchange.visibility, type_=type_))
