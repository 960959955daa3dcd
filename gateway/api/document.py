"""$document: a document Bundle of a Composition and all that it leads to.

https://hl7.org/fhir/R4/operation-composition-document.html
"""

from dataclasses import replace

from gateway.access import demand
from gateway.api.create import creation
from gateway.api.exchange import Answer, Exchange
from gateway.api.inputs import inputs
from gateway.api.preconditions import Preconditions
from gateway.api.read import current
from gateway.api.written import write_one
from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.fhir.times import format_instant
from gateway.records import Resource
from gateway.referral import assemble

_KNOWN = frozenset({"persist"})


def document(exchange: Exchange, id_: str | None = None) -> Answer:
    """Answer the Bundle; what the client may not see is left out, the reference to it stays.

    With ``persist`` it is stored, too, and its address answered as Location. Raises GW-7206 for
    ``graph``, which R4 leaves to other servers, and GW-7020 for no Composition named.
    """
    given = inputs(exchange, _KNOWN if id_ else _KNOWN | {"id"})
    named = id_ or (given.text("id") or "").removeprefix(f"{exchange.address}/Composition/")
    if not named:
        raise GatewayError("GW-7020", name="id", allowed="Composition.id")
    demand(exchange.principal, "Composition", "read")
    composition = codec.decode_stored(current(exchange, "Composition", named).body)
    bundle = assemble(
        composition,
        lambda type_, other: _resolve(exchange, type_, other),
        address=exchange.address,
        timestamp=format_instant(exchange.services.clock()),
        identifier=composition.get("identifier"),
    )
    if not given.flag("persist"):
        return Answer(200, resource=bundle)
    asked = replace(exchange, body=bundle, query=(), preconditions=Preconditions())
    return Answer(200, bundle, location=write_one(asked, creation(asked, "Bundle")).location)


def _resolve(exchange: Exchange, type_: str, id_: str) -> Resource | None:
    stored = exchange.services.store.read(exchange.visibility, type_, id_)
    return None if stored is None or stored.is_deleted else codec.decode_stored(stored.body)
