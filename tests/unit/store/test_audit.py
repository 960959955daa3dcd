"""The audit trail: found by what was touched, chained, and every change of it shows."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from gateway.records import Audited, Seen
from gateway.store import Store, Wanted
from gateway.store.audit_chain import AuditChain
from tests.unit.store.samples import SHARD

SECRET = b"a secret of the deployment"
LATER = timedelta(days=1)


def _access(number: int, person: str = "p1", member: str = "lj-city") -> Audited:
    seen = Seen({f"Observation/{number}": person, f"Patient/{person}": person})
    path = f"/fhir/Observation/{number}"
    return Audited(SHARD, "his", member, "GET", "read", path, "", 200, seen=seen)


@pytest.fixture
def chain(store: Store) -> AuditChain:
    """A chain of three blocks with two rows each."""
    chain = store.audit_chain(SECRET)
    for number in range(6):
        store.audit.append(_access(number, f"p{number % 2}"))
        if number % 2:
            store.audit.settle()
            time.sleep(0.002)  # PostgreSQL tells in milliseconds what is complete.
            assert chain.seal(SHARD) == 2
    return chain


def _run(store: Store, sql: str, **values: Any) -> None:
    store.database.write(lambda session: session.connection.execute(text(sql), values))


def test_accesses_are_found_by_person_resource_member_and_time(
    store: Store, chain: AuditChain
) -> None:
    assert chain.verify(SHARD).rows == 6
    of_one = store.audit.find(SHARD, Wanted(touched=("person:p1",)), 10)
    assert [one.path[-1] for one in of_one] == ["5", "3", "1"]
    both = ("person:p1", "Observation/3")
    assert [one.path[-1] for one in store.audit.find(SHARD, Wanted(touched=both), 10)] == ["3"]
    assert store.audit.find(SHARD, Wanted("qs-county"), 10) == []
    now = datetime.now(UTC)
    assert len(store.audit.find(SHARD, Wanted(since=now - LATER, until=now + LATER), 10)) == 6
    assert store.audit.find(SHARD, Wanted(until=now - LATER), 10) == []
    page = store.audit.find(SHARD, Wanted(), 4)
    assert len(store.audit.find(SHARD, Wanted(before=page[-1].key), 4)) == 2
    assert store.audit.read(SHARD, page[0].key) == page[0]
    assert store.audit.read(SHARD, page[0].key, "qs-county") is None


def test_an_untouched_chain_holds_and_ends_where_it_was_noted(
    store: Store, chain: AuditChain
) -> None:
    store.audit.append(_access(9))
    store.audit.settle()
    time.sleep(0.002)
    found = chain.verify(SHARD)
    assert (found.blocks, found.rows, found.open_rows, found.faults) == (3, 6, 1, ())
    assert found.head is not None
    assert chain.seal(SHARD) == 1
    assert chain.seal(SHARD) == 0
    assert chain.verify(SHARD, noted=found.head).faults == ()
    assert chain.verify(SHARD, noted=(found.head[0], "0" * 64)).faults


def _key_of(store: Store, number: int) -> int:
    [one] = store.audit.find(SHARD, Wanted(touched=(f"Observation/{number}",)), 2)
    return one.key


def _change(store: Store) -> None:
    _run(store, "UPDATE audit SET status = 404 WHERE pk = :pk", pk=_key_of(store, 2))


def _delete(store: Store) -> None:
    _run(store, "DELETE FROM audit WHERE pk = :pk", pk=_key_of(store, 3))


def _insert(store: Store) -> None:
    keys = {one.key for one in store.audit.find(SHARD, Wanted(), 1_000)}
    copied_of = _key_of(store, 2)
    free = next(key for key in range(copied_of, 0, -1) if key not in keys)
    copied = (
        "INSERT INTO audit SELECT shard, :free, client, member, agent, purpose, reason, method, "
        "word, path, query, error, peer, status, seen, seq - 1 FROM audit WHERE pk = :pk"
    )
    _run(store, copied, pk=copied_of, free=free)


def _hide(store: Store) -> None:
    _run(store, "DELETE FROM audit_seen WHERE value = 'Observation/3'")


def _drop_block(store: Store) -> None:
    _run(store, "DELETE FROM audit_block WHERE number = 2")


def _rehash(store: Store) -> None:
    _run(store, "UPDATE audit_block SET content = previous, digest = previous WHERE number = 2")


def _claim_pruned(store: Store) -> None:
    _run(store, "DELETE FROM audit WHERE pk <= :pk", pk=_key_of(store, 1))
    _run(store, "UPDATE audit_block SET is_pruned = (1 = 1) WHERE number = 1")


def _cut_off(store: Store) -> None:
    _run(store, "DELETE FROM audit WHERE pk >= :pk", pk=_key_of(store, 4))
    _run(store, "DELETE FROM audit_block WHERE number = 3")


@pytest.mark.parametrize(
    "tamper", [_change, _delete, _insert, _hide, _drop_block, _rehash, _claim_pruned, _cut_off]
)
def test_whatever_is_changed_in_the_database_shows(
    store: Store, chain: AuditChain, tamper: Callable[[Store], None]
) -> None:
    noted = chain.verify(SHARD).head
    tamper(store)
    long_ago = datetime.now(UTC) - LATER
    assert chain.verify(SHARD, noted=noted, kept_since=long_ago).faults


def test_the_secret_of_another_deployment_makes_another_chain(
    store: Store, chain: AuditChain
) -> None:
    assert chain.verify(SHARD).faults == ()
    assert store.audit_chain(b"another").verify(SHARD).faults


def test_rows_past_their_time_go_and_the_chain_still_holds(store: Store, chain: AuditChain) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=1)
    store.audit.append(_access(7))
    store.audit.settle()
    assert store.prune_audit(SHARD, soon) == 6
    found = chain.verify(SHARD, kept_since=soon)
    assert (found.pruned, found.rows, found.open_rows, found.faults) == (3, 0, 1, ())
    assert [one.path[-1] for one in store.audit.find(SHARD, Wanted(), 10)] == ["7"]
    assert store.audit.find(SHARD, Wanted(touched=("person:p0",)), 10) == []
