"""$meta: the profiles, tags and security labels of a resource, of a type, of all there is.

https://hl7.org/fhir/R4/resource-operation-meta.html
"""

from collections.abc import Callable
from functools import partial

from gateway.access import demand
from gateway.api.exchange import Answer, Exchange
from gateway.api.inputs import inputs
from gateway.api.permitted import permitted_types
from gateway.api.read import current
from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.interactions import Request
from gateway.records import Resource

LABELS = ("profile", "security", "tag")


def meta(exchange: Exchange, type_: str, id_: str) -> Answer:
    """Answer the meta element of the current version."""
    demand(exchange.principal, type_, "read")
    return answer_meta(codec.decode_stored(current(exchange, type_, id_).body))


def meta_of_type(exchange: Exchange, type_: str) -> Answer:
    """Answer the labels in use in a type."""
    demand(exchange.principal, type_, "search")
    return _in_use(exchange, (type_,))


def meta_of_system(exchange: Exchange) -> Answer:
    """Answer the labels in use in all types that the token opens."""
    return _in_use(exchange, permitted_types(exchange, "search"))


def _in_use(exchange: Exchange, types: tuple[str, ...]) -> Answer:
    found = exchange.services.store.labels(exchange.visibility, types)
    return answer_meta({"meta": {element: labels for element, labels in found.items() if labels}})


def change_labels(
    exchange: Exchange, type_: str, id_: str, change: Callable[[Resource, Resource], Resource]
) -> Answer:
    """Write a resource with its labels changed and answer the meta that stands now.

    ``change`` takes the labels given and the resource; no change of them makes no new version.
    """
    demand(exchange.principal, type_, "update")
    current(exchange, type_, id_)
    asked = Request(
        "patch",
        type_,
        id=id_,
        change=partial(change, given_meta(exchange)),
        if_match=exchange.preconditions.if_match,
    )
    [written] = exchange.services.pipeline.write(exchange.principal, [asked])
    stored = written.stored or current(exchange, type_, id_)
    return answer_meta(codec.decode_stored(stored.body))


def answer_meta(resource: Resource) -> Answer:
    """Answer a resource's meta as the operations do."""
    found = {"name": "return", "valueMeta": resource["meta"]}
    return Answer(200, resource={"resourceType": "Parameters", "parameter": [found]})


def given_meta(exchange: Exchange) -> Resource:
    """Give the ``meta`` parameter of the body; raise GW-4801, GW-7013, GW-7020."""
    found = inputs(exchange, frozenset({"meta"})).element("meta")
    if found is None:
        raise GatewayError("GW-7020", name="meta", allowed="valueMeta")
    return found
