"""What the FHIR API promises while others write, through HTTP's eyes and on each engine."""

import json
import resource
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy

from gateway.fhir import codec, xml
from gateway.records import Commit
from gateway.settings import load_settings
from gateway.store import writing
from gateway.wiring import build_runtime
from tests.support.consortium import Browser, Consortium, found_consortium
from tests.support.databases import ENGINES, new_database
from tests.support.resources import bundle, entry, observation, patient
from tests.unit.store.samples import change

FHIR_XML = "application/fhir+xml"


@pytest.fixture(scope="module", params=ENGINES)
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Consortium]:
    """A consortium on each engine in turn."""
    folder: Path = tmp_path_factory.mktemp("site")
    (folder / "mappings").mkdir()
    is_embedded = request.param == "sqlite"
    server = None if is_embedded else request.getfixturevalue("postgres")
    with nullcontext("") if server is None else new_database(server) as url:
        settings = load_settings(
            {}, data_dir=folder, mappings=str(folder / "mappings"), database=url
        )
        runtime = build_runtime(settings)
        found_consortium(runtime)
        yield Consortium(runtime)
        runtime.close()
    shutil.rmtree(folder)


@pytest.fixture
def operator(site: Consortium) -> Browser:
    return site.client("operator")


def found(browser: Browser, path: str) -> list[str]:
    """Read all pages; give the resources in the order they came."""
    listed: list[str] = []
    following: str | None = path
    while following:
        page = browser.get(following).get_json()
        listed += [version(one) for one in page.get("entry", ())]
        links = {one["relation"]: one["url"] for one in page["link"]}
        following = links.get("next", "").partition("/fhir")[2] or None
    return listed


def version(one: dict[str, Any]) -> str:
    """Name the version that an entry of a search or a history holds."""
    number = (
        one["response"]["etag"][3:-1] if "response" in one else one["resource"]["meta"]["versionId"]
    )
    return f"{one['fullUrl'].partition('/fhir/')[2]}/{number}"


@contextmanager
def writing_on(site: Consortium, tag: str) -> Iterator[list[str]]:
    """Create, change and delete in two threads while the block runs; collect what was created."""
    is_over, created = threading.Event(), list[str]()

    def write(worker: int) -> None:
        client = site.client("operator")
        marked = {"meta": {"tag": [{"system": "urn:test", "code": tag}]}}
        while not is_over.is_set():
            made = client.post("/Patient", patient(**marked)).get_json()
            created.append(f"Patient/{made['id']}/1")
            client.put(f"/Patient/{made['id']}", made | {"gender": "other"})
            if worker:
                client.ask("DELETE", f"/Patient/{made['id']}")

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(2)]
    for one in threads:
        one.start()
    try:
        yield created
    finally:
        is_over.set()
        for one in threads:
            one.join()


def test_pages_give_each_match_of_their_moment_once_while_others_write(
    site: Consortium, operator: Browser
) -> None:
    marked = {"meta": {"tag": [{"system": "urn:test", "code": "paged"}]}}
    entries = [entry("POST", "Patient", patient(**marked)) for _ in range(40)]
    operator.post("/", bundle("transaction", *entries))
    before = sorted(found(operator, "/Patient?_tag=urn:test|paged&_count=100"))
    assert len(before) == 40
    with writing_on(site, "paged"):
        for path in ("/Patient?_tag=urn:test|paged", "/Patient/_history", "/_history"):
            first = found(operator, f"{path}{'&' if '?' in path else '?'}_count=7")
            assert len(first) == len(set(first))
            assert set(before) <= set(first)


def test_polling_with_since_gives_every_version_and_none_twice(
    site: Consortium, operator: Browser
) -> None:
    since, seen = "2020-01-01T00:00:00Z", list[str]()
    already = set(found(operator, "/Patient/_history?_count=1000"))

    def poll() -> str:
        first = operator.get(f"/Patient/_history?_count=1000&_since={since}").get_json()
        assert "next" not in {one["relation"] for one in first["link"]}
        seen.extend(version(one) for one in first.get("entry", ()))
        return str(first["meta"]["lastUpdated"])

    with writing_on(site, "polled") as created:
        while len(created) < 20:
            since = poll()
    since = poll()
    since = poll()
    assert len(seen) == len(set(seen))
    assert set(created) | already <= set(seen)


