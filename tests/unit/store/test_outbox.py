"""The outbox: in order per recipient and stream, never lost, never doubled."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.records import Notice
from gateway.store import Store
from gateway.store.outbox import LEASE
from tests.unit.store.samples import SHARD, change, commit

# Later than any clock of the machine that runs the test.
LATER = datetime(2080, 1, 1, tzinfo=UTC)


def _notify(store: Store, *keys: str, stream: str = "r1", recipient: str = "qs-county") -> None:
    notices = tuple(Notice(recipient, "referral", "Task/t1", stream, key) for key in keys)
    store.commit(commit(change("Task", f"t-{keys[0]}"), notices=notices))


def test_a_stream_is_given_out_one_by_one_in_order(store: Store) -> None:
    _notify(store, "a", "b")
    _notify(store, "c")
    taken = []
    for _ in range(3):
        (one,) = store.outbox.lease(SHARD, LATER)
        assert store.outbox.lease(SHARD, LATER) == ()
        store.outbox.done(SHARD, one.pk, LATER)
        taken.append((one.idempotency_key, one.number))
    assert taken == [("a", 1), ("b", 2), ("c", 3)]
    assert store.outbox.counts(SHARD) == {"done": 3}


def test_streams_and_recipients_do_not_wait_for_each_other(store: Store) -> None:
    _notify(store, "a")
    _notify(store, "b", stream="r2")
    _notify(store, "c", recipient="qs-insurer")
    assert [one.idempotency_key for one in store.outbox.lease(SHARD, LATER)] == ["a", "b", "c"]


@pytest.mark.parametrize("how", ["fail", "park"])
def test_an_earlier_notice_that_waits_or_is_parked_holds_back_later_ones(
    store: Store, how: str
) -> None:
    _notify(store, "a", "b")
    (first,) = store.outbox.lease(SHARD, LATER)
    if how == "fail":
        store.outbox.fail(SHARD, first.pk, LATER + timedelta(hours=2), "timeout")
    else:
        store.outbox.park(SHARD, first.pk, "410 Gone")
    assert store.outbox.lease(SHARD, LATER + timedelta(hours=1)) == ()
    store.outbox.skip(SHARD, first.pk, LATER)
    (second,) = store.outbox.lease(SHARD, LATER + timedelta(hours=1))
    assert second.idempotency_key == "b"


def test_a_failed_notice_comes_again_with_the_same_number(store: Store) -> None:
    _notify(store, "a")
    (first,) = store.outbox.lease(SHARD, LATER)
    store.outbox.fail(SHARD, first.pk, LATER + timedelta(hours=2), "timeout")
    (again,) = store.outbox.lease(SHARD, LATER + timedelta(hours=2))
    assert (again.pk, again.number, again.attempts) == (first.pk, 1, 2)
    assert again.last_error == "timeout"


def test_the_lease_of_a_dead_worker_ends(store: Store) -> None:
    _notify(store, "a")
    (first,) = store.outbox.lease(SHARD, LATER)
    (again,) = store.outbox.lease(SHARD, LATER + LEASE)
    assert (again.pk, again.attempts) == (first.pk, 2)


def test_what_is_still_being_sent_is_given_to_nobody_else(store: Store) -> None:
    _notify(store, "a")
    (sent,) = store.outbox.lease(SHARD, LATER)
    store.outbox.renew(SHARD, [sent.pk], LATER + LEASE / 2)
    assert store.outbox.lease(SHARD, LATER + LEASE) == ()
    store.outbox.done(SHARD, sent.pk, LATER)
    store.outbox.renew(SHARD, [sent.pk], LATER)
    assert store.outbox.lease(SHARD, LATER + 9 * LEASE) == ()


def test_a_known_idempotency_key_is_not_doubled(store: Store) -> None:
    _notify(store, "a")
    _notify(store, "a")
    assert len(store.outbox.search(SHARD)) == 1


def test_a_replayed_notice_is_due_again(store: Store) -> None:
    _notify(store, "a")
    (one,) = store.outbox.lease(SHARD, LATER)
    store.outbox.done(SHARD, one.pk, LATER)
    store.outbox.replay(SHARD, one.pk, LATER)
    (again,) = store.outbox.lease(SHARD, LATER)
    assert (again.idempotency_key, again.number) == ("a", 1)
    assert store.outbox.get(SHARD, one.pk) == again
    assert store.outbox.search(SHARD, recipient="qs-county", status="waiting") == (again,)
