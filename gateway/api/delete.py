"""delete: the resource is gone, its history stays. https://hl7.org/fhir/R4/http.html#delete"""

from gateway.access import demand
from gateway.api.exchange import Answer, Exchange
from gateway.api.read import is_id
from gateway.interactions import Request


def delete(exchange: Exchange, type_: str, id_: str) -> Answer:
    """Delete a resource; 204 as well when there is none (or none that the client may see)."""
    demand(exchange.principal, type_, "delete")
    if not is_present(exchange, type_, id_):
        return Answer(204)
    [written] = exchange.services.pipeline.write(
        exchange.principal, [deletion(exchange, type_, id_)]
    )
    return Answer(204, version=written.stored.version, updated_utc=written.stored.updated_utc)


def is_present(exchange: Exchange, type_: str, id_: str) -> bool:
    """Say whether there is a resource to delete that the client sees."""
    stored = exchange.services.store.read(exchange.visibility, type_, id_) if is_id(id_) else None
    return stored is not None and not stored.is_deleted


def deletion(exchange: Exchange, type_: str, id_: str) -> Request:
    """Make the write request of a delete; raise GW-8003."""
    demand(exchange.principal, type_, "delete")
    return Request("delete", type_, id=id_, if_match=exchange.preconditions.if_match)
