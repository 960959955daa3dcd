"""Promises under races, kills and a full disk."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from gateway.errors import GatewayError
from gateway.fhir.definitions import load
from gateway.fhir.search_query import parse_query
from gateway.records import Criteria
from gateway.store import Store
from gateway.store.schema import version
from gateway.store.sqlite import SQLiteDatabase
from tests.support.databases import ENGINES, new_database
from tests.support.store_writer import KEY, patient
from tests.unit.store.samples import ALL, SHARD, change, commit, token


def _start(scene: str, url: str, folder: Path, name: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.support.store_writer", scene, url, str(folder), name]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _together(*works: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


def test_one_business_key_raced_for_by_processes_and_threads_names_one_resource(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    racers = [_start("race", database_url, tmp_path, name) for name in ("a", "b")]
    lines = [line for racer in racers for line in racer.communicate(timeout=60)[0].split()]
    winners = [line for line in lines if line != "GW-5002"]
    assert len(lines) == 12
    assert len(winners) == 1
    assert store.identify(SHARD, "qs-township", [KEY]) == {KEY: winners[0]}
    assert [one.id for one in store.history(ALL, type_="Patient").matches] == winners


def test_parallel_conditional_creates_with_one_criterion_make_one_resource(store: Store) -> None:
    pairs = (("identifier", "urn:x|7"),)
    written: list[str] = []
    refused: list[str] = []

    def create(id_: str) -> None:
        row = token("Patient.identifier", "7", "urn:x")
        condition = Criteria("Patient", pairs, ALL)
        try:
            store.commit(commit(change("Patient", id_, index=(row,)), conditions=(condition,)))
        except GatewayError as err:
            refused.append(err.number)
        else:
            written.append(id_)

    _together(*(lambda n=n: create(f"p{n}") for n in range(8)))
    assert len(written) == 1
    assert set(refused) == {"GW-5002"}
    found = store.search(ALL, parse_query(load(), ("Patient",), list(pairs)))
    assert [one.id for one in found.matches] == written


def test_racing_updates_keep_every_version_and_losers_get_a_conflict(store: Store) -> None:
    store.commit(commit(change("Patient", "p1")))
    refused: list[str] = []

    def update(is_guarded: bool) -> None:
        for _ in range(10):
            current = store.read(ALL, "Patient", "p1")
            assert current is not None
            expected = current.version if is_guarded else None
            try:
                store.commit(commit(change("Patient", "p1", expected_version=expected)))
            except GatewayError as err:
                refused.append(err.number)

    _together(*(lambda n=n: update(n % 2 == 0) for n in range(4)))
    history = store.history(ALL, id_="p1", type_="Patient", count=100).matches
    assert [one.version for one in history] == list(range(41 - len(refused), 0, -1))
    assert [one.updated_utc for one in history] == sorted(
        (one.updated_utc for one in history), reverse=True
    )
    assert set(refused) <= {"GW-5001"}
    with store.database.reading() as connection:
        current = connection.execute(
            select(func.count()).where(version.c.superseded_txn == 2**63 - 1)
        ).scalar_one()
    assert current == 1


def test_commits_with_entries_in_different_order_do_not_deadlock(store: Store) -> None:
    names = [f"p{n}" for n in range(12)]

    def write(order: list[str]) -> None:
        for _ in range(8):
            store.commit(commit(*(change("Patient", name) for name in order)))

    _together(
        lambda: write(names), lambda: write(names[::-1]), lambda: write(names[6:] + names[:6])
    )
    newest = store.search(ALL, parse_query(load(), ("Patient",), [])).matches
    assert {one.version for one in newest} == {24}


def test_one_failing_commit_of_a_group_fails_nobody_else(store: Store) -> None:
    store.commit(commit(change("Patient", "taken")))
    written: list[str] = []
    refused: list[str] = []

    def write(worker: int) -> None:
        for number in range(8):
            id_ = f"w{worker}-{number}"
            bad = change("Patient", "taken", expected_version=0)
            parts = [change("Patient", id_), *([bad] if number % 2 else [])]
            try:
                store.commit(commit(*parts))
            except GatewayError as err:
                refused.append(err.number)
            else:
                written.append(id_)

    _together(*(lambda n=n: write(n) for n in range(8)))
    assert len(written) == 32
    assert refused == ["GW-5001"] * 32
    found = store.history(ALL, type_="Patient", count=200).matches
    assert sorted(one.id for one in found) == sorted([*written, "taken"])


def _demand_whole(store: Store, acknowledged: list[str]) -> None:
    """Every acknowledged pair is there; whatever is there is whole and found by its index."""
    stored = {one.id for one in store.history(ALL, type_="Patient", count=100_000).matches}
    assert set(acknowledged) <= stored
    assert {one.removesuffix("-twin") for one in stored if one.endswith("-twin")} == {
        one for one in stored if not one.endswith("-twin")
    }
    for id_ in sorted(stored)[:: max(len(stored) // 50, 1)]:
        query = parse_query(load(), ("Patient",), [("identifier", f"urn:x|{id_}")])
        assert [one.id for one in store.search(ALL, query).matches] == [id_]


def test_what_was_acknowledged_survives_kill_9(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    acknowledged: list[str] = []
    for turn in range(3):
        writer = _start("flood", database_url, tmp_path, f"t{turn}")
        assert writer.stdout is not None
        acknowledged += [writer.stdout.readline().strip() for _ in range(30)]
        time.sleep(0.05 * turn)
        writer.send_signal(signal.SIGKILL)
        rest = writer.communicate(timeout=30)[0]
        acknowledged += rest.split()
        _demand_whole(store, acknowledged)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_full_disk_refuses_clearly_and_recovers_without_a_restart(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    writer = _start("starve", database_url, tmp_path, "s")
    lines = writer.communicate(timeout=60)[0].splitlines()
    assert writer.returncode == 0
    refusals = [line for line in lines if line.startswith("refused")]
    assert len(refusals) == 1
    assert refusals[0].split()[1] in {"GW-5003", "GW-5004"}
    assert refusals[0].split()[2] in {"503", "507"}
    stored = {one.id for one in store.history(ALL, type_="Patient", count=1000).matches}
    assert stored == {line for line in lines if not line.startswith("refused")} | {"s-before"}


@pytest.mark.parametrize("database_url", ENGINES[1:], indirect=True)
def test_a_lost_connection_is_an_unavailable_database_and_comes_back(store: Store) -> None:
    store.commit(commit(change("Patient", "p1")))
    with store.database.reading() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    outcomes = set[bool | str]()
    for _ in range(4):
        try:
            outcomes.add(store.read(ALL, "Patient", "p1") is not None)
        except GatewayError as err:
            outcomes.add(err.number)
    assert outcomes <= {True, "GW-5003"}
    assert store.read(ALL, "Patient", "p1") is not None
    store.commit(commit(change("Patient", "p2")))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_database_file_that_cannot_be_written_is_unavailable_until_it_can(store: Store) -> None:
    database = store.database
    assert isinstance(database, SQLiteDatabase)
    with store.database.upgrade_engine.connect() as other:
        other.exec_driver_sql("PRAGMA busy_timeout=0")
        other.exec_driver_sql("BEGIN IMMEDIATE")
        waiting = threading.Thread(
            target=lambda: store.commit(commit(change("Patient", "patient-writer")))
        )
        waiting.start()
        waiting.join(0.3)
        assert store.read(ALL, "Patient", "patient-writer") is None
        other.exec_driver_sql("ROLLBACK")
        waiting.join(20)
    assert store.read(ALL, "Patient", "patient-writer") is not None


def test_processes_that_start_together_upgrade_once(postgres: str, tmp_path: Path) -> None:
    with new_database(postgres) as url:
        stores = [Store.open(url, data_dir=tmp_path) for _ in range(3)]
        _together(*(store.upgrade for store in stores))
        stores[0].commit(commit(patient("p1")))
        assert stores[2].read(ALL, "Patient", "p1") is not None
        for store in stores:
            store.close()
