"""The journal: nothing is acknowledged that is not durable; nothing is taken twice."""

from datetime import timedelta
from pathlib import Path

import pytest

from gateway.errors import GatewayError
from gateway.records import Channel, Commit, RecordResult
from gateway.store import Store
from gateway.store.journal import INLINE_BYTES
from gateway.store.leases import LEASE
from gateway.store.record_rows import pack
from tests.unit.store.samples import NOW, SHARD, change

CHANNEL = Channel(
    "qs-lab", SHARD, "qs-township", "hl7v2", ("oru",), charset="gbk", options={"port": 2575}
)


@pytest.fixture(autouse=True)
def channel(store: Store) -> Channel:
    store.registry.add_channel(CHANNEL)
    return CHANNEL


def test_a_message_is_given_back_as_it_came(store: Store) -> None:
    envelope = store.journal.receive(CHANNEL, b"MSH|\xb2\xe2", "c1", "10.0.0.1", NOW)
    assert not envelope.is_duplicate
    assert store.journal.envelope(SHARD, envelope.message_id) == envelope
    message = store.journal.message(SHARD, envelope.message_id)
    assert (message.status, message.size, message.peer) == ("received", 6, "10.0.0.1")


def test_the_same_message_again_gives_the_first(store: Store) -> None:
    first = store.journal.receive(CHANNEL, b"MSH|1", "c1", None, NOW)
    again = store.journal.receive(CHANNEL, b"MSH|1", "c1", None, NOW + timedelta(days=1))
    assert (again.message_id, again.received_utc) == (first.message_id, NOW)
    assert again.is_duplicate
    other = store.journal.receive(CHANNEL, b"MSH|1", "c2", None, NOW)
    assert not other.is_duplicate


def test_a_large_message_lies_in_a_file_and_a_changed_file_is_noticed(
    store: Store, tmp_path: Path
) -> None:
    raw = b"x" * (INLINE_BYTES + 1)
    envelope = store.journal.receive(CHANNEL, raw, None, None, NOW)
    assert store.journal.envelope(SHARD, envelope.message_id).raw == raw
    (path,) = (path for path in (tmp_path / "messages").rglob("*") if path.is_file())
    path.write_bytes(b"y" * len(raw))
    with pytest.raises(GatewayError, match="GW-5008"):
        store.journal.envelope(SHARD, envelope.message_id)


def test_an_unknown_message_is_refused_by_its_number(store: Store) -> None:
    with pytest.raises(GatewayError, match="GW-5007"):
        store.journal.message(SHARD, "nothing")


def test_a_message_whose_process_died_is_given_out_once_after_its_lease(store: Store) -> None:
    leases, message = store.journal.leases, received(store)
    assert leases.pending(SHARD, NOW) == ()
    later = NOW + LEASE
    assert leases.pending(SHARD, later) == (message,)
    assert leases.pending(SHARD, later) == ()


def test_a_message_that_is_held_is_not_given_out_until_it_is_given_back(store: Store) -> None:
    leases, message = store.journal.leases, received(store)
    later = NOW + LEASE
    leases.renew([(SHARD, message)], later)
    assert leases.pending(SHARD, later) == ()
    assert not leases.claim(SHARD, message, later)
    leases.give_back([(SHARD, message)], later)
    assert leases.claim(SHARD, message, later)
    assert leases.pending(SHARD, later) == ()


def test_runs_that_did_not_end_are_counted_until_one_comes_further(store: Store) -> None:
    leases, message = store.journal.leases, received(store)
    assert [leases.begin(SHARD, message, 0) for _ in range(3)] == [1, 2, 3]
    assert [leases.begin(SHARD, message, 7) for _ in range(2)] == [1, 2]
    leases.give_back([(SHARD, message)], NOW)
    assert leases.begin(SHARD, message, 7) == 2


def test_a_message_that_ended_is_not_held_any_more(store: Store) -> None:
    leases, message = store.journal.leases, received(store)
    store.journal.finish(SHARD, message)
    leases.give_back([(SHARD, message)], NOW)
    assert leases.pending(SHARD, NOW + LEASE) == ()
    assert not leases.claim(SHARD, message, NOW + LEASE)


def received(store: Store) -> str:
    return store.journal.receive(CHANNEL, b"MSH|1", None, None, NOW).message_id


def test_a_finished_message_is_not_pending(store: Store) -> None:
    envelope = store.journal.receive(CHANNEL, b"MSH|1", None, None, NOW)
    result = RecordResult(envelope.message_id, 0, "stored", resources=("Patient/p1",))
    store.commit(Commit(SHARD, (change("Patient", "p1"),), record=result))
    assert store.journal.finish(SHARD, envelope.message_id) == "stored"
    assert store.journal.leases.pending(SHARD, NOW + LEASE) == ()


