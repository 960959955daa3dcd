"""$meta-delete: the profiles, tags and security labels given are removed.

https://hl7.org/fhir/R4/resource-operation-meta-delete.html
"""

from functools import partial

from gateway.access import demand
from gateway.api.exchange import Answer, Exchange
from gateway.api.meta import LABELS, answer_meta, given_meta, identity
from gateway.api.read import current
from gateway.fhir import codec
from gateway.interactions import Request
from gateway.records import Resource


def meta_delete(exchange: Exchange, type_: str, id_: str) -> Answer:
    """Answer the meta element that stands now; a change of it is a new version."""
    demand(exchange.principal, type_, "update")
    current(exchange, type_, id_)
    [written] = exchange.services.pipeline.write(
        exchange.principal,
        [
            Request(
                "patch",
                type_,
                id=id_,
                change=partial(_without_labels, given_meta(exchange)),
                if_match=exchange.preconditions.if_match,
            )
        ],
    )
    stored = written.stored or current(exchange, type_, id_)
    return answer_meta(codec.decode_stored(stored.body))


def _without_labels(given: Resource, resource: Resource) -> Resource:
    stands = dict(resource.get("meta", {}))
    for label in LABELS:
        gone = {identity(one) for one in given.get(label, [])}
        kept = [one for one in stands.pop(label, []) if identity(one) not in gone]
        if kept:
            stands[label] = kept
    return resource | {"meta": stands}
