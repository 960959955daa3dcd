"""$document: a document Bundle of a Composition and all that it refers to.

https://hl7.org/fhir/R4/operation-composition-document.html
"""

from collections.abc import Iterator

from gateway.access import demand
from gateway.api.exchange import Answer, Exchange
from gateway.api.read import current
from gateway.fhir import codec
from gateway.fhir.references import references, split
from gateway.fhir.times import format_instant
from gateway.records import Resource

_DEPTH = 2


def document(exchange: Exchange, id_: str) -> Answer:
    """Answer the Bundle; what the client may not see is left out, the reference stays."""
    demand(exchange.principal, "Composition", "read")
    composition: Resource = codec.decode(current(exchange, "Composition", id_).body)
    resources = [composition, *_reached(exchange, composition)]
    bundle: Resource = {
        "resourceType": "Bundle",
        "identifier": composition.get("identifier")
        or {"system": "urn:ietf:rfc:3986", "value": f"{exchange.base}/Composition/{id_}"},
        "type": "document",
        "timestamp": format_instant(exchange.services.clock()),
        "entry": [
            {
                "fullUrl": f"{exchange.base}/{one['resourceType']}/{one['id']}",
                "resource": one,
            }
            for one in resources
        ],
    }
    return Answer(200, resource=bundle)


def _reached(exchange: Exchange, composition: Resource) -> Iterator[Resource]:
    """Follow the Composition's references, and those of what they lead to, once each."""
    seen = {f"Composition/{composition['id']}"}
    edge = [composition]
    for _ in range(_DEPTH):
        found = [one for source in edge for one in _named_by(exchange, source, seen)]
        yield from found
        edge = found


def _named_by(exchange: Exchange, source: Resource, seen: set[str]) -> Iterator[Resource]:
    for _, reference in references(source):
        literal = reference.get("reference")
        target = split(literal) if isinstance(literal, str) and ":" not in literal else None
        if target is None or f"{target.type}/{target.id}" in seen:
            continue
        seen.add(f"{target.type}/{target.id}")
        stored = exchange.services.store.read(exchange.visibility, target.type, target.id)
        if stored is not None and not stored.is_deleted:
            yield codec.decode(stored.body)
