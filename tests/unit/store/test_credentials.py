"""Credentials with their times, and what counts once in the whole deployment."""

import threading
from datetime import UTC, datetime, timedelta

from gateway.store import Credential, Store

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_credential_holds_from_its_beginning_to_before_its_end(store: Store) -> None:
    lasting = Credential("his", "a", "secret", "hash")
    passing = Credential("his", "b", "key", "{}", NOON, NOON + HOUR)
    store.credentials.put(lasting, passing)
    store.credentials.put(Credential("other", "a", "secret", "hash"))
    assert store.credentials.of("his") == (lasting, passing)
    assert lasting.holds(NOON - HOUR)
    assert [passing.holds(NOON + shift * HOUR) for shift in (-1, 0, 1)] == [False, True, False]


def test_what_is_spent_is_spent_for_every_process_until_it_is_forgotten(store: Store) -> None:
    gained: list[bool] = []

    def spend() -> None:
        gained.append(store.credentials.spend("jti:1", NOON + HOUR))

    threads = [threading.Thread(target=spend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(gained) == [False] * 7 + [True]
    assert store.credentials.is_spent("jti:1")
    store.credentials.forget(NOON + HOUR)
    assert store.credentials.is_spent("jti:1")
    store.credentials.forget(NOON + HOUR + timedelta(seconds=1))
    assert not store.credentials.is_spent("jti:1")
