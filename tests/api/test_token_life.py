"""Introspection (RFC 7662) and revocation (RFC 7009)."""

import pytest
from flask.testing import FlaskClient

from tests.api.test_token import basic
from tests.support.consortium import SECRET, Consortium


@pytest.fixture
def anybody(consortium: Consortium) -> FlaskClient:
    return consortium.app.test_client()


def token(anybody: FlaskClient, client: str) -> str:
    form = {"grant_type": "client_credentials", "scope": "system/Patient.rs"}
    answer = anybody.post("/oauth/token", data=form, headers=basic(client, SECRET))
    return str(answer.get_json()["access_token"])


def test_a_token_is_told_to_its_member_and_to_operators_only(anybody: FlaskClient) -> None:
    form = {"token": token(anybody, "qs-county")}
    for asker in ("qs-county", "operator"):
        told = anybody.post("/oauth/introspect", data=form, headers=basic(asker, SECRET))
        assert told.headers["Cache-Control"] == "no-store"
        body = told.get_json()
        assert body.pop("jti")
        assert body.pop("exp")
        assert body == {
            "active": True,
            "scope": "system/Patient.rs",
            "client_id": "qs-county",
            "sub": "qs-county",
            "member": "qs-county",
            "token_type": "Bearer",
            "iss": "consortium-fhir-gateway",
        }
    for text in (form["token"], "nonsense", ""):
        told = anybody.post(
            "/oauth/introspect", data={"token": text}, headers=basic("lj-city", SECRET)
        )
        assert told.get_json() == {"active": False}


@pytest.mark.parametrize("path", ["/oauth/introspect", "/oauth/revoke"])
def test_nobody_asks_without_credentials(anybody: FlaskClient, path: str) -> None:
    answer = anybody.post(path, data={"token": token(anybody, "qs-county")})
    assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")


def test_a_revoked_token_opens_nothing_any_more(anybody: FlaskClient) -> None:
    mine, other = token(anybody, "qs-county"), token(anybody, "qs-county")
    county = basic("qs-county", SECRET)

    def opens(text: str) -> int:
        headers = {"Authorization": f"Bearer {text}"}
        return anybody.get("/fhir/Patient?_count=1", headers=headers).status_code

    assert opens(mine) == opens(other) == 200
    for text in (mine, mine, "nonsense", ""):
        answer = anybody.post("/oauth/revoke", data={"token": text}, headers=county)
        assert (answer.status_code, answer.get_data()) == (200, b"")
    assert (opens(mine), opens(other)) == (401, 200)
    told = anybody.post("/oauth/introspect", data={"token": mine}, headers=county)
    assert told.get_json() == {"active": False}


def test_another_clients_token_is_not_revoked(anybody: FlaskClient) -> None:
    form = {"token": token(anybody, "qs-county")}
    answer = anybody.post("/oauth/revoke", data=form, headers=basic("lj-city", SECRET))
    assert (answer.status_code, answer.get_json()["error"]) == (400, "unauthorized_client")
    told = anybody.post("/oauth/introspect", data=form, headers=basic("operator", SECRET))
    assert told.get_json()["active"] is True