@contextmanager
def slow_write(site: Consortium, id_: str) -> Iterator[None]:
    """Hold a transaction of another connection open, written but not committed."""
    store = site.runtime.store
    begun, may_end = threading.Event(), threading.Event()

    def write() -> None:
        def work(session: Any) -> None:
            slow = Commit(1, (change("Patient", id_, owner="operator", classes=32),))
            writing.apply(writing.prepare(slow, store.parameters.known(1)), session)
            begun.set()
            may_end.wait(20)

        store.database.write(work)

    thread = threading.Thread(target=write)
    thread.start()
    assert begun.wait(20)
    try:
        yield
    finally:
        may_end.set()
        thread.join()


def test_what_commits_behind_a_faster_write_is_given_by_the_next_since(
    site: Consortium, operator: Browser
) -> None:
    if site.runtime.store.database.name == "sqlite":
        # Its writes take turns: none can overtake another.
        with slow_write(site, "turn"):
            other = threading.Thread(target=operator.post, args=("/Patient", patient()))
            other.start()
            other.join(0.2)
            assert other.is_alive()
        other.join()
        return
    with slow_write(site, "slow"):
        fast = operator.post("/Patient", patient()).get_json()["id"]
        first = operator.get("/Patient/_history?_since=2020-01-01T00:00:00Z&_count=1000")
        assert f"Patient/{fast}" not in first.get_data(as_text=True)
        assert fast in {one.split("/")[1] for one in found(operator, "/Patient?_count=1000")}
    until = first.get_json()["meta"]["lastUpdated"]
    second = operator.get(f"/Patient/_history?_since={until}&_count=1000").get_json()
    given = {one["fullUrl"].rpartition("/")[2] for one in second["entry"]}
    assert {"slow", fast} <= given


@pytest.mark.parametrize("prefix", ["gt", "ge"])
def test_a_search_for_what_is_newer_leaves_nothing_out_and_gives_nothing_twice(
    site: Consortium, operator: Browser, prefix: str
) -> None:
    since = operator.post("/Patient", patient()).get_json()["meta"]["lastUpdated"]
    time.sleep(0.002)  # The millisecond of what was written last is not over yet.

    def poll(since: str) -> tuple[set[str], str]:
        path = f"/Patient?_lastUpdated={prefix}{since}&_count=1000"
        page = operator.get(path).get_json()
        return {one["resource"]["id"] for one in page.get("entry", ())}, page["meta"]["lastUpdated"]

    if site.runtime.store.database.name == "sqlite":
        made = operator.post("/Patient", patient()).get_json()["id"]
        first, until = poll(since)
        assert made in first
        assert poll(until) == (set(), until)
        return
    with slow_write(site, f"slow-{prefix}"):
        fast = operator.post("/Patient", patient()).get_json()["id"]
        first, until = poll(since)
        assert fast not in first
        assert fast in {one.split("/")[1] for one in found(operator, "/Patient?_count=1000")}
    second, later = poll(until)
    assert {f"slow-{prefix}", fast} <= second
    assert poll(later)[0] & (first | second) == set()


@contextmanager
def without_database(site: Consortium) -> Iterator[None]:
    """Take the storage away: no connection to PostgreSQL, no room for SQLite's files to grow."""
    if site.runtime.store.database.name == "sqlite":
        largest = max(one.stat().st_size for one in site.runtime.settings.data_dir.iterdir())
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        return
    url = sqlalchemy.make_url(site.runtime.settings.database or "")
    server = url.set(database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS false'.encode())
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            (url.database,),
        )
        try:
            yield
        finally:
            back = f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS true'
            connection.execute(back.encode())


def test_a_client_is_told_when_to_come_again_while_the_storage_is_away(
    site: Consortium, operator: Browser
) -> None:
    large = patient(text={"status": "generated", "div": DIV.replace("𠮷", "x" * 500_000)})
    known = operator.post("/Patient", large).get_json()["id"]
    with without_database(site):
        answers = [operator.post("/Patient", large) for _ in range(20)]
    refused = [one for one in answers if one.status_code != 201]
    assert refused
    assert {one.status_code for one in refused} <= {503, 507}
    assert all(int(one.headers["Retry-After"]) > 0 for one in refused)
    assert operator.get(f"/Patient/{known}").status_code == 200
    made = [one.get_json()["id"] for one in answers if one.status_code == 201]
    made.append(operator.post("/Patient", large).get_json()["id"])
    assert all(operator.get(f"/Patient/{one}").status_code == 200 for one in made)


