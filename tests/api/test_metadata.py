"""capabilities, discovery, health: what everybody may ask."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from gateway.api.routes import ROUTES
from gateway.fhir.definitions import load
from tests.support.asserts import outcome
from tests.support.consortium import Browser, Consortium


@pytest.fixture
def anybody(consortium: Consortium) -> FlaskClient:
    return consortium.app.test_client()


def test_the_statement_is_answered_without_a_token_and_is_valid(
    anybody: FlaskClient, consortium: Consortium
) -> None:
    answer = anybody.get("/fhir/metadata")
    assert answer.status_code == 200
    statement = answer.get_json()
    assert statement["fhirVersion"] == "4.0.1"
    errors = [
        issue
        for issue in consortium.runtime.validator.check(statement)
        if issue.severity in {"error", "fatal"}
    ]
    assert errors == []


def test_the_statement_claims_what_is_routed_and_no_more(anybody: FlaskClient) -> None:
    [rest] = anybody.get("/fhir/metadata").get_json()["rest"]
    assert {one["type"] for one in rest["resource"]} == load().resource_types
    routed = {route.word for route in ROUTES if "<type_>" in route.rule and "$" not in route.word}
    for resource in rest["resource"]:
        assert {one["code"] for one in resource["interaction"]} == routed
    assert {one["code"] for one in rest["interaction"]} == {
        "transaction",
        "batch",
        "search-system",
        "history-system",
    }


@pytest.mark.parametrize("type_", ["Patient", "ServiceRequest", "Claim", "Observation"])
def test_every_claimed_search_parameter_is_answered(county: Browser, type_: str) -> None:
    [rest] = county.get("/metadata").get_json()["rest"]
    [resource] = [one for one in rest["resource"] if one["type"] == type_]
    values = {
        "token": "x", "string": "x", "uri": "urn:x", "reference": "Patient/1", "date": "2026",
        "number": "1", "quantity": "1", "composite": "x$1",
    }  # fmt: skip
    refused = {}
    for parameter in resource["searchParam"]:
        value = values[parameter["type"]]
        answer = county.get(f"/{type_}?{parameter['name']}={value}", Prefer="handling=strict")
        if b"GW-7101" in answer.get_data():
            refused[parameter["name"]] = answer.get_json()
    assert refused == {}


def test_discovery_names_the_token_endpoint_at_both_addresses(anybody: FlaskClient) -> None:
    below = anybody.get("/fhir/.well-known/smart-configuration").get_json()
    root = anybody.get("/.well-known/smart-configuration").get_json()
    assert below == root
    assert below["token_endpoint"] == "http://localhost/oauth/token"
    assert below["grant_types_supported"] == ["client_credentials"]
    methods = ["private_key_jwt", "client_secret_basic", "client_secret_post"]
    assert below["token_endpoint_auth_methods_supported"] == methods
    assert below["token_endpoint_auth_signing_alg_values_supported"] == ["RS384", "ES384"]
    for name in ("introspection", "revocation"):
        address = below[f"{name}_endpoint"].removeprefix("http://localhost")
        assert anybody.post(address).status_code == 400


def test_health_and_metrics_answer(anybody: FlaskClient) -> None:
    assert anybody.get("/healthz").get_json() == {"status": "ok"}
    assert anybody.get("/readyz").get_json() == {"status": "ready"}
    assert b"gateway_requests_total" in anybody.get("/metrics").get_data()


def test_an_unknown_address_is_an_outcome_everywhere(anybody: FlaskClient) -> None:
    for path in ("/nothing", "/fhir/a/b/c/d", "/intake/a/b/c/d"):
        outcome(anybody.get(path), 404, "GW-7010")


def test_the_routes_folder_has_one_file_per_interaction() -> None:
    folder = Path(__file__).parents[2] / "gateway" / "api"
    for route in ROUTES:
        word = {"transaction": "bundle"}.get(route.word, route.word.lstrip("$").replace("-", "_"))
        assert (folder / f"{word}.py").exists(), route.word
