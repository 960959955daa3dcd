"""Search parameters that a tenant adds: never answered from a half-built index."""

import os
import signal
import subprocess
import sys
import threading
from typing import Any

import pytest

from gateway.errors import GatewayError
from gateway.records import Visibility
from gateway.store import Store
from gateway.store.parameters import read_definition
from tests.unit.store.content import indexed
from tests.unit.store.samples import ALL, SHARD, change, commit

URL = "https://example.org/SearchParameter/patient-language"


def definition(**changed: Any) -> dict[str, Any]:
    return {
        "url": URL,
        "status": "active",
        "code": "spoken",
        "base": ["Patient"],
        "type": "token",
        "expression": "Patient.communication.language",
        **changed,
    }


def speaker(id_: str, code: str) -> Any:
    spoken = [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": code}]}}]
    return indexed("Patient", id_, communication=spoken)


def add(store: Store, id_: str = "spoken", **changed: Any) -> None:
    post(store, id_, **changed)
    store.parameters.follow(SHARD)


def post(store: Store, id_: str = "spoken", **changed: Any) -> None:
    resource = {"resourceType": "SearchParameter", "id": id_, **definition(**changed)}
    store.commit(commit(change("SearchParameter", id_, resource=resource)))


def remove(store: Store) -> None:
    store.commit(commit(change("SearchParameter", "spoken", resource=None, is_deletion=True)))


def ids(store: Store, name: str = "spoken", value: str = "zh") -> list[str]:
    query = store.query(SHARD, ("Patient",), [(name, value), ("_count", "1000")])
    return sorted(one.id for one in store.search(ALL, query).matches)


def build(store: Store) -> None:
    while store.parameters.work(SHARD):
        pass


def test_an_added_parameter_answers_once_all_is_read(store: Store) -> None:
    store.commit(commit(*(speaker(f"p{n:03}", "zh") for n in range(250)), speaker("en", "en")))
    add(store)
    with pytest.raises(GatewayError, match="GW-7110"):
        ids(store)
    store.commit(commit(speaker("new", "zh"), speaker("p000", "en")))
    build(store)
    assert ids(store) == sorted([*(f"p{n:03}" for n in range(1, 250)), "new"])
    (progress,) = store.parameters.progress(SHARD)
    assert (progress.code, progress.state, progress.done) == ("spoken", "active", progress.total)
    store.commit(commit(speaker("later", "zh")))
    assert "later" in ids(store)


def test_a_chain_to_what_is_still_being_indexed_is_refused(store: Store) -> None:
    add(store)
    with pytest.raises(GatewayError, match="GW-7110"):
        store.query(SHARD, ("Observation",), [("subject:Patient.spoken", "zh")])
    build(store)
    assert store.query(SHARD, ("Observation",), [("subject:Patient.spoken", "zh")]).conditions


def test_a_process_that_knows_nothing_of_it_yet_writes_its_rows(store: Store) -> None:
    store.commit(commit(speaker("first", "zh")))
    other = Store(store.database, store._folder, store._now_us)
    other.commit(commit(speaker("second", "zh")))
    add(store)
    other.commit(commit(speaker("third", "zh")))
    build(store)
    other.commit(commit(speaker("fourth", "zh")))
    assert ids(store) == ids(other) == ["first", "fourth", "second", "third"]


def test_a_definition_whose_writer_died_at_once_is_taken_up_by_the_worker(store: Store) -> None:
    store.commit(commit(speaker("a", "zh")))
    post(store)
    with pytest.raises(GatewayError, match="GW-7101"):
        ids(store)
    build(Store(store.database, store._folder, store._now_us))
    assert ids(store) == ["a"]


def test_another_tenant_knows_nothing_of_it(store: Store) -> None:
    add(store)
    build(store)
    with pytest.raises(GatewayError, match="GW-7101"):
        store.query(2, ("Patient",), [("spoken", "zh")])
    assert store.parameters.progress(2) == ()
    there = change("Patient", "x")
    store.commit(type(commit())(2, (there,)))
    assert store.search(Visibility(2, "", sees_all=True), store.query(2, ("Patient",), [])).matches


def test_a_deleted_parameter_is_unknown_and_can_come_back_otherwise(store: Store) -> None:
    store.commit(commit(speaker("a", "zh")))
    add(store)
    build(store)
    assert ids(store) == ["a"]
    remove(store)
    build(store)
    with pytest.raises(GatewayError, match="GW-7101"):
        ids(store)
    add(store, expression="Patient.gender")
    build(store)
    assert ids(store) == []


@pytest.mark.parametrize("status", ["draft", "retired", "unknown"])
def test_only_an_active_definition_is_in_force(store: Store, status: str) -> None:
    add(store)
    build(store)
    add(store, status=status)
    build(store)
    with pytest.raises(GatewayError, match="GW-7101"):
        ids(store)


def test_a_changed_expression_answers_by_the_new_one_only(store: Store) -> None:
    store.commit(commit(speaker("a", "zh"), indexed("Patient", "b", gender="female")))
    add(store)
    build(store)
    add(store, expression="Patient.gender")
    with pytest.raises(GatewayError, match="GW-7110"):
        ids(store)
    build(store)
    assert (ids(store), ids(store, "spoken", "female")) == ([], ["b"])


def test_a_successor_under_the_same_code_keeps_its_rows(store: Store) -> None:
    store.commit(commit(speaker("a", "zh")))
    add(store)
    build(store)
    remove(store)
    add(store, "other", url="urn:other")
    build(store)
    assert ids(store) == ["a"]


def test_a_rebuilt_parameter_is_refused_until_it_is_whole(store: Store) -> None:
    store.commit(commit(speaker("a", "zh")))
    add(store)
    build(store)
    store.parameters.rebuild(SHARD, URL)
    with pytest.raises(GatewayError, match="GW-7110"):
        ids(store)
    build(store)
    assert ids(store) == ["a"]


def test_writers_that_race_with_the_indexing_leave_no_gap(store: Store) -> None:
    def write(worker: int) -> None:
        for number in range(40):
            store.commit(commit(speaker(f"w{worker}-{number:02}", "zh")))

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(3)]
    for one in threads:
        one.start()
    add(store)
    build(store)
    for one in threads:
        one.join()
    assert ids(store) == sorted(f"w{w}-{n:02}" for w in range(3) for n in range(40))


