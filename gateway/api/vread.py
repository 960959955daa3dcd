"""vread: one version of a resource. https://hl7.org/fhir/R4/http.html#vread"""

from gateway.access import demand
from gateway.api.delivered import shared
from gateway.api.exchange import Answer, Exchange
from gateway.api.read import is_id
from gateway.errors import GatewayError

_LARGEST = 2**31 - 1


def vread(exchange: Exchange, type_: str, id_: str, version: str) -> Answer:
    """Answer the version, or 304 when the client holds it; raise GW-7004 or GW-7003 (deleted)."""
    demand(exchange.principal, type_, "vread")
    number = version_number(version)
    if not is_id(id_) or number is None:
        raise GatewayError("GW-7004", type=type_)
    stored = exchange.services.store.vread(exchange.visibility, type_, id_, number)
    if stored is None and number == 1:
        stored = shared(exchange, type_, id_)
    if stored is None:
        raise GatewayError("GW-7004", type=type_)
    if stored.is_deleted:
        raise GatewayError("GW-7003", type=type_)
    if exchange.preconditions.is_unmodified(stored):
        return Answer(304, version=stored.version, updated_utc=stored.updated_utc)
    return Answer.of(stored)


def version_number(text: str) -> int | None:
    """Read a version id of ours; None for what can be none."""
    is_number = text.isascii() and text.isdecimal() and int(text[:12]) <= _LARGEST
    return int(text) if is_number else None
