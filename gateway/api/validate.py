"""$validate: say what is wrong with a resource without storing it.

https://hl7.org/fhir/R4/operation-resource-validate.html
"""

from gateway.access import demand
from gateway.api.exchange import Answer, Exchange
from gateway.api.read import current
from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.fhir.json_places import EFFORT_BYTES
from gateway.fhir.outcome import operation_outcome
from gateway.records import Json, Resource
from gateway.validation.sources import located


def validate(exchange: Exchange, type_: str | None = None, id_: str | None = None) -> Answer:
    """Answer 200 with the findings, however many there are.

    The body is the resource, or Parameters with ``resource`` and ``profile``. With an id and no
    body the stored version is checked.
    """
    if type_ is not None and id_ is not None and not exchange.body:
        resource, profiles = (
            codec.decode_stored(current(exchange, type_, id_).body),
            _stated(exchange),
        )
    else:
        resource, profiles = _asked(exchange)
    kind = type_ or resource["resourceType"]
    demand(exchange.principal, kind, "read")
    if type_ is not None and resource["resourceType"] != type_:
        raise GatewayError("GW-7013", type=type_, expression=type_)
    if id_ is not None and resource.get("id") != id_:
        raise GatewayError("GW-7014", expression=f"{kind}.id")
    if kind not in exchange.services.definitions.resource_types:
        raise GatewayError("GW-7001", type=kind[:64])
    validator = exchange.services.validator.of(exchange.principal.visibility.shard)
    found = validator.check(resource, profiles)
    if isinstance(exchange.body, bytes) and exchange.body:
        found = located(exchange.body, found, _place_of(exchange.resource), EFFORT_BYTES)
    return Answer(200, resource=operation_outcome(found, exchange.language))


def _asked(exchange: Exchange) -> tuple[Resource, tuple[str, ...]]:
    body = exchange.resource
    profiles = _stated(exchange)
    if body["resourceType"] != "Parameters":
        return body, profiles
    parameters = [one for one in body.get("parameter", []) if isinstance(one, dict)]
    resource = _named(parameters, "resource", "resource")
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        raise GatewayError("GW-7007", expression="Parameters.parameter")
    stated = _named(parameters, "profile", "valueUri") or _named(
        parameters, "profile", "valueCanonical"
    )
    return resource, (stated,) if isinstance(stated, str) else profiles


def _place_of(body: Resource) -> str:
    """Name the member of the body that holds the resource which was checked."""
    if body["resourceType"] != "Parameters":
        return ""
    parameters = enumerate(body.get("parameter", []))
    return next(
        f"parameter[{n}].resource"
        for n, one in parameters
        if isinstance(one, dict) and one.get("name") == "resource"
    )


def _stated(exchange: Exchange) -> tuple[str, ...]:
    return tuple(value for name, value in exchange.query if name == "profile" and value)


def _named(parameters: list[Resource], name: str, element: str) -> Json:
    return next(
        (one[element] for one in parameters if one.get("name") == name and element in one), None
    )
