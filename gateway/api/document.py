"""$document: a document Bundle of a Composition and all that it leads to.

https://hl7.org/fhir/R4/operation-composition-document.html
"""

from gateway.access import demand
from gateway.api.arguments import with_arguments
from gateway.api.exchange import Answer, Exchange
from gateway.api.read import current
from gateway.fhir import codec
from gateway.fhir.times import format_instant
from gateway.records import Resource
from gateway.referral import assemble


def document(exchange: Exchange, id_: str) -> Answer:
    """Answer the Bundle; what the client may not see is left out, the reference to it stays."""
    exchange = with_arguments(exchange)
    demand(exchange.principal, "Composition", "read")
    composition = codec.decode_stored(current(exchange, "Composition", id_).body)

    def resolve(type_: str, other: str) -> Resource | None:
        stored = exchange.services.store.read(exchange.visibility, type_, other)
        if stored is None or stored.is_deleted:
            return None
        return codec.decode_stored(stored.body)

    bundle = assemble(
        composition,
        resolve,
        address=exchange.address,
        timestamp=format_instant(exchange.services.clock()),
        identifier=composition.get("identifier"),
    )
    return Answer(200, resource=bundle)
