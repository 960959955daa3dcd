"""delete: the resource is gone, its history stays; also conditionally.

https://hl7.org/fhir/R4/http.html#delete, #cdelete
"""

from gateway.access import demand
from gateway.api.exchange import Answer, Exchange
from gateway.api.parameters import criteria
from gateway.api.read import is_id
from gateway.api.written import answer_deleted
from gateway.errors import GatewayError
from gateway.interactions import Request

_MOST = 1000


def delete(exchange: Exchange, type_: str, id_: str) -> Answer:
    """Delete a resource; 204 as well when there is none (or none that the client may see)."""
    demand(exchange.principal, type_, "delete")
    if not is_present(exchange, type_, id_):
        return Answer(204)
    [written] = exchange.services.pipeline.write(
        exchange.principal, [deletion(exchange, type_, id_)]
    )
    return answer_deleted(written)


def conditional_delete(exchange: Exchange, type_: str) -> Answer:
    """Delete the one resource that matches; several are refused (GW-7041), none is 204.

    With the setting ``delete_multiple`` all that match are deleted, whole or not at all.
    """
    if exchange.services.settings.delete_multiple:
        return _delete_all(exchange, type_)
    [written] = exchange.services.pipeline.write(
        exchange.principal, [conditional_deletion(exchange, type_)]
    )
    return answer_deleted(written)


def _delete_all(exchange: Exchange, type_: str) -> Answer:
    asked = (*criteria(exchange.query), ("_count", str(_MOST)))
    demand(exchange.principal, type_, "delete")
    store = exchange.services.store
    query = store.query(exchange.visibility.shard, (type_,), asked, "strict")
    if not query.conditions:
        raise GatewayError("GW-7043", type=type_)
    page = store.search(exchange.visibility, query)
    if page.next is not None:
        raise GatewayError("GW-7041", type=type_)
    requests = [deletion(exchange, type_, one.id) for one in page.matches]
    if requests:
        exchange.services.pipeline.write(exchange.principal, requests)
    return Answer(204)


def is_present(exchange: Exchange, type_: str, id_: str) -> bool:
    """Say whether there is a resource to delete that the client sees."""
    stored = exchange.services.store.read(exchange.visibility, type_, id_) if is_id(id_) else None
    return stored is not None and not stored.is_deleted


def deletion(exchange: Exchange, type_: str, id_: str) -> Request:
    """Make the write request of a delete; raise GW-8003."""
    demand(exchange.principal, type_, "delete")
    return Request(
        "delete",
        type_,
        id=id_,
        if_match=exchange.preconditions.if_match,
        needs_match=exchange.services.settings.demand_if_match,
    )


def conditional_deletion(exchange: Exchange, type_: str) -> Request:
    """Make the write request of a conditional delete; raise GW-8003."""
    demand(exchange.principal, type_, "delete")
    return Request(
        "delete",
        type_,
        criteria=criteria(exchange.query),
        if_match=exchange.preconditions.if_match,
        needs_match=exchange.services.settings.demand_if_match,
    )
