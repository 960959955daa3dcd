"""The outbox: in order per recipient and stream, never lost, never doubled."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.records import Notice
from gateway.store import Store
from gateway.store.outbox import LEASE
from tests.unit.store.samples import SHARD, change, commit

# Later than any clock of the machine that runs the test.
LATER = datetime(2080, 1, 1, tzinfo=UTC)
TO = "qs-county"


def _notify(store: Store, *keys: str, stream: str = "r1", recipient: str = "qs-county") -> None:
    notices = tuple(Notice(recipient, "referral", "Task/t1", stream, key) for key in keys)
    store.commit(commit(change("Task", f"t-{keys[0]}"), notices=notices))


def test_a_stream_is_given_out_in_order_and_to_one_worker(store: Store) -> None:
    _notify(store, "a", "b")
    _notify(store, "c")
    taken = store.outbox.lease(SHARD, LATER, TO, limit=2)
    assert [(one.idempotency_key, one.number) for one in taken] == [("a", 1), ("b", 2)]
    assert store.outbox.lease(SHARD, LATER, TO) == ()
    store.outbox.done(SHARD, [one.pk for one in taken], LATER)
    assert [one.number for one in store.outbox.lease(SHARD, LATER, TO)] == [3]
    assert store.outbox.counts(SHARD) == {"done": 2, "waiting": 1}


def test_recipients_do_not_wait_for_each_other(store: Store) -> None:
    _notify(store, "a")
    _notify(store, "b", stream="r2")
    _notify(store, "c", recipient="qs-insurer")
    assert store.outbox.recipients(SHARD) == ("qs-county", "qs-insurer")
    assert [one.idempotency_key for one in store.outbox.lease(SHARD, LATER, TO)] == ["a", "b"]
    assert [one.recipient for one in store.outbox.lease(SHARD, LATER, "qs-insurer")] == [
        "qs-insurer"
    ]


def test_what_may_not_be_seen_is_skipped_and_leaves_no_gap_in_the_numbers(store: Store) -> None:
    _notify(store, "a", "b", "c")
    taken = store.outbox.lease(SHARD, LATER, TO, permits=lambda one: one.idempotency_key != "b")
    assert [(one.idempotency_key, one.number) for one in taken] == [("a", 1), ("c", 2)]
    assert store.outbox.counts(SHARD) == {"skipped": 1, "waiting": 2}


def test_what_was_leased_and_not_tried_is_due_again_without_an_attempt(store: Store) -> None:
    _notify(store, "a")
    (one,) = store.outbox.lease(SHARD, LATER, TO)
    store.outbox.release(SHARD, [one.pk])
    (again,) = store.outbox.lease(SHARD, LATER, TO)
    assert (again.pk, again.attempts, again.number) == (one.pk, 1, 1)


def test_a_backlog_tells_what_waits_for_whom_since_when(store: Store) -> None:
    _notify(store, "a", "b")
    _notify(store, "c", stream="r2")
    first, *_ = store.outbox.lease(SHARD, LATER, TO)
    store.outbox.park(SHARD, first.pk, "410")
    (backlog,) = store.outbox.backlogs(SHARD)
    assert (backlog.recipient, backlog.waiting, backlog.parked, backlog.failing) == (TO, 2, 1, 1)
    assert backlog.oldest_utc == first.created_utc


@pytest.mark.parametrize("how", ["fail", "park"])
def test_an_earlier_notice_that_waits_or_is_parked_holds_back_later_ones(
    store: Store, how: str
) -> None:
    _notify(store, "a", "b")
    (first,) = store.outbox.lease(SHARD, LATER, TO, limit=1)
    if how == "fail":
        store.outbox.fail(SHARD, first.pk, LATER + timedelta(hours=2), "timeout")
    else:
        store.outbox.park(SHARD, first.pk, "410 Gone")
    assert store.outbox.lease(SHARD, LATER + timedelta(hours=1), TO) == ()
    store.outbox.skip(SHARD, first.pk, LATER)
    (second,) = store.outbox.lease(SHARD, LATER + timedelta(hours=1), TO)
    assert second.idempotency_key == "b"


def test_a_failed_notice_comes_again_with_the_same_number(store: Store) -> None:
    _notify(store, "a")
    (first,) = store.outbox.lease(SHARD, LATER, TO)
    store.outbox.fail(SHARD, first.pk, LATER + timedelta(hours=2), "timeout")
    (again,) = store.outbox.lease(SHARD, LATER + timedelta(hours=2), TO)
    assert (again.pk, again.number, again.attempts) == (first.pk, 1, 2)
    assert again.last_error == "timeout"


def test_the_lease_of_a_dead_worker_ends(store: Store) -> None:
    _notify(store, "a")
    (first,) = store.outbox.lease(SHARD, LATER, TO)
    (again,) = store.outbox.lease(SHARD, LATER + LEASE, TO)
    assert (again.pk, again.attempts) == (first.pk, 2)


def test_what_is_still_being_sent_is_given_to_nobody_else(store: Store) -> None:
    _notify(store, "a")
    (sent,) = store.outbox.lease(SHARD, LATER, TO)
    store.outbox.renew(SHARD, [sent.pk], LATER + LEASE / 2)
    assert store.outbox.lease(SHARD, LATER + LEASE, TO) == ()
    store.outbox.done(SHARD, [sent.pk], LATER)
    store.outbox.renew(SHARD, [sent.pk], LATER)
    assert store.outbox.lease(SHARD, LATER + 9 * LEASE, TO) == ()


def test_a_known_idempotency_key_is_not_doubled(store: Store) -> None:
    _notify(store, "a")
    _notify(store, "a")
    assert len(store.outbox.search(SHARD)) == 1


def test_a_replayed_notice_is_due_again(store: Store) -> None:
    _notify(store, "a")
    (one,) = store.outbox.lease(SHARD, LATER, TO)
    store.outbox.done(SHARD, [one.pk], LATER)
    store.outbox.replay(SHARD, one.pk, LATER)
    (again,) = store.outbox.lease(SHARD, LATER, TO)
    assert (again.idempotency_key, again.number) == ("a", 1)
    assert store.outbox.get(SHARD, one.pk) == again
    assert store.outbox.search(SHARD, recipient="qs-county", status="waiting") == (again,)
