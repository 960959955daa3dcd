"""create: a new resource, also conditionally. https://hl7.org/fhir/R4/http.html#create"""

from urllib.parse import urlencode

from gateway.access import demand
from gateway.api.exchange import Answer, Exchange
from gateway.api.parameters import criteria
from gateway.api.written import write_one
from gateway.errors import GatewayError
from gateway.interactions import Request


def create(exchange: Exchange, type_: str) -> Answer:
    """Store a resource under an id of our own; with If-None-Exist only when nothing matches."""
    return write_one(exchange, creation(exchange, type_))


def creation(exchange: Exchange, type_: str, full_url: str | None = None) -> Request:
    """Make the write request of a create; raise GW-8003, GW-7013, GW-7020, GW-7043.

    The condition is If-None-Exist. Clients that write it into the address as search parameters
    mean the same, and a condition that was overlooked would double what is there.
    """
    demand(exchange.principal, type_, "create")
    return Request(
        "create",
        type_,
        resource=exchange.resource_of(type_),
        if_none_exist=_condition(exchange, type_),
        full_url=full_url,
    )


def _condition(exchange: Exchange, type_: str) -> str | None:
    header, asked = exchange.preconditions.if_none_exist, criteria(exchange.query)
    if header and asked:
        raise GatewayError("GW-7020", name=asked[0][0][:64], allowed="If-None-Exist")
    if header is not None and not header.strip():
        raise GatewayError("GW-7043", type=type_)
    return header or urlencode(asked) or None
