"""Public OAuth clients sign in unmodified: Authlib, fhirclient by backend services, curl."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from click.testing import CliRunner
from fhirclient.client import FHIRClient
from fhirclient.models.patient import Patient

from gateway.cli import gateway
from tests.support.live import Live
from tests.support.signing import KeyPair, ec, key_set, rsa

EC, RSA, AT_ADDRESS = ec("e"), rsa("r"), ec("a")
SCOPE = "system/Patient.rs"


def command(live: Live, *words: str) -> dict[str, Any]:
    """Call ``gateway client`` on the server's own data."""
    where = ("--data-dir", str(live.settings.data_dir), "--database", live.settings.database_url)
    environment = {"GATEWAY_ALLOWED_NETWORKS": "127.0.0.0/8"}
    runner = CliRunner(env=environment)
    done = runner.invoke(gateway, ["client", *words, *where], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown


@contextmanager
def published(pair: KeyPair) -> Iterator[str]:
    """Let a key set lie at an address."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(key_set(pair).encode())

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/keys"
        server.shutdown()


@pytest.fixture(scope="module")
def client(live: Live, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A client with two keys."""
    keys: Path = tmp_path_factory.mktemp("keys") / "keys.json"
    keys.write_text(key_set(EC, RSA))
    added = ("add", "signer", "--member", "qs-county", "--scope", "system/*.cruds")
    shown = command(live, *added, "--jwks", str(keys))
    return str(shown["client_id"])


def opens(live: Live, session: OAuth2Session) -> None:
    assert session.token["scope"] == SCOPE
    assert session.get(f"{live.fhir}/Patient?_count=1").status_code == 200
    assert session.get(f"{live.fhir}/Claim?_count=1").status_code == 403


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_authlib_signs_in_with_a_secret(live: Live, method: str) -> None:
    session = OAuth2Session(
        live.client_id, live.secret, scope=SCOPE, token_endpoint_auth_method=method
    )
    with session:
        session.fetch_token(f"{live.root}/oauth/token", grant_type="client_credentials")
        opens(live, session)
        revoked = session.revoke_token(f"{live.root}/oauth/revoke", session.token["access_token"])
        assert revoked.status_code == 200
        told = session.introspect_token(
            f"{live.root}/oauth/introspect", session.token["access_token"]
        )
        assert told.json() == {"active": False}


def signed(live: Live, client: str, pair: KeyPair) -> OAuth2Session:
    endpoint = f"{live.root}/oauth/token"
    session = OAuth2Session(
        client, pair.key, scope=SCOPE, token_endpoint_auth_method="private_key_jwt"
    )
    # Its own default is an hour, SMART allows five minutes.
    soon = {"exp": int(time.time()) + 240}
    method = PrivateKeyJWT(endpoint, soon, {"kid": pair.kid}, pair.alg)
    session.register_client_auth_method(method)
    session.fetch_token(endpoint, grant_type="client_credentials")
    return session


@pytest.mark.parametrize("pair", [EC, RSA], ids=["ES384", "RS384"])
def test_authlib_signs_in_with_a_key(live: Live, client: str, pair: KeyPair) -> None:
    with signed(live, client, pair) as session:
        opens(live, session)


def test_a_key_set_at_an_address_signs_a_client_in(live: Live) -> None:
    with published(AT_ADDRESS) as address:
        words = ("--member", "qs-county", "--scope", "system/*.cruds", "--jwks-url", address)
        command(live, "add", "publisher", *words)
        with signed(live, "publisher", AT_ADDRESS) as session:
            opens(live, session)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_fhirclient_signs_in_by_backend_services(live: Live, client: str) -> None:
    discovered = requests.get(f"{live.fhir}/.well-known/smart-configuration", timeout=10).json()
    endpoint = discovered["token_endpoint"]
    assertion = EC.assertion(client, endpoint, int(time.time()))
    auth = {"app_id": client, "token_uri": endpoint, "jwt_token": assertion}
    server = {"base_uri": f"{live.fhir}/", "auth_type": "oauth2", "auth": auth}
    smart = FHIRClient(state={"app_id": client, "scope": SCOPE, "server": server})
    smart.wants_patient = False  # A system has no patient at hand.
    assert not smart.ready
    smart.authorize()
    assert smart.ready
    found = Patient.where({"_count": "1"}).perform(smart.server)
    assert found.resource_type == "Bundle"


def test_curl_signs_in_with_a_secret(live: Live) -> None:
    data = ("-d", "grant_type=client_credentials", "-d", f"scope={SCOPE}")
    login = ("curl", "-sS", "--fail-with-body", "-u", f"{live.client_id}:{live.secret}", *data)
    done = subprocess.run([*login, f"{live.root}/oauth/token"], capture_output=True, check=True)
    token = json.loads(done.stdout)["access_token"]
    ask = ("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-H")
    address = f"{live.fhir}/Patient?_count=1"
    answer = subprocess.run(
        [*ask, f"Authorization: Bearer {token}", address], capture_output=True, check=True
    )
    assert answer.stdout == b"200"
