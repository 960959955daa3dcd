"""$meta-add: the profiles, tags and security labels given are added.

https://hl7.org/fhir/R4/resource-operation-meta-add.html
"""

from gateway.api.exchange import Answer, Exchange
from gateway.api.meta import LABELS, change_labels
from gateway.records import Resource
from gateway.store.labels import identity


def meta_add(exchange: Exchange, type_: str, id_: str) -> Answer:
    """Answer the meta element that stands now; a change of it is a new version."""
    return change_labels(exchange, type_, id_, _with_labels)


def _with_labels(given: Resource, resource: Resource) -> Resource:
    stands = dict(resource.get("meta", {}))
    for label in LABELS:
        there = {identity(one) for one in stands.get(label, [])}
        new = [one for one in given.get(label, []) if identity(one) not in there]
        if new:
            stands[label] = [*stands.get(label, []), *new]
    return resource | {"meta": stands}
