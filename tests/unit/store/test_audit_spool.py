"""Accesses on the disk: none that was acknowledged is lost, none is two."""

import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.records import Audited
from gateway.store import Store, Wanted
from gateway.store.audit import pack
from gateway.store.audit_spool import AuditSpool, Entry, entries, gather
from tests.support.access_writer import access
from tests.unit.store.samples import SHARD


def _nobody(_path: Path) -> bool:
    return False


def _now_us() -> int:
    return time.time_ns() // 1000


def _left(folder: Path, *, is_all: bool = True) -> list[bytes]:
    found: list[Entry] = []
    gather(folder, found.extend, is_own=_nobody, is_all=is_all)
    return [row for _, row in found]


def _paths(store: Store, shard: int = SHARD) -> list[str]:
    return sorted(one.path for one in store.audit.find(shard, Wanted(), 10_000))


def test_what_was_acknowledged_survives_kill_9(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "tests.support.access_writer", database_url, str(tmp_path)]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    acknowledged = [writer.stdout.readline() for _ in range(400)]
    writer.kill()
    acknowledged += [line for line in writer.communicate()[0].splitlines(True) if line[-1] == "\n"]
    told = {f"/{line.strip()}" for line in acknowledged}
    assert told <= set(_paths(store))
    assert list(tmp_path.glob("accesses/*")) == []


def test_many_threads_share_writes_and_each_row_has_a_key_of_its_own(tmp_path: Path) -> None:
    spool = AuditSpool(tmp_path, lambda: 1_800_000_000_000_000)

    def append(name: int) -> None:
        for number in range(50):
            spool.append(b"%d-%d" % (name, number))

    threads = [threading.Thread(target=append, args=(name,)) for name in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    found: list[Entry] = []
    spool.close(found.extend)
    assert {row for _, row in found} == {b"%d-%d" % (n, m) for n in range(8) for m in range(50)}
    assert len({key for key, _ in found}) == len(found) == 400


@given(rows=st.lists(st.binary(max_size=60), min_size=1, max_size=6), data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_torn_end_is_cut_at_the_last_whole_row(
    rows: list[bytes], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("torn")
    spool = AuditSpool(folder, _now_us)
    for row in rows:
        spool.append(row)
    [path] = folder.glob("*.a")
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    read = [row for _, row in entries(whole[:cut])]
    assert read == rows[: len(read)]
    assert len(read) == len(rows) or cut < len(whole)
    if cut < len(whole):
        changed = whole[:cut] + bytes([whole[cut] ^ 1]) + whole[cut + 1 :]
        read = [row for _, row in entries(changed)]
        assert read == rows[: len(read)]
    assert [row for _, row in entries(whole)] == rows
    spool.close(_ignore)


def _ignore(_rows: Sequence[Entry]) -> None:
    """Take rows to nowhere."""


def test_a_file_that_is_filled_again_gives_nothing_of_the_filling_before(tmp_path: Path) -> None:
    spool = AuditSpool(tmp_path, _now_us)
    for _ in range(3):
        for number in range(9):
            spool.append(b"of the filling before %d" % number)
        spool.drain(_ignore)
        assert _left(tmp_path) == []
    spool.append(b"of the filling before 0")  # As long as the one that it covers.
    assert _left(tmp_path) == [b"of the filling before 0"]
    spool.close(_ignore)
    assert list(tmp_path.iterdir()) == []


def test_rows_stay_where_they_cannot_be_moved_yet(tmp_path: Path) -> None:
    spool = AuditSpool(tmp_path, _now_us)
    spool.append(b"first")

    def fail(_rows: Sequence[Entry]) -> None:
        raise GatewayError("GW-5003", reason="away")

    for _ in range(2):
        with pytest.raises(GatewayError, match="GW-5003"):
            spool.drain(fail)
    spool.append(b"second")
    found: list[Entry] = []
    spool.drain(found.extend)
    spool.close(found.extend)
    assert [row for _, row in found] == [b"first", b"second"]


@contextmanager
def _files_may_not_grow() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_refuses_and_nothing_of_it_stays(tmp_path: Path) -> None:
    spool = AuditSpool(tmp_path, _now_us)
    with _files_may_not_grow(), pytest.raises(GatewayError, match="GW-5004"):
        spool.append(b"refused")
    assert _left(tmp_path) == []
    spool.append(b"taken")
    assert _left(tmp_path) == [b"taken"]
    spool.close(_ignore)


def test_a_row_that_is_moved_twice_is_one_row(store: Store, tmp_path: Path) -> None:
    for number in range(3):
        store.audit.append(access(number))
    [path] = (tmp_path / "accesses").glob("*.a")
    before = path.read_bytes()
    assert len(_paths(store)) == 3
    (tmp_path / "accesses" / "left.a").write_bytes(before)
    store.audit.collect()
    assert _paths(store) == ["/0", "/1", "/2"]
    assert not (tmp_path / "accesses" / "left.a").exists()


def test_two_accesses_of_one_microsecond_are_two_rows(store: Store, tmp_path: Path) -> None:
    spools = [AuditSpool(tmp_path / "accesses", lambda: 1_800_000_000_000_000) for _ in range(2)]
    for number, spool in enumerate(spools):
        spool._slot = 7
        spool.append(pack(access(number)))
    for _ in range(2):
        assert _paths(store) == ["/0", "/1"]
    for spool in spools:
        spool.close(_ignore)


def test_rows_of_a_server_that_was_down_for_a_day_stand_at_their_time_and_the_chain_holds(
    store: Store, tmp_path: Path
) -> None:
    chain = store.audit_chain(b"secret")
    day_us = 86_400_000_000
    late = AuditSpool(tmp_path / "elsewhere", lambda: _now_us() - day_us)
    for number in range(3):
        late.append(pack(access(number, "late")))
    store.audit.append(access(1))
    store.audit.settle()
    time.sleep(0.002)
    assert chain.seal(SHARD) == 1
    _carry(tmp_path / "elsewhere", tmp_path / "accesses")
    store.audit.collect()
    time.sleep(0.002)
    assert chain.seal(SHARD) == 3
    found = chain.verify(SHARD)
    assert (found.blocks, found.rows, found.open_rows, found.faults) == (2, 4, 0, ())
    listed = [one.path for one in store.audit.find(SHARD, Wanted(), 10)]
    assert listed == ["/1", "/late2", "/late1", "/late0"]
    noon = datetime.now(UTC) - timedelta(hours=12)
    assert [one.path for one in store.audit.find(SHARD, Wanted(until=noon), 9)] == listed[1:]
    late.close(_ignore)


def _carry(source: Path, target: Path) -> None:
    for path in source.iterdir():
        (target / path.name).write_bytes(path.read_bytes())


def test_whoever_asks_finds_what_other_processes_have_not_stored_yet(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    other = Store.open(database_url, data_dir=tmp_path)
    other.audit.append(access(7))
    assert _paths(store) == ["/7"]
    other.close()
    assert _paths(store) == ["/7"]


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b"])
def test_texts_that_no_database_holds_are_stored_all_the_same(store: Store, text: str) -> None:
    store.audit.append(Audited(0, text, "", "GET", "login", "/oauth", text, 401))
    [row] = store.audit.find(0, Wanted(), 2)
    assert row.client.startswith("a")
    assert row.client.endswith("b")


def test_an_access_too_large_for_the_spool_goes_to_the_database(store: Store) -> None:
    row = access(1)
    row.seen.steps.extend(["x" * 1_000] * 1_100)
    store.audit.append(row)
    assert [one.path for one in store.audit.find(SHARD, Wanted(), 2)] == ["/1"]