DIV = '<div xmlns="http://www.w3.org/1999/xhtml">𠮷 &lt;</div>'
RICH: dict[str, Any] = {
    "resourceType": "Observation",
    "meta": {"tag": [{"system": "urn:test", "code": "𠮷", "display": "😀 𠀀"}]},
    "text": {
        "status": "generated",
        "div": '<div xmlns="http://www.w3.org/1999/xhtml">𠮷 &lt;</div>',
    },
    "contained": [
        {
            "resourceType": "Patient",
            "id": "p",
            "name": [{"text": "𠮷野"}],
            "birthDate": "1962-05",
            "_birthDate": {
                "extension": [
                    {
                        "url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime",
                        "valueDateTime": "1962-05-14T08:30:00.120+08:00",
                    }
                ]
            },
        }
    ],
    "status": "final",
    "code": {"text": "x", "_text": {"id": "t1"}},
    "subject": {"reference": "#p"},
    "effectiveDateTime": "2026",
    "_issued": {
        "extension": [
            {
                "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
                "valueCode": "unknown",
            }
        ]
    },
    "valueQuantity": {"value": Decimal("72.50"), "unit": "kg"},
    "referenceRange": [
        {"low": {"value": Decimal("0.0000001")}, "high": {"value": Decimal("100.00")}},
        {"low": {"value": Decimal("-1.0")}, "text": "第二行\n第三行"},
    ],
}


def content(raw: bytes) -> Any:
    """Give what a client sent as what it has to get back: every value but the server's own."""
    resource = codec.decode(raw)
    assert isinstance(resource, dict)
    del resource["id"]
    resource["meta"] = {
        key: value
        for key, value in resource["meta"].items()
        if key not in {"versionId", "lastUpdated"}
    }
    return resource


def test_content_comes_back_unchanged_in_json_and_xml(operator: Browser) -> None:
    sent = codec.encode(RICH)
    json_type = {"Content-Type": "application/fhir+json"}
    made = operator.ask("POST", "/Observation", data=sent, headers=json_type)
    assert made.status_code == 201, made.get_data(as_text=True)
    path = f"/Observation/{made.get_json()['id']}"
    stored = operator.get(path).get_data()
    assert content(stored) == RICH
    for digits in (b"72.50", b"0.0000001", b"100.00", b"-1.0"):
        assert digits in stored
    as_xml = operator.get(path, Accept=FHIR_XML).get_data()
    assert content(codec.encode(xml.decode(as_xml))) == RICH
    again = operator.ask("POST", "/Observation", data=as_xml, headers={"Content-Type": FHIR_XML})
    assert again.status_code == 201, again.get_data(as_text=True)
    from_xml = operator.get(f"/Observation/{again.get_json()['id']}").get_data()
    assert content(from_xml) == RICH
    assert b"72.50" in from_xml


def test_the_same_bundle_posted_again_changes_nothing(operator: Browser) -> None:
    card = {"system": "urn:test:bundle", "value": "1"}
    person = patient(identifier=[card])
    report = observation("urn:uuid:6f0a9a3c-0000-4000-8000-000000000001")
    report["identifier"] = [card]
    sent = bundle(
        "transaction",
        entry(
            "POST",
            "Patient",
            person,
            "urn:uuid:6f0a9a3c-0000-4000-8000-000000000001",
            ifNoneExist="identifier=urn:test:bundle|1",
        ),
        entry("PUT", "Observation?identifier=urn:test:bundle|1", report),
        entry("PUT", "Organization/operator.again", {"resourceType": "Organization", "name": "x"}),
    )
    sent["entry"][2]["resource"]["id"] = "operator.again"
    first = operator.post("/", sent)
    assert first.status_code == 200, first.get_data(as_text=True)
    tags = [one["response"]["etag"] for one in first.get_json()["entry"]]
    again = operator.post("/", json.loads(json.dumps(sent))).get_json()
    assert [one["response"]["etag"] for one in again["entry"]] == tags
    assert {one["response"]["status"][:3] for one in again["entry"]} == {"200"}
    assert len(found(operator, "/Patient?identifier=urn:test:bundle|1")) == 1
    assert len(found(operator, "/Observation?identifier=urn:test:bundle|1")) == 1
