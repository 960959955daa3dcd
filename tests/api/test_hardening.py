"""What keeps the server hard to hurt, one threat after the other (docs/security.md)."""

import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
import structlog
from stdnum.cn import ric

from gateway.access import Access
from gateway.app import create_app
from gateway.consortium import apply
from gateway.fhir.systems import CREDIT_CODE, ID_CARD, ORGANIZATION_CODE
from gateway.records import Visibility
from gateway.store import Wanted
from gateway.telemetry import configure_logging, log
from gateway.validation.packages import read_definitions
from tests.api.test_token import basic
from tests.support.consortium import SECRET, Browser, Consortium

EVERYTHING = Visibility(1, "", sees_all=True)


# ---------------------------------------------------------------- who asks too often


def limited(
    consortium: Consortium, *, requests: int = 0, failures: int = 0
) -> tuple[Browser, Access]:
    """Give the application with limits, and who asks it."""
    runtime = consortium.runtime
    store = runtime.store
    access = Access(
        b"s",
        store.registry,
        store.credentials,
        runtime.clock,
        requests_per_minute=requests,
        failed_logins_per_minute=failures,
        monotonic=lambda: 0.0,
    )
    app = create_app(replace(runtime, access=access))
    return Browser(app, access.issue("qs-county")), access


def test_a_client_that_asks_too_often_waits_and_others_do_not(consortium: Consortium) -> None:
    county, access = limited(consortium, requests=3)
    city = Browser(county.app, access.issue("lj-city"))
    assert [county.get("/Patient?_count=1").status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = county.get("/Patient?_count=1")
    assert refused.headers["Retry-After"] == "20"
    assert refused.get_json()["issue"][0]["code"] == "throttled"
    assert county.get("/Patient/nothing").status_code == 429
    assert city.get("/Patient?_count=1").status_code == 200


def test_who_guesses_secrets_waits_and_the_right_one_is_not_tried_meanwhile(
    consortium: Consortium,
) -> None:
    county, _ = limited(consortium, failures=2)
    anybody = county.app.test_client()
    form = {"grant_type": "client_credentials"}

    def sign_in(client: str, secret: str, address: str = "192.0.2.1") -> int:
        answer = anybody.post(
            "/oauth/token",
            data=form,
            headers=basic(client, secret),
            environ_base={"REMOTE_ADDR": address},
        )
        if answer.status_code == 429:
            assert answer.headers["Retry-After"] == "30"
        return answer.status_code

    assert [sign_in("qs-county", SECRET) for _ in range(5)] == [200] * 5
    assert [sign_in("qs-county", "guess") for _ in range(3)] == [401, 401, 429]
    assert sign_in("qs-county", SECRET) == 429
    assert sign_in("qs-county", SECRET, "192.0.2.2") == 200
    assert sign_in("lj-city", SECRET) == 200


# ---------------------------------------------------------------- answers in a browser


@pytest.mark.parametrize(
    "path", ["/", "/fhir/metadata", "/fhir/Patient", "/oauth/token", "/nothing", "/healthz"]
)
def test_every_answer_says_that_it_is_no_page(consortium: Consortium, path: str) -> None:
    answer = consortium.app.test_client().get(path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Strict-Transport-Security" not in answer.headers


def test_where_the_address_is_one_of_tls_browsers_come_by_tls_only(
    consortium: Consortium, county: Browser
) -> None:
    settings = replace(consortium.runtime.settings, server_url="https://gateway.test")
    browser = Browser(create_app(replace(consortium.runtime, settings=settings)), county.token)
    made = browser.post("/Patient", {"resourceType": "Patient"})
    for answer in (made, browser.get(f"/Patient/{made.get_json()['id']}"), browser.get("/x")):
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
        assert "sandbox" in answer.headers["Content-Security-Policy"]


# ---------------------------------------------------------------- logs


@contextmanager
def logging() -> Iterator[None]:
    configure_logging("INFO")
    yield
    structlog.reset_defaults()


EVIL = 'a\r\n{"event": "forged"}\x1b[31m\x9b31m\u2028\u202e'


def test_what_a_client_sends_makes_no_line_and_no_colour_in_a_log(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with logging():
        log("test").info("asked", text=EVIL)
    out = capfd.readouterr().err
    assert out.endswith("}\n")
    assert len(out.splitlines()) == 1
    assert json.loads(out)["text"] == EVIL
    assert not set(out[:-1]) & set("\r\n\x1b\x9b\u2028\u202e")


def test_what_a_client_sends_makes_no_line_and_no_colour_in_the_audit_list(
    consortium: Consortium, county: Browser
) -> None:
    answer = county.get(f"/Patient?name={quote(EVIL)}")
    assert answer.status_code in {200, 400}
    county.app.test_client().post(
        f"/oauth/{quote(EVIL)}", data={"client_id": EVIL}, headers={"X-Purpose-Of-Use": "x"}
    )
    found = [
        text
        for shard in (0, 1)
        for row in consortium.runtime.store.audit.find(shard, Wanted(), 20)
        for text in (row.client, row.path, row.query, row.method, row.reason or "")
    ]
    assert any("forged" in text for text in found)
    assert not any(set(text) & set("\r\n\x1b\x9b\u2028\u202e") for text in found)


def test_no_secret_stands_in_logs_refusals_metrics_or_the_trail(
    consortium: Consortium, county: Browser, capfd: pytest.CaptureFixture[str]
) -> None:
    anybody = county.app.test_client()
    wrong = "a-secret-that-nobody-has-1234"
    with logging():
        form = {"grant_type": "client_credentials", "client_id": "qs-county"}
        told = [
            anybody.post("/oauth/token", data=form | {"client_secret": wrong}),
            anybody.post("/oauth/token", data=form, headers=basic("qs-county", wrong)),
            anybody.post("/oauth/revoke", data={"token": county.token, "client_secret": wrong}),
            anybody.get("/fhir/Patient", headers={"Authorization": f"Bearer {wrong}"}),
            anybody.get("/fhir/Patient", headers={"Authorization": f"Basic {wrong}"}),
            county.get("/Patient?_count=1"),
            anybody.get("/metrics"),
        ]
    texts = [capfd.readouterr().err, *(one.get_data(as_text=True) for one in told)]
    for shard in (0, 1):
        texts += map(repr, consortium.runtime.store.audit.find(shard, Wanted(), 50))
    for text in texts:
        for secret in (wrong, county.token, SECRET):
            assert secret not in text


# ---------------------------------------------------------------- who is who


def test_nobody_takes_the_code_of_another_organisation(
    consortium: Consortium, city: Browser
) -> None:
    code, other = "12429901MB01A2001Y", "12429901MB01A6002Y"
    described = {
        "tenant": {"id": "qingshan", "name": "青山县医共体", "shard": 1},
        "members": [{"id": "hd-real", "name": "真", "roles": ["hospital"], "uscc": code}],
        "channels": [],
    }
    pipeline = consortium.runtime.pipeline
    apply(pipeline.store, pipeline.preparer, pipeline.secret, described, consortium.runtime.clock())
    known = [{"system": CREDIT_CODE, "value": code}]
    fake = {"resourceType": "Organization", "name": "假"}
    for system, value in (
        (CREDIT_CODE, code),
        (CREDIT_CODE, code.lower()),
        (ORGANIZATION_CODE, code),
    ):
        body = fake | {"identifier": [{"system": system, "value": value}]}
        answer = city.post("/Organization", body)
        assert answer.status_code == 403, answer.get_data(as_text=True)
        assert answer.get_json()["issue"][0]["details"]["coding"][0]["code"] == "GW-8025"
    free = fake | {"identifier": [{"system": CREDIT_CODE, "value": other}]}
    made = city.post("/Organization", free)
    assert made.status_code == 201
    taken = free | {"id": made.get_json()["id"], "identifier": known}
    assert city.put(f"/Organization/{taken['id']}", taken).status_code == 403


def test_an_id_card_that_ends_in_a_small_x_is_the_same_person(
    consortium: Consortium, county: Browser, city: Browser
) -> None:
    body = next(
        text for n in range(900) if ric.calc_check_digit(text := f"42990119710302{n:03}") == "X"
    )
    persons = set()
    for browser, last in ((county, "X"), (city, "x")):
        identifier = [{"system": ID_CARD, "value": body + last}]
        made = browser.post("/Patient", {"resourceType": "Patient", "identifier": identifier})
        stored = consortium.runtime.store.read(EVERYTHING, "Patient", made.get_json()["id"])
        assert stored is not None
        persons.add(stored.person)
    assert len(persons) == 1


# ---------------------------------------------------------------- packages


def test_a_package_that_points_outside_writes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    content = json.dumps({"resourceType": "ValueSet", "url": "http://x.test/v"}).encode()
    with tarfile.open(folder / "evil.tgz", "w:gz") as package:
        for name in ("package/../../../evil.json", "/etc/evil.json", "../evil.json"):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            package.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("package/link.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        package.addfile(link)
    assert read_definitions([folder / "evil.tgz"]) == []
    assert [one.name for one in tmp_path.rglob("*") if one.is_file()] == ["evil.tgz"]
