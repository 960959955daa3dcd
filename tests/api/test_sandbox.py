"""The sandbox: no authentication, on this machine only."""

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.access import Access
from gateway.app import create_app
from gateway.errors import GatewayError
from gateway.settings import load_settings
from gateway.wiring import SANDBOX_SHARD, build_runtime
from tests.support.asserts import outcome
from tests.support.consortium import Consortium
from tests.support.resources import patient


@pytest.fixture
def sandbox(consortium: Consortium) -> Consortium:
    runtime = consortium.runtime
    access = Access(
        b"s", runtime.store.registry, runtime.store.credentials, runtime.clock, sandbox_shard=1
    )
    opened = replace(runtime, access=access, settings=replace(runtime.settings, sandbox=True))
    made = Consortium.__new__(Consortium)
    made.runtime, made.app = opened, create_app(opened)
    return made


def test_everything_is_open_and_every_answer_says_so(sandbox: Consortium) -> None:
    client = sandbox.app.test_client()
    made = client.post("/fhir/Patient", json=patient())
    assert made.status_code == 201
    for path in ("/fhir/metadata", "/", "/nothing", "/fhir/Patient/nobody"):
        assert "no authentication" in client.get(path).headers["X-Gateway-Sandbox"]
    [rest] = client.get("/fhir/metadata").get_json()["rest"]
    assert "security" not in rest


@pytest.mark.parametrize(
    ("host", "address"), [("evil.example", "127.0.0.1"), ("localhost", "10.0.0.7")]
)
def test_another_machine_or_name_is_refused(sandbox: Consortium, host: str, address: str) -> None:
    answer = sandbox.app.test_client().get(
        "/fhir/metadata", headers={"Host": host}, environ_base={"REMOTE_ADDR": address}
    )
    outcome(answer, 403, "GW-8013")


@pytest.mark.parametrize(
    "host", ["localhost:8080", "127.0.0.1", "127.0.0.1:1", "[::1]:8080", "[::1]"]
)
def test_this_machine_is_served_under_each_of_its_names(sandbox: Consortium, host: str) -> None:
    answer = sandbox.app.test_client().get("/healthz", headers={"Host": host})
    assert answer.status_code == 200


@pytest.mark.parametrize("listen", ["0.0.0.0:8080", "10.0.0.7:8080", "[::]:80"])
def test_a_sandbox_that_others_could_reach_does_not_start(
    consortium: Consortium, listen: str
) -> None:
    settings = replace(consortium.runtime.settings, sandbox=True, listen=listen)
    with pytest.raises(GatewayError) as caught:
        create_app(replace(consortium.runtime, settings=settings))
    assert caught.value.number == "GW-8013"


def test_what_works_beside_the_requests_looks_after_a_sandbox_too(tmp_path: Path) -> None:
    settings = load_settings({}, data_dir=tmp_path, sandbox=True, listen="127.0.0.1:0")
    runtime = build_runtime(settings)
    try:
        assert runtime.store.registry.shards() == (SANDBOX_SHARD,)
    finally:
        runtime.close()
