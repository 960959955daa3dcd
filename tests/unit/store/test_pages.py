"""Pages continue the snapshot of the first one while others write; `_since` misses nothing."""

import threading
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy

from gateway.errors import GatewayError
from gateway.fhir.definitions import load
from gateway.fhir.search_query import parse_query
from gateway.records import IndexRow
from gateway.store import Page, Store
from gateway.store import writing as store_writing
from gateway.store.keys import instant, parameter_number
from gateway.store.pages import KEPT_MS
from gateway.store.schema import INDEX_TABLES
from gateway.store.texts import matches, text_terms
from tests.support.databases import ENGINES
from tests.unit.store.samples import ALL, SHARD, change, commit, token


def _active(value: str) -> tuple[IndexRow, ...]:
    return (token("Patient.active", value),)


def _search(store: Store, cursor: str | None, *pairs: tuple[str, str]) -> Page:
    query = parse_query(load(), ("Patient",), [("_count", "3"), *pairs])
    return store.search(ALL, query, cursor)


@pytest.mark.parametrize("sort", [(), (("_sort", "_id"),), (("_sort", "-active"),)])
def test_pages_are_one_snapshot_while_others_write(
    store: Store, sort: tuple[tuple[str, str], ...]
) -> None:
    names = [f"p{n:02}" for n in range(10)]
    for name in names:
        store.commit(commit(change("Patient", name, index=_active("true"))))
    pairs = (("active", "true"), *sort)
    page = _search(store, None, *pairs)
    found = [one.id for one in page.matches]
    fresh = count()
    while page.next is not None:
        # One comes, one changes so that it no longer matches, one is deleted.
        store.commit(commit(change("Patient", f"new{next(fresh)}", index=_active("true"))))
        remaining = [name for name in names if name not in found]
        store.commit(commit(change("Patient", remaining[0], index=_active("false"))))
        store.commit(commit(change("Patient", remaining[-1], is_deletion=True)))
        page = _search(store, page.next, *pairs)
        found += [one.id for one in page.matches]
        assert all(one.version == 1 and not one.is_deleted for one in page.matches)
    assert sorted(found) == names


def test_history_pages_are_one_snapshot(store: Store) -> None:
    for number in range(5):
        store.commit(commit(change("Patient", "p1", n=number)))
    page = store.history(ALL, type_="Patient", id_="p1", count=2)
    found = [one.version for one in page.matches]
    while page.next is not None:
        store.commit(commit(change("Patient", "p1")))
        page = store.history(ALL, type_="Patient", id_="p1", count=2, cursor=page.next)
        found += [one.version for one in page.matches]
    assert found == [5, 4, 3, 2, 1]


def test_history_at_a_time_gives_what_was_current_then(store: Store) -> None:
    times = []
    for number in range(3):
        (one,) = store.commit(commit(change("Patient", "p1", n=number)))
        times.append(one.updated_utc)
    found = store.history(ALL, type_="Patient", at=(times[1], times[2]))
    assert [one.version for one in found.matches] == [2]
    found = store.history(ALL, type_="Patient", at=(times[1], datetime(2080, 1, 1, tzinfo=UTC)))
    assert [one.version for one in found.matches] == [3, 2]


def test_polling_with_since_gives_every_version_once(store: Store) -> None:
    def write(worker: int) -> None:
        for number in range(15):
            store.commit(commit(change("Patient", f"w{worker}-{number}")))

    writers = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    for one in writers:
        one.start()
    since, seen, is_over = datetime(2020, 1, 1, tzinfo=UTC), list[str](), False
    while not is_over:
        is_over = not any(one.is_alive() for one in writers)
        page = store.history(ALL, type_="Patient", since=since, count=1000)
        seen += [one.id for one in page.matches]
        since = instant(page.complete_ms * 1000)
    for one in writers:
        one.join()
    page = store.history(ALL, type_="Patient", since=since, count=1000)
    seen += [one.id for one in page.matches]
    assert len(seen) == len(set(seen)) == 60


# Only PostgreSQL lets one write overtake another.
@pytest.mark.parametrize("database_url", ENGINES[1:], indirect=True)
def test_a_slow_transaction_is_not_lost_behind_a_fast_one(store: Store) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def write_slowly() -> None:
        def work(session: object) -> None:
            slow = commit(change("Patient", "slow"))
            prepared = store_writing.prepare(slow, store.parameters.known(1))
            store_writing.apply(prepared, session)  # type: ignore[arg-type]
            begun.set()
            may_end.wait(20)

        store.database.write(work)

    slow = threading.Thread(target=write_slowly)
    slow.start()
    begun.wait(20)
    store.commit(commit(change("Patient", "fast")))
    first = store.history(ALL, type_="Patient", since=datetime(2020, 1, 1, tzinfo=UTC))
    assert first.matches == ()
    newest = _search(store, None)
    assert [one.id for one in newest.matches] == ["fast"]
    may_end.set()
    slow.join()
    second = store.history(ALL, type_="Patient", since=instant(first.complete_ms * 1000))
    assert sorted(one.id for one in second.matches) == ["fast", "slow"]


@pytest.fixture
def clock() -> list[int]:
    return [int(datetime.now(UTC).timestamp() * 1_000_000)]


def test_an_expired_page_answers_gone_and_its_index_is_purged(
    database_url: str, tmp_path: Path, clock: list[int]
) -> None:
    store = Store.open(database_url, data_dir=tmp_path, now_us=lambda: clock[0])
    store.upgrade()
    telling = (IndexRow("text", "Patient._content", ("头痛", "痛")),)
    for number in range(5):
        told = change(
            "Patient", f"p{number}", index=_active("true") + telling, name=[{"text": "头痛"}]
        )
        store.commit(commit(told))
    page = _search(store, None)
    store.commit(
        commit(change("Patient", "p0", index=_active("false") + telling, name=[{"text": "头痛"}]))
    )
    assert store.purge(SHARD) == 0
    assert [one.id for one in _search(store, page.next).matches] == ["p1", "p0"]
    clock[0] += (KEPT_MS + 60_000) * 1000
    with pytest.raises(GatewayError, match="GW-5006") as refusal:
        _search(store, page.next)
    assert refusal.value.http == 410
    assert store.purge(SHARD) == 1
    assert store.purge(SHARD) == 0
    with store.database.reading() as connection:
        rows = [
            connection.execute(sqlalchemy.select(sqlalchemy.func.count()).select_from(t)).scalar()
            for t in INDEX_TABLES
        ]
        asked = (SHARD, (parameter_number("Patient._content"),), (("头", True),))
        texts = connection.execute(
            sqlalchemy.select(text_terms.c.pk).where(matches(text_terms, asked))
        )
        assert len(texts.all()) == 5
    assert rows == [5, 0, 0, 0]
    store.close()


def test_a_cursor_that_is_none_is_refused(store: Store) -> None:
    with pytest.raises(GatewayError, match="GW-7108"):
        _search(store, "{}")
