"""Search in a compartment: ``Patient/[id]/Observation``, or ``*`` for all types.

https://hl7.org/fhir/R4/search.html#2.21.1.2
"""

from gateway.access import demand
from gateway.api.compartments import SERVED, ways, within
from gateway.api.exchange import Answer, Exchange
from gateway.api.permitted import permitted_types
from gateway.api.read import is_id
from gateway.api.searching import search_in
from gateway.errors import GatewayError


def search_compartment(exchange: Exchange, compartment: str, id_: str, inner: str) -> Answer:
    """Answer what the client may see in the compartment; raise GW-7010 where there is none."""
    if inner.startswith("$"):
        raise GatewayError("GW-7019", operation=inner[:64])
    if compartment not in SERVED or not is_id(id_):
        raise GatewayError("GW-7010")
    by_type = ways(exchange.services.definitions, compartment)
    if inner == "*":
        permitted = permitted_types(exchange, "search")
        by_type = {type_: codes for type_, codes in by_type.items() if type_ in permitted}
    elif inner in by_type:
        demand(exchange.principal, inner, "search")
        by_type = {inner: by_type[inner]}
    else:
        raise GatewayError("GW-7010")
    path = f"{compartment}/{id_}/{inner}"
    return search_in(exchange, tuple(by_type), path, (within(by_type, compartment, id_),))
