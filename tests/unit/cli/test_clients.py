"""gateway client, token, channel, load: from an empty folder to a bearer token that holds."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.access import Access
from gateway.cli import gateway
from gateway.cli.options import note_listening
from gateway.errors import GatewayError
from gateway.settings import load_settings
from gateway.store import Member, Store, Tenant
from gateway.wiring import open_store, utc_now
from tests.support.signing import KeyPair, ec, key_set

FIRST, SECOND, IMPOSTOR = ec("first"), ec("second"), ec("first")
NEW = ("client", "add", "x", "--member")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GATEWAY_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("GATEWAY_MAPPINGS", str(tmp_path / "mappings"))
    (tmp_path / "mappings").mkdir()
    store = open_store(load_settings({}, data_dir=tmp_path))
    store.registry.add_tenant(Tenant("qingshan", "青山县医共体", 1))
    store.registry.add_member(Member(1, "qs-county", "青山县人民医院", ("hospital",)))
    store.close()
    return tmp_path


def run(*words: str) -> str:
    result = CliRunner().invoke(gateway, list(words), standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result.stdout


def opened(folder: Path) -> Store:
    return open_store(load_settings({}, data_dir=folder))


def test_a_new_client_signs_in_with_the_secret_shown_once(folder: Path) -> None:
    scope = "system/*.rs intake/lis"
    shown = json.loads(run("client", "add", "his", "--member", "qs-county", "--scope", scope))
    store = opened(folder)
    secret = load_settings({}, data_dir=folder).deployment_secret()
    access = Access(secret, store.registry, store.credentials, utc_now)
    assert access.token(shown["client_id"], shown["client_secret"])["scope"] == scope
    kept = store.credentials.of("his")
    assert kept
    assert shown["client_secret"] not in repr(kept)
    assert access.principal(run("token", "his").strip()).member == "qs-county"
    store.close()


def test_a_new_client_is_told_where_the_server_was_started(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("--member", "qs-county", "--scope", "system/*.rs")

    def told(name: str) -> str:
        return str(json.loads(run("client", "add", name, *words))["token_endpoint"])

    configured = load_settings({}, data_dir=folder)
    assert told("before") == f"http://{configured.listen}/oauth/token"
    note_listening(load_settings({}, data_dir=folder, listen="127.0.0.1:18301"))
    assert told("beside") == "http://127.0.0.1:18301/oauth/token"
    monkeypatch.setenv("GATEWAY_SERVER_URL", "https://fhir.example/")
    assert told("configured") == "https://fhir.example/oauth/token"


def test_a_rotated_secret_replaces_the_old_one_and_a_revoked_client_is_out(folder: Path) -> None:
    words = ("client", "add", "his", "--member", "qs-county", "--scope", "system/*.rs")
    old = json.loads(run(*words))["client_secret"]
    new = json.loads(run("client", "rotate", "his"))["client_secret"]
    store = opened(folder)
    access = Access(b"s", store.registry, store.credentials, utc_now)
    assert access.token("his", new)
    with pytest.raises(GatewayError) as caught:
        access.token("his", old)
    assert caught.value.number == "GW-8008"
    run("client", "revoke", "his")
    with pytest.raises(GatewayError) as caught:
        access.token("his", new)
    assert caught.value.number == "GW-8008"
    store.close()


def test_secrets_overlap_while_they_change(folder: Path) -> None:
    words = ("client", "add", "his", "--member", "qs-county", "--scope", "system/*.rs")
    old = json.loads(run(*words))["client_secret"]
    new = json.loads(run("client", "rotate", "his", "--keep-days", "7"))["client_secret"]
    now = utc_now()
    store = opened(folder)
    soon = Access(b"s", store.registry, store.credentials, lambda: now + timedelta(days=6))
    later = Access(b"s", store.registry, store.credentials, lambda: now + timedelta(days=8))
    assert all(soon.token("his", secret) for secret in (old, new))
    assert later.token("his", new)
    with pytest.raises(GatewayError, match="GW-8008"):
        later.token("his", old)
    run("client", "end", "his", "secret-2")
    with pytest.raises(GatewayError, match="GW-8008"):
        later.token("his", new)
    store.close()


def test_keys_are_added_listed_and_ended_and_never_shown(folder: Path) -> None:
    (folder / "keys.json").write_text(key_set(FIRST))
    words = ("client", "add", "his", "--member", "qs-county", "--scope", "system/*.rs")
    shown = json.loads(run(*words, "--jwks", str(folder / "keys.json")))
    assert "client_secret" not in shown
    audience = shown["token_endpoint"]
    (folder / "next.json").write_text(key_set(SECOND))
    run("client", "add-key", "his", "--jwks", str(folder / "next.json"), "--since", "2030-01-01")
    listed = run("client", "credentials", "his")
    assert [line.split("\t")[0] for line in listed.splitlines()] == ["first", "second"]
    assert "2030-01-01" in listed
    assert FIRST.public()["x"] not in listed
    store = opened(folder)

    def signs_in(pair: KeyPair, year: int) -> bool:
        now = datetime(year, 6, 1, tzinfo=UTC)
        access = Access(b"s", store.registry, store.credentials, lambda: now)
        try:
            text = pair.assertion("his", audience, int(now.timestamp()))
            return access.clients.by_assertion(text, {audience}).id == "his"
        except GatewayError as error:
            return error.number != "GW-8016"

    run("client", "end", "his", "first", "--at", "2031-01-01")
    expected = {2029: (True, False), 2030: (True, True), 2031: (False, True)}
    for year, (first, second) in expected.items():
        assert (signs_in(FIRST, year), signs_in(SECOND, year)) == (first, second)
    store.close()
    (folder / "next.json").write_text(key_set(IMPOSTOR))
    with pytest.raises(GatewayError, match="GW-8022"):
        run("client", "add-key", "his", "--jwks", str(folder / "next.json"))


@pytest.mark.parametrize(
    ("words", "number"),
    [
        (("client", "end", "x", "secret-1"), "GW-8011"),
        (("client", "add", "x", "--member", "nobody", "--scope", "system/*.rs"), "GW-8012"),
        (("client", "add", "x", "--member", "qs-county", "--scope", "admin"), "GW-8010"),
        (
            (*NEW, "qs-county", "--scope", "system/*.rs", "--jwks-url", "http://169.254.169.254/k"),
            "GW-6102",
        ),
        (("token", "nobody"), "GW-8011"),
        (("client", "rotate", "nobody"), "GW-8011"),
        (
            ("channel", "add", "c", "--member", "nobody", "--format", "rows", "--mapping", "m"),
            "GW-8012",
        ),
    ],
)
def test_what_does_not_exist_is_refused_by_number(
    folder: Path, words: tuple[str, ...], number: str
) -> None:
    with pytest.raises(GatewayError) as caught:
        run(*words)
    assert caught.value.number == number


def test_a_channel_is_registered_as_it_was_told(folder: Path) -> None:
    run(
        "channel", "add", "lis", "--member", "qs-county", "--format", "hl7v2", "--mapping",
        "lab/oru-r01", "--charset", "gbk", "--zone", "Asia/Shanghai", "--mllp-port", "2575",
    )  # fmt: skip
    store = opened(folder)
    channel = store.registry.channel("lis")
    assert (channel.member, channel.format, channel.charset) == ("qs-county", "hl7v2", "gbk")
    assert channel.options["mllp"] == {"port": 2575}
    store.close()
    assert "lis\tqs-county\thl7v2\tgbk\tlab/oru-r01" in run("channel", "list")
    assert "qs-county\t青山县人民医院\thospital" in run("member", "list")


def test_loading_stores_what_is_valid_and_names_what_is_not(folder: Path) -> None:
    lines = [
        '{"resourceType":"Patient","id":"a","gender":"female"}',
        '{"resourceType":"Patient","id":"b","gender":"male"}',
    ]
    (folder / "good.ndjson").write_text("\n".join(lines))
    told = run("load", str(folder / "good.ndjson"), "--member", "qs-county")
    assert told.startswith("2 stored")
    (folder / "bad.json").write_text('{"resourceType":"Patient","gender":"perhaps"}')
    result = CliRunner().invoke(
        gateway, ["load", str(folder / "bad.json"), "--member", "qs-county"]
    )
    assert result.exit_code == 1
    assert "GW-4801" in result.output
