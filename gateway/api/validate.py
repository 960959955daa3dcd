"""$validate: say what is wrong with a resource, or with a write of it; nothing is stored.

https://hl7.org/fhir/R4/operation-resource-validate.html
"""

from typing import Literal, cast

from gateway.access import demand
from gateway.api.exchange import Answer, Exchange
from gateway.api.inputs import given
from gateway.api.read import current
from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.fhir.json_places import EFFORT_BYTES
from gateway.fhir.outcome import operation_outcome
from gateway.interactions import Request
from gateway.records import Issue, Json, Resource
from gateway.validation.sources import located

Mode = Literal["create", "update", "delete"]
_MODES = ("create", "update", "delete", "profile")
_INPUTS = frozenset({"resource", "mode", "profile"})


def validate(exchange: Exchange, type_: str | None = None, id_: str | None = None) -> Answer:
    """Answer 200 with the findings, however many there are.

    The body is the resource, or Parameters with ``resource``, ``profile`` and ``mode``. With an id
    and no resource the stored version is checked. ``mode`` create, update or delete also asks
    whether the server would do it now.
    """
    asked = _asked(exchange)
    mode, profile = _text(asked, "mode"), _text(asked, "profile")
    if mode is not None and (mode not in _MODES or (mode == "profile" and profile is None)):
        raise GatewayError("GW-7020", name="mode", allowed=", ".join(_MODES))
    resource = asked.get("resource")
    if type_ is not None and id_ is not None and (resource is None or mode == "delete"):
        resource = codec.decode_stored(current(exchange, type_, id_).body)
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        raise GatewayError("GW-7007", expression="Parameters.parameter")
    _demand_named(exchange, resource, type_, id_)
    validator = exchange.services.validator.of(exchange.principal.visibility.shard)
    found = validator.check(resource, (profile,) if profile else ())
    if isinstance(exchange.body, bytes) and exchange.body and mode != "delete":
        found = located(exchange.body, found, _place_of(exchange.resource), EFFORT_BYTES)
    if mode in {"create", "update", "delete"} and not any(_is_error(one) for one in found):
        found = [*found, *_refusal(exchange, cast("Mode", mode), resource, id_)]
    return Answer(200, resource=operation_outcome(found, exchange.language))


def _demand_named(
    exchange: Exchange, resource: Resource, type_: str | None, id_: str | None
) -> None:
    """Raise GW-7013, GW-7014 unless the resource is what the address names."""
    kind = type_ or resource["resourceType"]
    if kind not in exchange.services.definitions.resource_types:
        # The address names no other type that would not exist: this is a finding.
        return
    demand(exchange.principal, kind, "read")
    if resource["resourceType"] != kind:
        raise GatewayError("GW-7013", type=kind, expression=kind)
    if id_ is not None and resource.get("id") != id_:
        raise GatewayError("GW-7014", expression=f"{kind}.id")


def _refusal(
    exchange: Exchange, mode: Mode, resource: Resource, id_: str | None
) -> tuple[Issue, ...]:
    """Do all of a write but the commit, and say why it would be refused."""
    if id_ is None and mode != "create":
        raise GatewayError("GW-7020", name="mode", allowed="create, profile")
    type_ = resource["resourceType"]
    request = Request(mode, type_, id=id_, resource=None if mode == "delete" else resource)
    try:
        demand(exchange.principal, type_, mode)
        if mode != "create" and id_ is not None:
            current(exchange, type_, id_)
        exchange.services.pipeline.check(exchange.principal, [request])
    except GatewayError as error:
        return error.as_issues()
    return ()


def _is_error(issue: Issue) -> bool:
    return issue.severity in {"error", "fatal"}


def _asked(exchange: Exchange) -> dict[str, Json]:
    """Give the parameters by name; what the body says counts before the address."""
    asked: dict[str, Json] = {name: value for name, value in exchange.query if value}
    if not exchange.body:
        return asked
    if exchange.resource["resourceType"] != "Parameters":
        return asked | {"resource": exchange.resource}
    named = dict(given(exchange))
    if named and _INPUTS.isdisjoint(named):
        # Parameters of another operation are what is to be checked.
        return asked | {"resource": exchange.resource}
    return asked | named


def _text(asked: dict[str, Json], name: str) -> str | None:
    value = asked.get(name)
    if value is None or isinstance(value, str):
        return value
    raise GatewayError("GW-7020", name=name, allowed="string")


def _place_of(body: Resource) -> str:
    """Name the member of the body that holds the resource which was checked."""
    listed = body.get("parameter") if body["resourceType"] == "Parameters" else None
    for position, one in enumerate(listed if isinstance(listed, list) else ()):
        if one["name"] == "resource":
            return f"parameter[{position}].resource"
    return ""
