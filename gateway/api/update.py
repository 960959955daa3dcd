"""update: a new version of a resource, also conditionally.

https://hl7.org/fhir/R4/http.html#update, #cond-update
"""

from gateway.access import demand, demand_id
from gateway.api.exchange import Answer, Exchange
from gateway.api.parameters import criteria
from gateway.api.read import is_id
from gateway.api.written import write_one
from gateway.errors import GatewayError
from gateway.interactions import Request


def update(exchange: Exchange, type_: str, id_: str) -> Answer:
    """Replace a resource; under a new id only where clients may choose ids."""
    return write_one(exchange, replacement(exchange, type_, id_))


def conditional_update(exchange: Exchange, type_: str) -> Answer:
    """Replace the one resource that matches, or create one when none does."""
    return write_one(exchange, conditional_replacement(exchange, type_))


def replacement(exchange: Exchange, type_: str, id_: str, full_url: str | None = None) -> Request:
    """Make the write request of an update; raise GW-8003, GW-7013, GW-7014, GW-8007.

    What the client does not see it can neither change nor tell from what does not exist: both are
    a new id, judged by the same rule, and the same question is put to the store.
    """
    demand(exchange.principal, type_, "update")
    resource = exchange.resource_of(type_)
    if not is_id(id_) or resource.get("id") != id_:
        raise GatewayError("GW-7014", expression=f"{type_}.id")
    if exchange.services.store.read(exchange.visibility, type_, id_) is None:
        allowed = exchange.services.settings.update_as_create
        demand_id(exchange.principal, id_, is_allowed=allowed)
        demand(exchange.principal, type_, "create")
    return Request(
        "update",
        type_,
        id=id_,
        resource=resource,
        if_match=exchange.preconditions.if_match,
        if_none_match=exchange.preconditions.if_none_match,
        needs_match=exchange.services.settings.demand_if_match,
        full_url=full_url,
    )


def conditional_replacement(exchange: Exchange, type_: str, full_url: str | None = None) -> Request:
    """Make the write request of a conditional update; raise GW-8003, GW-7013, GW-7014."""
    demand(exchange.principal, type_, "update")
    resource = exchange.resource_of(type_)
    id_ = resource.get("id")
    if id_ is not None and not (isinstance(id_, str) and is_id(id_)):
        raise GatewayError("GW-7014", expression=f"{type_}.id")
    return Request(
        "update",
        type_,
        resource=resource,
        criteria=criteria(exchange.query),
        if_match=exchange.preconditions.if_match,
        if_none_match=exchange.preconditions.if_none_match,
        needs_match=exchange.services.settings.demand_if_match,
        may_choose_id=exchange.services.settings.update_as_create,
        full_url=full_url,
    )
