"""private_key_jwt at /oauth/token: SMART Backend Services, RFC 7523."""

import base64
import hmac
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from joserfc import jwt
from werkzeug.test import TestResponse

from gateway.access import public_text
from gateway.store import Client, Credential
from tests.support.consortium import SECRET, Consortium
from tests.support.signing import KeyPair, ec, rsa

AUDIENCE = "http://localhost/oauth/token"
CLIENT = "signing-his"
EC, RSA, OLD, STRANGER = ec("e"), rsa("r"), ec("old"), ec("e")


@pytest.fixture(scope="module")
def anybody(consortium: Consortium) -> FlaskClient:
    store = consortium.runtime.store
    for name in (CLIENT, "revoked-his"):
        is_active = name == CLIENT
        client = Client(name, name, "qs-county", (1,), ("system/*.rs",), is_active)
        store.registry.add_client(client)
        keys = [Credential(name, one.kid, "key", public_text(one.key)) for one in (EC, RSA)]
        yesterday = datetime.now(UTC) - timedelta(days=1)
        old = Credential(name, "old", "key", public_text(OLD.key), until=yesterday)
        store.credentials.put(*keys, old)
    return consortium.app.test_client()


def ask(
    anybody: FlaskClient, key: KeyPair = EC, client: str = CLIENT, **claims: Any
) -> TestResponse:
    form = key.form(client, AUDIENCE, int(time.time()), **claims)
    return anybody.post("/oauth/token", data=form)


def refused(answer: TestResponse, claim: str = "", number: str = "GW-8016") -> None:
    assert answer.status_code == 401, answer.get_data(as_text=True)
    body = answer.get_json()
    assert body["error"] == "invalid_client"
    assert body["error_description"].startswith(number)
    assert claim in body["error_description"]


@pytest.mark.parametrize("key", [EC, RSA], ids=["ES384", "RS384"])
def test_a_signed_assertion_gets_a_token_that_opens_the_api(
    anybody: FlaskClient, key: KeyPair
) -> None:
    answer = ask(anybody, key)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    bearer = {"Authorization": f"Bearer {answer.get_json()['access_token']}"}
    assert anybody.get("/fhir/Patient?_count=1", headers=bearer).status_code == 200


@pytest.mark.parametrize(
    ("claims", "claim"),
    [
        ({"aud": "https://elsewhere.test/oauth/token"}, "aud"),
        ({"aud": None}, "aud"),
        ({"aud": {"a": 1}}, "aud"),
        ({"iss": "somebody"}, "iss"),
        ({"sub": None}, "sub"),
        ({"sub": 7, "iss": 7}, "sub"),
        ({"exp": None}, "exp"),
        ({"exp": "tomorrow"}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": 1e300}, "exp"),
        ({"exp": int(time.time()) - 1}, "exp"),
        ({"exp": int(time.time()) + 400}, "exp"),
        ({"nbf": int(time.time()) + 100}, "nbf"),
        ({"iat": int(time.time()) + 100}, "iat"),
        ({"jti": None}, "jti"),
        ({"jti": ""}, "jti"),
        ({"jti": 5}, "jti"),
    ],
)
def test_an_assertion_with_a_wrong_claim_is_refused_by_its_name(
    anybody: FlaskClient, claims: dict[str, Any], claim: str
) -> None:
    refused(ask(anybody, **claims), claim)


def test_unknown_client_unknown_key_and_foreign_signature_get_the_same_answer(
    anybody: FlaskClient,
) -> None:
    answers = [
        ask(anybody, client="nobody"),
        ask(anybody, client="revoked-his"),
        ask(anybody, ec("unknown")),
        ask(anybody, STRANGER),
        ask(anybody, OLD),
        ask(anybody, KeyPair(rsa("e").key, "RS384")),
        ask(anybody, client="qs-county"),
    ]
    for answer in answers:
        refused(answer, "signature")
    assert len({answer.get_data() for answer in answers}) == 1


def test_an_assertion_is_taken_once(anybody: FlaskClient) -> None:
    form = EC.form(CLIENT, AUDIENCE, int(time.time()))
    assert anybody.post("/oauth/token", data=form).status_code == 200
    refused(anybody.post("/oauth/token", data=form), number="GW-8017")
    same = json.loads(base64.urlsafe_b64decode(form["client_assertion"].split(".")[1] + "=="))
    refused(ask(anybody, RSA, jti=same["jti"]), number="GW-8017")


def test_an_assertion_that_is_refused_uses_nothing_up(anybody: FlaskClient) -> None:
    refused(ask(anybody, STRANGER, jti="guessed"), "signature")
    assert ask(anybody, jti="guessed").status_code == 200


@pytest.mark.parametrize("alg", ["HS256", "HS384", "none", "RS256", "ES256"])
def test_other_algorithms_are_refused_even_with_our_own_public_key(
    anybody: FlaskClient, alg: str
) -> None:
    now = int(time.time())
    header = base64.urlsafe_b64encode(json.dumps({"alg": alg, "kid": "e"}).encode()).decode()
    _, claims, signature = EC.assertion(CLIENT, AUDIENCE, now).split(".")
    signed = f"{header.rstrip('=')}.{claims}"
    if alg.startswith("HS"):
        mac = hmac.digest(EC.key.as_pem(private=False), signed.encode(), f"sha{alg[2:]}")
        signature = base64.urlsafe_b64encode(mac).decode().rstrip("=")
    forged = f"{signed}.{signature}"
    form = EC.form(CLIENT, AUDIENCE, now) | {"client_assertion": forged}
    refused(anybody.post("/oauth/token", data=form), "alg")


def test_a_key_set_named_in_the_header_is_not_fetched(anybody: FlaskClient) -> None:
    now = int(time.time())
    claims = {"iss": CLIENT, "sub": CLIENT, "aud": AUDIENCE, "exp": now + 200, "jti": "jku"}
    header = {"alg": "ES384", "kid": "theirs", "jku": "http://169.254.169.254/keys"}
    text = jwt.encode(header, claims, STRANGER.key, ["ES384"])
    form = EC.form(CLIENT, AUDIENCE, now) | {"client_assertion": text}
    refused(anybody.post("/oauth/token", data=form), "signature")


@pytest.mark.parametrize("text", ["", "a", "a.b.c", "..", "é.é.é", "a" * 20_000, "e30.e30.e30"])
def test_what_is_no_assertion_is_refused(anybody: FlaskClient, text: str) -> None:
    form = EC.form(CLIENT, AUDIENCE, 0) | {"client_assertion": text[:15_000]}
    assert anybody.post("/oauth/token", data=form).status_code == 401


def test_one_way_of_proof_at_a_time(anybody: FlaskClient) -> None:
    form = EC.form(CLIENT, AUDIENCE, int(time.time()))
    basic = base64.b64encode(f"qs-county:{SECRET}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}"}
    refused(anybody.post("/oauth/token", data=form, headers=headers), "client_assertion_type")
    refused(anybody.post("/oauth/token", data=form | {"client_id": "qs-county"}), "client_id")
    other = form | {"client_assertion_type": "urn:x"}
    refused(anybody.post("/oauth/token", data=other), "client_assertion_type")


def test_the_address_a_request_came_by_is_no_audience_of_its_own(anybody: FlaskClient) -> None:
    form = EC.form(CLIENT, "https://evil.test/oauth/token", int(time.time()))
    answer = anybody.post("/oauth/token", data=form, base_url="https://evil.test")
    refused(answer, "aud")
    told = anybody.get("/.well-known/smart-configuration", base_url="https://evil.test").get_json()
    assert "private_key_jwt" not in told["token_endpoint_auth_methods_supported"]
