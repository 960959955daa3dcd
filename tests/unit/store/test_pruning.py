"""Pruning frees space, keeps each message's line, and never takes what a new message needs."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.errors import GatewayError
from gateway.records import Channel, RecordResult
from gateway.store import Store
from gateway.store.files import YOUNG_S
from gateway.store.journal import INLINE_BYTES
from tests.unit.store.samples import NOW, SHARD

CHANNEL = Channel("qs-lab", SHARD, "qs-township", "hl7v2", ("oru",))
LATER = NOW + timedelta(days=400)
LARGE = b"x" * (INLINE_BYTES + 1)


@pytest.fixture(autouse=True)
def channel(store: Store) -> Channel:
    store.registry.add_channel(CHANNEL)
    return CHANNEL


def ended(store: Store, raw: bytes, status: str, *, days: int = 0) -> str:
    """Receive a message and end it; give its id."""
    now = NOW + timedelta(days=days)
    envelope = store.journal.receive(CHANNEL, raw, None, None, now)
    result = RecordResult(
        envelope.message_id,
        0,
        status,  # type: ignore[arg-type]
        keys=(("referral-no", "R-1"),),
        lineage=b"[]",
    )
    store.journal.write_result(SHARD, result, now)
    store.journal.finish(SHARD, envelope.message_id)
    return envelope.message_id


def files(folder: Path) -> list[Path]:
    return [path for path in (folder / "messages").rglob("*") if path.is_file()]


def age(folder: Path) -> None:
    for path in files(folder):
        old = path.stat().st_mtime - YOUNG_S - 1
        os.utime(path, (old, old))


def test_done_and_parked_messages_have_their_own_time(store: Store) -> None:
    done, failed = ended(store, b"MSH|1", "stored"), ended(store, b"MSH|22", "parked")
    first, second = store.prune(SHARD, done=LATER, parked=NOW)
    assert (first.messages, first.size, second.messages) == (1, 5, 0)
    with pytest.raises(GatewayError, match="GW-5011"):
        store.journal.envelope(SHARD, done)
    assert store.journal.envelope(SHARD, failed).raw == b"MSH|22"
    assert store.prune(SHARD, done=NOW, parked=LATER)[1].messages == 1


def test_a_pruned_message_is_still_told_and_still_recognised(store: Store) -> None:
    done = ended(store, b"MSH|1", "stored")
    store.prune(SHARD, done=LATER, parked=LATER)
    (line,) = store.journal.search(SHARD, key=(None, "R-1"))
    assert (line.message_id, line.status) == (done, "stored")
    assert store.journal.lineage(SHARD, done, 0) is None
    again = store.journal.receive(CHANNEL, b"MSH|1", None, None, LATER)
    assert (again.message_id, again.is_duplicate) == (done, True)


def test_what_is_not_ended_or_not_old_is_kept(store: Store) -> None:
    open_ = store.journal.receive(CHANNEL, b"MSH|open", None, None, NOW)
    young = ended(store, b"MSH|young", "stored", days=399)
    assert store.prune(SHARD, done=NOW + timedelta(days=399), parked=LATER)[0].messages == 0
    assert store.journal.envelope(SHARD, open_.message_id).raw == b"MSH|open"
    assert store.journal.envelope(SHARD, young).raw == b"MSH|young"


def test_a_dry_run_counts_and_changes_nothing(store: Store) -> None:
    done = ended(store, b"MSH|1", "stored")
    assert store.prune(SHARD, done=LATER, parked=LATER, is_dry=True)[0].messages == 1
    assert store.journal.envelope(SHARD, done).raw == b"MSH|1"


def test_more_messages_than_one_step_are_all_pruned(store: Store) -> None:
    for number in range(230):
        ended(store, f"MSH|{number}".encode(), "stored")
    assert store.prune(SHARD, done=LATER, parked=LATER)[0].messages == 230
    assert store.prune(SHARD, done=LATER, parked=LATER)[0].messages == 0


def test_a_large_file_goes_when_its_last_message_was_pruned(store: Store, tmp_path: Path) -> None:
    done = ended(store, LARGE, "stored")
    age(tmp_path)
    store.reclaim()
    assert store.journal.envelope(SHARD, done).raw == LARGE
    store.prune(SHARD, done=LATER, parked=LATER)
    age(tmp_path)
    assert store.reclaim() >= len(LARGE)
    assert files(tmp_path) == []


def test_a_message_received_amid_the_sweep_keeps_its_bytes(store: Store, tmp_path: Path) -> None:
    name = store.journal.files.keep("ab" * 32, LARGE)
    age(tmp_path)
    answers = iter((set(), {name}))
    assert store.journal.files.sweep(lambda: next(answers)) == 0
    assert [path.relative_to(tmp_path).as_posix() for path in files(tmp_path)] == [name]


def test_a_sweep_that_died_loses_nothing(store: Store, tmp_path: Path) -> None:
    done = ended(store, LARGE, "stored")
    (path,) = files(tmp_path)
    path.rename(path.with_name(path.name + ".doomed"))
    store.reclaim()
    assert store.journal.envelope(SHARD, done).raw == LARGE


def test_pruned_space_is_given_back_where_the_engine_can(store: Store) -> None:
    for number in range(40):
        ended(store, f"MSH|{number}|".encode() + b"x" * 100_000, "stored")
    store.prune(SHARD, done=LATER, parked=LATER)
    is_given_back = store.reclaim() > 3_000_000
    assert is_given_back == (store.database.name == "sqlite")