def test_the_only_record_of_a_message_ends_it_in_its_own_transaction(store: Store) -> None:
    stored, parked = received(store), store.journal.receive(CHANNEL, b"MSH|2", None, None, NOW)
    result = RecordResult(stored, 0, "stored", resources=("Patient/p1",))
    refused = change("Patient", "p1", expected_version=3)
    with pytest.raises(GatewayError):
        store.commit(Commit(SHARD, (refused,), record=result, ends_message=True))
    assert store.journal.message(SHARD, stored).status == "received"
    store.commit(Commit(SHARD, (change("Patient", "p1"),), record=result, ends_message=True))
    assert store.journal.message(SHARD, stored).status == "stored"
    failed = RecordResult(parked.message_id, 0, "parked", stage="map", error="GW-3001")
    store.journal.write_result(SHARD, failed, NOW, ends_message=True)
    assert store.journal.message(SHARD, parked.message_id).status == "parked"
    assert store.journal.leases.pending(SHARD, NOW + LEASE) == ()


def test_lineage_comes_back_as_it_was_given_also_what_was_kept_unpacked(store: Store) -> None:
    message, lineage = received(store), b'[{"pointer":"/entry/0"}]' * 50
    store.journal.write_result(SHARD, RecordResult(message, 0, "stored", lineage=lineage), NOW)
    assert store.journal.lineage(SHARD, message, 0) == lineage
    assert len(pack(lineage)) < len(lineage) // 10
    kept_before = "UPDATE record SET lineage = ? WHERE shard = ?"
    store.database.write(lambda session: session.run(kept_before, (lineage, SHARD)))
    assert store.journal.lineage(SHARD, message, 0) == lineage


def test_one_parked_record_parks_the_message_and_is_found_by_its_keys(store: Store) -> None:
    envelope = store.journal.receive(CHANNEL, b"MSH|1", None, None, NOW)
    good = RecordResult(envelope.message_id, 0, "stored", keys=(("patient", "0001"),))
    bad = RecordResult(
        envelope.message_id,
        1,
        "parked",
        stage="map",
        error="GW-3001",
        text_zh="缺少主键",
        place="PID-3 (line 2)",
        keys=(("patient", "0002"), ("visit", "0002")),
    )
    for result in (good, bad):
        store.journal.write_result(SHARD, result, NOW)
    assert store.journal.finish(SHARD, envelope.message_id) == "parked"
    find = store.journal.search
    assert [record.ordinal for record in find(SHARD, key=(None, "0002"))] == [1]
    assert [record.ordinal for record in find(SHARD, key=("patient", "0001"))] == [0]
    assert find(SHARD, key=("visit", "0001")) == ()
    (parked,) = find(SHARD, status="parked", stage="map", error="GW-3001", channel="qs-lab")
    assert (parked.text_zh, parked.place, parked.updated_utc) == ("缺少主键", "PID-3 (line 2)", NOW)
    assert find(SHARD, channels=["another"]) == ()
    assert store.journal.counts(SHARD) == {"stored": 1, "parked": 1}


def test_a_replay_is_a_new_attempt_and_every_attempt_is_kept(store: Store) -> None:
    envelope = store.journal.receive(CHANNEL, b"MSH|1", None, None, NOW)
    parked = RecordResult(envelope.message_id, 0, "parked", stage="map", error="GW-3001")
    stored = RecordResult(envelope.message_id, 0, "stored", mapping="oru", lineage=b"{}")
    store.journal.write_result(SHARD, parked, NOW)
    store.journal.write_result(SHARD, stored, NOW + timedelta(hours=1))
    (record,) = store.journal.records(SHARD, envelope.message_id)
    assert (record.status, record.error, record.attempts) == ("stored", None, 2)
    attempts = store.journal.attempts(SHARD, envelope.message_id, 0)
    assert [(one.number, one.status) for one in attempts] == [(1, "parked"), (2, "stored")]
    assert store.journal.lineage(SHARD, envelope.message_id, 0) == b"{}"


def test_a_second_run_that_changes_nothing_leaves_the_record_stored(store: Store) -> None:
    envelope = store.journal.receive(CHANNEL, b"MSH|1", None, None, NOW)
    stored = RecordResult(envelope.message_id, 0, "stored", resources=("Patient/p1",))
    store.journal.write_result(SHARD, stored, NOW)
    store.journal.write_result(SHARD, RecordResult(envelope.message_id, 0, "unchanged"), NOW)
    (record,) = store.journal.records(SHARD, envelope.message_id)
    assert (record.status, record.resources, record.attempts) == ("stored", ("Patient/p1",), 2)


def test_a_failed_commit_leaves_no_result(store: Store) -> None:
    envelope = store.journal.receive(CHANNEL, b"MSH|1", None, None, NOW)
    result = RecordResult(envelope.message_id, 0, "stored")
    with pytest.raises(GatewayError, match="GW-5001"):
        store.commit(Commit(SHARD, (change("Patient", "p1", expected_version=3),), record=result))
    assert store.journal.records(SHARD, envelope.message_id) == ()
