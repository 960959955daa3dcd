"""$meta-delete: the profiles, tags and security labels given are removed.

https://hl7.org/fhir/R4/resource-operation-meta-delete.html
"""

from gateway.api.exchange import Answer, Exchange
from gateway.api.meta import LABELS, change_labels
from gateway.records import Resource
from gateway.store.labels import identity


def meta_delete(exchange: Exchange, type_: str, id_: str) -> Answer:
    """Answer the meta element that stands now; a change of it is a new version."""
    return change_labels(exchange, type_, id_, _without_labels)


def _without_labels(given: Resource, resource: Resource) -> Resource:
    stands = dict(resource.get("meta", {}))
    for label in LABELS:
        gone = {identity(one) for one in given.get(label, [])}
        kept = [one for one in stands.pop(label, []) if identity(one) not in gone]
        if kept:
            stands[label] = kept
    return resource | {"meta": stands}
