"""The CapabilityStatement says what is routed: operations and interactions, both ways."""

from typing import Any

import pytest

from gateway.api.routes import ROUTES
from gateway.fhir.definitions import load
from gateway.fhir.search_additions import ADDITIONS
from tests.support.consortium import Consortium


@pytest.fixture(scope="module")
def rest(consortium: Consortium) -> dict[str, Any]:
    """What the server says of itself."""
    [said] = consortium.app.test_client().get("/fhir/metadata").get_json()["rest"]
    found: dict[str, Any] = said
    return found


def test_every_operation_is_claimed_where_it_is_routed_and_nowhere_else(
    rest: dict[str, Any],
) -> None:
    routed = {
        (type_, route.word)
        for route in ROUTES
        if route.word.startswith("$")
        for type_ in ([None] if route.is_system else route.types or load().resource_types)
    }
    claimed = {(None, f"${one['name']}") for one in rest.get("operation", ())} | {
        (resource["type"], f"${one['name']}")
        for resource in rest["resource"]
        for one in resource.get("operation", ())
    }
    assert claimed == routed


def test_every_address_of_the_api_belongs_to_a_route(consortium: Consortium) -> None:
    beside = {"/metadata", "/.well-known/smart-configuration"}
    addresses = {
        (rule.rule.removeprefix("/fhir"), method)
        for rule in consortium.app.url_map.iter_rules()
        if rule.endpoint.startswith("fhir.")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    routed = {(route.rule, route.method) for route in ROUTES}
    assert {one for one in addresses if one[0] not in beside} == routed


def test_every_search_parameter_of_our_own_is_claimed_by_its_types(rest: dict[str, Any]) -> None:
    for addition in ADDITIONS:
        claiming = {
            resource["type"]
            for resource in rest["resource"]
            if any(one["definition"] == addition["url"] for one in resource["searchParam"])
        }
        assert claiming == set(addition["base"])
