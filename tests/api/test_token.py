"""POST /oauth/token: RFC 6749, section 4.4 and 5.2."""

import base64

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.consortium import SECRET, Consortium


@pytest.fixture
def anybody(consortium: Consortium) -> FlaskClient:
    return consortium.app.test_client()


def basic(client: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{client}:{secret}".encode()).decode()}


def refused(response: TestResponse, status: int, code: str) -> None:
    assert response.status_code == status, response.get_data(as_text=True)
    body = response.get_json()
    assert body["error"] == code
    assert body["error_description"].startswith("GW-")
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("is_basic", [True, False])
def test_a_client_gets_a_token_that_opens_the_api(anybody: FlaskClient, is_basic: bool) -> None:
    form = {"grant_type": "client_credentials", "scope": "system/Patient.rs"}
    if is_basic:
        answer = anybody.post("/oauth/token", data=form, headers=basic("qs-county", SECRET))
    else:
        answer = anybody.post(
            "/oauth/token", data=form | {"client_id": "qs-county", "client_secret": SECRET}
        )
    assert answer.status_code == 200
    body = answer.get_json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
    assert body["scope"] == "system/Patient.rs"
    bearer = {"Authorization": f"Bearer {body['access_token']}"}
    assert anybody.get("/fhir/Patient?_count=1", headers=bearer).status_code == 200
    assert anybody.get("/fhir/Claim?_count=1", headers=bearer).status_code == 403


def test_a_wrong_secret_is_invalid_client(anybody: FlaskClient) -> None:
    form = {"grant_type": "client_credentials"}
    answer = anybody.post("/oauth/token", data=form, headers=basic("qs-county", "wrong"))
    refused(answer, 401, "invalid_client")
    assert answer.headers["WWW-Authenticate"].startswith("Basic")
    refused(anybody.post("/oauth/token", data=form), 401, "invalid_client")


@pytest.mark.parametrize("grant", ["password", "", "authorization_code"])
def test_another_grant_is_unsupported(anybody: FlaskClient, grant: str) -> None:
    answer = anybody.post("/oauth/token", data={"grant_type": grant})
    refused(answer, 400, "unsupported_grant_type")


@pytest.mark.parametrize("scope", ["system/Patient.x", "openid", "patient/*.rs"])
def test_a_scope_that_is_none_is_invalid_scope(anybody: FlaskClient, scope: str) -> None:
    form = {"grant_type": "client_credentials", "scope": scope}
    answer = anybody.post("/oauth/token", data=form, headers=basic("qs-county", SECRET))
    refused(answer, 400, "invalid_scope")


def test_another_body_is_an_invalid_request(anybody: FlaskClient) -> None:
    refused(anybody.post("/oauth/token", json={"grant_type": "x"}), 400, "invalid_request")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    refused(anybody.post("/oauth/token", data=b"%ff=%zz", headers=form), 400, "invalid_request")
    refused(anybody.post("/oauth/token", data=b"a" * 30_000, headers=form), 413, "invalid_request")