def test_two_workers_that_build_at_once_end_with_one_whole_index(store: Store) -> None:
    store.commit(commit(*(speaker(f"p{n:03}", "zh") for n in range(230))))
    add(store)
    others = [Store(store.database, store._folder, store._now_us) for _ in range(2)]
    threads = [threading.Thread(target=build, args=(one,)) for one in others]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(ids(store)) == 230
    (progress,) = store.parameters.progress(SHARD)
    assert (progress.state, progress.done, progress.total) == ("active", 230, 230)


_BUILDER = """
import sys
from pathlib import Path
from gateway.store import Store
store = Store.open(sys.argv[1], data_dir=Path(sys.argv[2]))
while store.parameters.work(1):
    for one in store.parameters.progress(1):
        print(one.done, flush=True)
"""


def test_indexing_goes_on_where_a_killed_process_left_it(
    store: Store, database_url: str, tmp_path: Any
) -> None:
    for start in range(0, 1_000, 250):
        store.commit(commit(*(speaker(f"p{n:04}", "zh") for n in range(start, start + 250))))
    add(store)
    builder = subprocess.Popen(
        [sys.executable, "-c", _BUILDER, database_url, str(tmp_path)], stdout=subprocess.PIPE
    )
    assert builder.stdout is not None
    while int(builder.stdout.readline() or 1_000) < 200:
        pass
    os.kill(builder.pid, signal.SIGKILL)
    builder.wait()
    builder.stdout.close()
    (progress,) = store.parameters.progress(SHARD)
    assert progress.done >= 200
    build(store)
    assert len(ids(store)) == 1_000


@pytest.mark.parametrize(
    "changed",
    [
        {"code": "gender"},
        {"code": "a b"},
        {"base": ["Patients"]},
        {"type": "special"},
        {"expression": "Patient.nothing.at.all"},
        {"expression": "Patient.("},
        {"expression": "(" * 1_000 + "Patient.name" + ")" * 1_000},
        {"expression": "Patient.name | " * 1_000 + "Patient.name"},
    ],
)
def test_what_cannot_be_indexed_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(GatewayError, match="GW-7111"):
        read_definition(definition(**changed))


def test_what_lacks_what_it_is_indexed_by_is_refused() -> None:
    for name in ("url", "code", "base", "type", "expression"):
        whole = definition()
        del whole[name]
        with pytest.raises(GatewayError, match="GW-7111"):
            read_definition(whole)
