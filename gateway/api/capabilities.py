"""capabilities: the CapabilityStatement, made from the routes and the search parameters.

https://hl7.org/fhir/R4/http.html#capabilities
"""

from collections.abc import Iterable
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Literal

from gateway import __version__
from gateway.api.compartments import SERVED
from gateway.api.exchange import Answer, Exchange
from gateway.api.negotiation import JSON_PATCH, MERGE_PATCH, OFFERED
from gateway.api.terminology_capabilities import terminology_capabilities
from gateway.fhir.definitions import Definitions, SearchParameter, load
from gateway.fhir.systems import ROOT
from gateway.fhir.times import format_instant
from gateway.records import Resource
from gateway.referral import steps_of_type
from gateway.subscriptions import TOPICS

if TYPE_CHECKING:
    from gateway.api.table import Route

_GUIDE = "http://hl7.org/fhir/uv/subscriptions-backport"
_TOPICS: Resource = {
    "supportedProfile": [f"{_GUIDE}/StructureDefinition/backport-subscription"],
    "extension": [
        {
            "url": f"{_GUIDE}/StructureDefinition/capabilitystatement-subscriptiontopic-canonical",
            "valueCanonical": topic.url,
        }
        for topic in TOPICS
    ],
}
_OF_GUIDE = {
    name: f"{_GUIDE}/OperationDefinition/backport-subscription-{name[1:]}"
    for name in ("$status", "$events")
}
_SYSTEM_WORDS = ("transaction", "batch", "search-system", "history-system")
_RUNNING_TEXT = ("_text", "_content")
_SERVICES = "http://terminology.hl7.org/CodeSystem/restful-security-service"


def capabilities(exchange: Exchange, routes: "tuple[Route, ...]") -> Answer:
    """Answer what this server does, for everybody who asks; ``mode=terminology`` its codes."""
    if exchange.parameter("mode") == "terminology":
        return terminology_capabilities(exchange)
    settings = exchange.services.settings
    statement: Resource = {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": format_instant(exchange.services.clock()),
        "kind": "instance",
        "software": {"name": "consortium-fhir-gateway", "version": __version__},
        "implementation": {"description": "医联体 FHIR 网关", "url": exchange.address},
        "fhirVersion": "4.0.1",
        "format": OFFERED.split(", "),
        "patchFormat": [JSON_PATCH, MERGE_PATCH, *OFFERED.split(", ")],
        "rest": [
            {
                "mode": "server",
                **({} if settings.sandbox else {"security": _security()}),
                "resource": _with_own(
                    _resources(
                        exchange.services.definitions,
                        routes,
                        settings.update_as_create,
                        "multiple" if settings.delete_multiple else "single",
                    ),
                    _own(exchange),
                ),
                "interaction": _system_interactions(routes),
                "operation": _operations(route for route in routes if route.is_system),
                "compartment": [
                    exchange.services.definitions.compartment(name)["url"] for name in SERVED
                ],
            }
        ],
    }
    return Answer(200, resource=statement)


def _security() -> Resource:
    # The token endpoint stands in .well-known/smart-configuration; the older extension for it
    # would also demand an authorize endpoint, which is not here.
    return {"service": [{"coding": [{"system": _SERVICES, "code": "SMART-on-FHIR"}]}]}


def _system_interactions(routes: "tuple[Route, ...]") -> list[Resource]:
    words = [route.word for route in routes if route.is_system]
    # One address takes both kinds of Bundle.
    if "transaction" in words:
        words.append("batch")
    return [{"code": word} for word in _SYSTEM_WORDS if word in words]


@lru_cache(maxsize=4)
def _resources(
    definitions: Definitions,
    routes: "tuple[Route, ...]",
    is_creating: bool,
    deletion: Literal["single", "multiple"],
) -> list[Resource]:
    words = dict.fromkeys(
        route.word for route in routes if not route.is_system and not route.word.startswith("$")
    )
    rules = {(route.method, route.rule) for route in routes}
    return [
        {
            "type": type_,
            "interaction": [{"code": word} for word in words],
            "versioning": "versioned",
            "readHistory": True,
            "updateCreate": is_creating,
            "conditionalCreate": True,
            "conditionalRead": "full-support",
            "conditionalUpdate": ("PUT", "/<type_>") in rules,
            "conditionalDelete": deletion,
            "searchParam": [
                _search_parameter(one)
                for _, one in sorted(definitions.search_parameters[type_].items())
                if is_answered(one)
            ],
            **_typed_operations(routes, type_),
            **(_TOPICS if type_ == "Subscription" else {}),
            **_documented(type_),
        }
        for type_ in sorted(definitions.resource_types)
    ]


def _documented(type_: str) -> Resource:
    """Say which steps a referral or its tasks may take, as the state table has it."""
    text = steps_of_type(type_)
    return {"documentation": text} if text else {}


def _own(exchange: Exchange) -> dict[str, dict[str, SearchParameter]]:
    """Give the tenant's own search parameters that answer; without a token, of the only one."""
    store = exchange.services.store
    shards = store.registry.shards()
    if exchange.principal.client:
        return store.parameters.current(exchange.visibility.shard).active
    return store.parameters.current(shards[0]).active if len(shards) == 1 else {}


def _with_own(
    resources: list[Resource], own: dict[str, dict[str, SearchParameter]]
) -> list[Resource]:
    return [
        one | {"searchParam": [*one["searchParam"], *map(_search_parameter, own[type_].values())]}
        if (type_ := one["type"]) in own
        else one
        for one in resources
    ]


def is_answered(parameter: SearchParameter) -> bool:
    """Say whether the store can answer a search parameter."""
    return parameter.expression is not None or parameter.code in _RUNNING_TEXT


def _search_parameter(parameter: SearchParameter) -> Resource:
    return {"name": parameter.code, "definition": parameter.url, "type": parameter.kind}


def _typed_operations(routes: "tuple[Route, ...]", type_: str) -> Resource:
    listed = _operations(
        (route for route in routes if not route.is_system and type_ in (route.types or (type_,))),
        type_,
    )
    return {"operation": listed} if listed else {}


def _operations(routes: "Iterable[Route]", type_: str = "Resource") -> list[Resource]:
    names = dict.fromkeys(route.word for route in routes if route.word.startswith("$"))
    return [{"name": name[1:], "definition": _defined_by(name, type_)} for name in names]


def _defined_by(name: str, type_: str) -> str:
    """Give the definition: the standard's for the type or for all types, else our own."""
    if type_ == "Subscription" and name in _OF_GUIDE:
        return _OF_GUIDE[name]
    for owner in (type_, "Resource"):
        url = f"http://hl7.org/fhir/OperationDefinition/{owner}-{name[1:]}"
        if url in _standard():
            return url
    return f"{ROOT}/OperationDefinition/{name[1:]}"


@cache
def _standard() -> frozenset[str]:
    return frozenset(one["url"] for one in load().operations())
