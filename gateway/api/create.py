"""create: a new resource, also conditionally. https://hl7.org/fhir/R4/http.html#create"""

from gateway.access import demand
from gateway.api.exchange import Answer, Exchange
from gateway.api.written import write_one
from gateway.interactions import Request


def create(exchange: Exchange, type_: str) -> Answer:
    """Store a resource under an id of our own; with If-None-Exist only when nothing matches."""
    return write_one(exchange, creation(exchange, type_))


def creation(exchange: Exchange, type_: str, full_url: str | None = None) -> Request:
    """Make the write request of a create; raise GW-8003, GW-7013."""
    demand(exchange.principal, type_, "create")
    return Request(
        "create",
        type_,
        resource=exchange.resource_of(type_),
        if_none_exist=exchange.preconditions.if_none_exist,
        full_url=full_url,
    )
