"""The hot statements of a write on SQLite.

Every ``sqlite3_step`` gives up the interpreter's lock and may wait for it again, so each statement
takes all rows of a table at once.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import Connection, Table

from gateway.store.database import AliasKey, Head, Row, Stamp, least_ms
from gateway.store.keys import CURRENT, audit_key
from gateway.store.parameter_rows import GENERATION
from gateway.store.upsert import on_conflict

_T = TypeVar("_T")
_DELETE_TEXT = "INSERT INTO text_fts (text_fts, rowid, terms) VALUES ('delete', ?, ?)"
_LAST_AUDIT = "SELECT max(seq) FROM audit WHERE shard = ?"
_LONGEST_LIST = 30_000
"""SQLite takes 32,766 bound values in one statement."""
_LARGEST_PART, _SHORT = 512, 64
"""Rows of one INSERT, and up to which it is made for just their number."""


class SQLiteSession:
    """One write transaction, or a savepoint within a group of them."""

    def __init__(
        self, raw: sqlite3.Connection, connection: Connection, now_ms: Callable[[], int]
    ) -> None:
        self._raw = raw
        self.connection = connection
        self._now_ms = now_ms
        self._clocks: dict[int, Stamp] = {}
        self._texts: list[tuple[int, int, str]] = []
        self._audited: dict[int, int] = {}

    def look(
        self, shard: int, keys: Sequence[tuple[str, str]], aliases: Sequence[AliasKey]
    ) -> tuple[dict[tuple[str, str], Head], dict[AliasKey, str], Stamp]:
        """Ask one after the other: there is no network between."""
        heads = self._heads(shard, keys)
        return heads, self._aliases(shard, aliases), self.stamp(shard, least_ms(heads))

    def _heads(self, shard: int, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Head]:
        """Give the newest versions; the writer's lock is the lock."""
        found: dict[tuple[str, str], Head] = {}
        for part in _parts(keys, 2):
            flat = [value for key in part for value in key]
            cursor = self._raw.execute(_heads_sql(len(part)), (*flat, shard, shard))
            for type_, id_, pk, number, is_deleted in cursor.fetchall():
                found[type_, id_] = Head(pk, number, bool(is_deleted))
        return found

    def stamp(self, shard: int, at_least_ms: int = 0) -> Stamp:
        """Count on: numbers follow the order of commits, times never step back.

        A transaction begins at least a millisecond after the one before: whoever read the counter
        knows that everything before its next millisecond is committed.
        """
        last = self._clocks.get(shard)
        if last is None:
            row = self._raw.execute(
                "SELECT txn, ms FROM clock WHERE shard = ?", (shard,)
            ).fetchone()
            generation = self._raw.execute(GENERATION, (shard,)).fetchone()[0]
            last = Stamp(row[0], row[1] + 1, generation) if row else Stamp(0, 0, generation)
        ms = max(self._now_ms(), last.ms, at_least_ms)
        stamp = Stamp(last.txn + 1, ms, last.generation)
        self._clocks[shard] = stamp
        return stamp

    def audit_order(self, shard: int, count: int) -> Sequence[int]:
        """Count on from the last row: the order of the numbers is that of the commits."""
        last = self._audited.get(shard)
        if last is None:
            row = self._raw.execute(_LAST_AUDIT, (shard,)).fetchone()
            last = row[0] or 0
        first = max(audit_key(self._now_ms() * 1000), last + 1)
        self._audited[shard] = first + count - 1
        return range(first, first + count)

    def finish(self) -> None:
        """Write the texts and keep the counters before the transaction is committed."""
        self._write_texts()
        for shard, stamp in self._clocks.items():
            self._raw.execute(
                "INSERT INTO clock (shard, txn, ms) VALUES (?, ?, ?) ON CONFLICT (shard) "
                "DO UPDATE SET txn = excluded.txn, ms = excluded.ms",
                (shard, stamp.txn, stamp.ms),
            )

    def _aliases(self, shard: int, keys: Sequence[AliasKey]) -> dict[AliasKey, str]:
        """Give the known ids."""
        found: dict[AliasKey, str] = {}
        for part in _parts(keys, 4):
            flat = [value for key in part for value in key]
            for owner, type_, system, value, id_ in self._raw.execute(
                _alias_sql(len(part)), (*flat, shard)
            ).fetchall():
                found[owner, type_, system, value] = id_
        return found

    def run(self, sql: str, values: Sequence[Any]) -> None:
        """Run it at once."""
        self._raw.execute(sql, values)

    def ask(self, sql: str, values: Sequence[Any]) -> list[Row]:
        """Run it and read all rows."""
        return self._raw.execute(sql, values).fetchall()

    def supersede(self, shard: int, pks: Sequence[int], txn: int) -> None:
        """Mark versions as superseded."""
        for part in _parts(pks, 1):
            self._raw.execute(_supersede_sql(len(part)), (txn, shard, CURRENT, *part))

    def batch(self) -> AbstractContextManager[None]:
        """Do nothing: there is no network between."""
        return nullcontext()

    def insert(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert with one VALUES list, or with a few whose lengths come again."""
        for part in _even(rows):
            flat = [value for row in part for value in row]
            self._raw.execute(_insert_sql(table, len(part)), flat)

    def upsert(self, table: Table, rows: Sequence[Row], changed: Sequence[str] = ()) -> None:
        """Insert or change rows."""
        for part in _parts(rows, len(table.columns)):
            flat = [value for row in part for value in row]
            self._raw.execute(_insert_sql(table, len(part)) + on_conflict(table, changed), flat)

    def insert_texts(self, rows: Sequence[tuple[int, int, str]]) -> None:
        """Keep the terms until the group ends: FTS5 writes a segment at every savepoint."""
        self._texts.extend(rows)

    def delete_texts(self, rows: Sequence[tuple[int, int, str]]) -> None:
        """Take the terms out again, which FTS5 has to be told: it keeps no text."""
        self._write_texts()
        for _, pk, terms in rows:
            self._raw.execute(_DELETE_TEXT, (pk, terms))

    def lock_criteria(self, shard: int, digests: Sequence[int]) -> None:  # noqa: ARG002
        """Let a search in this transaction find the texts; there is one writer at a time."""
        self._write_texts()

    def leave_unflushed(self) -> None:
        """Ride in the group that is flushed anyway."""

    @contextmanager
    def job(self) -> Iterator[None]:
        """Run one of a group's jobs; what it leaves is forgotten when it fails."""
        kept = len(self._texts)
        try:
            yield
        except BaseException:
            del self._texts[kept:]
            raise

    def _write_texts(self) -> None:
        for part in _parts(self._texts, 2):
            flat = [value for _, pk, terms in part for value in (pk, terms)]
            rows = _list(len(part), 2)
            self._raw.execute(f"INSERT INTO text_fts (rowid, terms) VALUES {rows}", flat)  # noqa: S608
        self._texts.clear()


def _parts(values: Sequence[_T], width: int) -> list[Sequence[_T]]:
    step = _LONGEST_LIST // width
    if len(values) <= step:
        return [values] if values else []
    return [values[start : start + step] for start in range(0, len(values), step)]


def _even(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """Cut long lists by powers of two: the connection keeps each statement with its megabytes."""
    at, most = 0, _LARGEST_PART
    while len(values) - at > _SHORT:
        while most > len(values) - at:
            most //= 2
        yield values[at : at + most]
        at += most
    if at < len(values):
        yield values[at:]


def _list(count: int, width: int) -> str:
    one = "(" + ",".join("?" * width) + ")"
    return ",".join([one] * count)


@lru_cache(maxsize=1024)
def _heads_sql(count: int) -> str:
    return (
        f"WITH k(type, id) AS (VALUES {_list(count, 2)}) "  # noqa: S608
        "SELECT v.type, v.id, v.pk, v.version_no, v.is_deleted FROM k JOIN version v "
        "ON v.shard = ? AND v.type = k.type AND v.id = k.id AND v.version_no = "
        "(SELECT max(w.version_no) FROM version w "
        "WHERE w.shard = ? AND w.type = k.type AND w.id = k.id)"
    )


@lru_cache(maxsize=1024)
def _alias_sql(count: int) -> str:
    return (
        f"WITH k(owner, type, system, value) AS (VALUES {_list(count, 4)}) "  # noqa: S608
        "SELECT a.owner, a.type, a.system, a.value, a.id FROM k JOIN alias a ON a.shard = ? "
        "AND a.owner = k.owner AND a.type = k.type AND a.system = k.system AND a.value = k.value"
    )


@lru_cache(maxsize=1024)
def _supersede_sql(count: int) -> str:
    marks = ",".join("?" * count)
    update = "UPDATE version SET superseded_txn = ? WHERE shard = ? AND superseded_txn = ?"
    return f"{update} AND pk IN ({marks})"


@lru_cache(maxsize=4096)
def _insert_sql(table: Table, count: int) -> str:
    names = ", ".join(column.name for column in table.columns)
    return f"INSERT INTO {table.name} ({names}) VALUES {_list(count, len(table.columns))}"  # noqa: S608
