"""vread: one version of a resource. https://hl7.org/fhir/R4/http.html#vread"""

from gateway.access import demand
from gateway.api.delivered import shared
from gateway.api.exchange import Answer, Exchange
from gateway.api.read import is_id
from gateway.errors import GatewayError

_LARGEST = 2**31 - 1


def vread(exchange: Exchange, type_: str, id_: str, version: str) -> Answer:
    """Answer the version; raise GW-7004 when there is none, GW-7003 when it is a deletion."""
    demand(exchange.principal, type_, "vread")
    is_number = version.isascii() and version.isdecimal() and int(version[:12]) <= _LARGEST
    if not is_id(id_) or not is_number:
        raise GatewayError("GW-7004", type=type_)
    stored = exchange.services.store.vread(exchange.visibility, type_, id_, int(version))
    if stored is None and int(version) == 1:
        stored = shared(exchange, type_, id_)
    if stored is None:
        raise GatewayError("GW-7004", type=type_)
    if stored.is_deleted:
        raise GatewayError("GW-7003", type=type_)
    return Answer.of(stored)
