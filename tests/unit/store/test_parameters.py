"""Search parameters that a deployment adds: never answered from a half-built index."""

import threading
from typing import Any

import pytest

from gateway.errors import GatewayError
from gateway.store import Store
from tests.unit.store.content import indexed
from tests.unit.store.samples import ALL, commit

URL = "https://example.org/SearchParameter/patient-language"


def definition(**changed: Any) -> dict[str, Any]:
    return {
        "resourceType": "SearchParameter",
        "url": URL,
        "code": "spoken",
        "base": ["Patient"],
        "type": "token",
        "expression": "Patient.communication.language",
        **changed,
    }


def speaker(id_: str, code: str) -> Any:
    spoken = [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": code}]}}]
    return indexed("Patient", id_, communication=spoken)


def ids(store: Store) -> list[str]:
    page = store.search(ALL, store.query(("Patient",), [("spoken", "zh"), ("_count", "1000")]))
    return sorted(one.id for one in page.matches)


def build(store: Store) -> None:
    while store.parameters.build():
        pass


def test_an_added_parameter_answers_once_all_is_read(store: Store) -> None:
    store.commit(commit(*(speaker(f"p{n:03}", "zh") for n in range(250)), speaker("en", "en")))
    store.parameters.add(definition())
    with pytest.raises(GatewayError, match="GW-7110"):
        ids(store)
    store.commit(commit(speaker("new", "zh"), speaker("p000", "en")))
    build(store)
    assert ids(store) == sorted([*(f"p{n:03}" for n in range(1, 250)), "new"])
    (progress,) = store.parameters.progress()
    assert (progress.code, progress.state, progress.done) == ("spoken", "active", progress.total)
    store.commit(commit(speaker("later", "zh")))
    assert "later" in ids(store)


def test_a_process_that_knows_nothing_of_it_yet_writes_its_rows(store: Store) -> None:
    store.commit(commit(speaker("first", "zh")))
    other = Store(store.database, store._folder, store._now_us)
    other.commit(commit(speaker("second", "zh")))
    store.parameters.add(definition())
    other.commit(commit(speaker("third", "zh")))
    build(store)
    other.commit(commit(speaker("fourth", "zh")))
    assert ids(store) == ids(other) == ["first", "fourth", "second", "third"]


def test_a_retired_parameter_is_unknown_and_can_come_back_otherwise(store: Store) -> None:
    store.commit(commit(speaker("a", "zh")))
    store.parameters.add(definition())
    with pytest.raises(GatewayError, match="GW-7111"):
        store.parameters.add(definition())
    build(store)
    store.parameters.remove(URL)
    with pytest.raises(GatewayError, match="GW-7101"):
        ids(store)
    build(store)
    store.parameters.add(definition(expression="Patient.gender"))
    build(store)
    assert ids(store) == []


def test_writers_that_race_with_the_indexing_leave_no_gap(store: Store) -> None:
    def write(worker: int) -> None:
        for number in range(40):
            store.commit(commit(speaker(f"w{worker}-{number:02}", "zh")))

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(3)]
    for one in threads:
        one.start()
    store.parameters.add(definition())
    build(store)
    for one in threads:
        one.join()
    assert ids(store) == sorted(f"w{w}-{n:02}" for w in range(3) for n in range(40))


@pytest.mark.parametrize(
    "changed",
    [
        {"code": "gender"},
        {"code": "a b"},
        {"base": ["Patients"]},
        {"type": "special"},
        {"expression": "Patient.nothing.at.all"},
        {"expression": "Patient.("},
    ],
)
def test_what_cannot_be_indexed_is_refused(store: Store, changed: dict[str, Any]) -> None:
    with pytest.raises(GatewayError, match="GW-7111"):
        store.parameters.add(definition(**changed))
    assert store.parameters.progress() == ()
