"""$meta: the profiles, tags and security labels of a resource.

https://hl7.org/fhir/R4/resource-operation-meta.html
"""

from collections.abc import Callable
from functools import partial

from gateway.access import demand
from gateway.api.exchange import Answer, Exchange
from gateway.api.read import current
from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.interactions import Request
from gateway.records import Json, Resource

LABELS = ("profile", "security", "tag")


def meta(exchange: Exchange, type_: str, id_: str) -> Answer:
    """Answer the meta element of the current version."""
    demand(exchange.principal, type_, "read")
    return answer_meta(codec.decode_stored(current(exchange, type_, id_).body))


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
    """Give the ``meta`` parameter of the body; raise GW-7013, GW-7020."""
    for parameter in exchange.resource_of("Parameters").get("parameter") or ():
        if isinstance(parameter, dict) and parameter.get("name") == "meta":
            value = parameter.get("valueMeta")
            if isinstance(value, dict) and all(
                isinstance(value.get(label, []), list) for label in LABELS
            ):
                return value
    raise GatewayError("GW-7020", name="meta", allowed="valueMeta")


def identity(label: Json) -> tuple[Json, Json]:
    """Tell which label it is: a coding by system and code, a profile by its address."""
    if isinstance(label, dict):
        return (label.get("system"), label.get("code"))
    return (None, label)
