"""The hot statements of a write on PostgreSQL: one array per column, one round trip per table."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any

import psycopg
from sqlalchemy import BigInteger, Boolean, Connection, Double, Integer, LargeBinary, Table

from gateway.store.database import AliasKey, Head, Row, Stamp, least_ms
from gateway.store.keys import CURRENT, audit_key
from gateway.store.parameter_rows import GENERATION
from gateway.store.upsert import on_conflict

Raw = psycopg.Connection[tuple[Any, ...]]

_ARRAYS: tuple[tuple[type, str, str], ...] = (
    # BigInteger is an Integer for SQLAlchemy: the wider one first.
    (BigInteger, "bigint", "%s"),
    (Integer, "int", "%s"),
    (Boolean, "boolean", "%s"),
    (Double, "double precision", "%s"),
    (LargeBinary, "bytea", "%b"),
)

_HEADS = (
    "SELECT v.type, v.id, v.pk, v.version_no, v.is_deleted, v.superseded_txn "
    "FROM unnest(%s::text[], %s::text[]) AS k(type, id) JOIN version v "
    "ON v.shard = %s AND v.type = k.type AND v.id = k.id AND v.version_no = "
    "(SELECT max(w.version_no) FROM version w "
    "WHERE w.shard = %s AND w.type = k.type AND w.id = k.id) "
    # Locks are taken in this order by every writer, so that none waits in a circle.
    "ORDER BY v.type, v.id FOR UPDATE OF v"
)
_STAMP = f"""SELECT pg_current_xact_id()::text::bigint,
floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint,
({GENERATION.replace("?", "%s")})"""  # noqa: S608
# The number is taken first: whoever has none yet gives a later time than anybody reads now.
_AUDIT_KEY = """SELECT pg_current_xact_id()::text::bigint,
floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"""
_ALIASES = (
    "SELECT a.owner, a.type, a.system, a.value, a.id "
    "FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) "
    "AS k(owner, type, system, value) JOIN alias a ON a.shard = %s "
    "AND a.owner = k.owner AND a.type = k.type AND a.system = k.system AND a.value = k.value"
)
_CRITERIA = (
    "INSERT INTO criterion (shard, digest, txn) SELECT %s, d, 0 FROM unnest(%s::bigint[]) AS k(d) "
    "ORDER BY d ON CONFLICT (shard, digest) DO UPDATE SET txn = excluded.txn"
)


_INSERT_TEXTS = (
    "INSERT INTO text_terms (shard, pk, terms) "
    "SELECT k.shard, k.pk, array_to_tsvector(string_to_array(k.terms, ' ')) "
    "FROM unnest(%s::int[], %s::bigint[], %s::text[]) AS k(shard, pk, terms)"
)
_DELETE_TEXTS = "DELETE FROM text_terms WHERE shard = %s AND pk = ANY(%s::bigint[])"


class PostgresSession:
    """One write transaction under READ COMMITTED."""

    def __init__(self, raw: Raw, connection: Connection) -> None:
        self._raw = raw
        self.connection = connection

    def look(
        self, shard: int, keys: Sequence[tuple[str, str]], aliases: Sequence[AliasKey]
    ) -> tuple[dict[tuple[str, str], Head], dict[AliasKey, str], Stamp]:
        """Ask all three at once; the server answers them in this order.

        A writer that waited for the lock is given the row it waited for, although a newer one
        stands above it now; all is then asked again, and the newer one is seen.
        """
        types, ids = [key[0] for key in keys], [key[1] for key in keys]
        columns = [[key[at] for key in aliases] for at in range(4)]
        while True:
            with self._raw.pipeline():
                heads = self._raw.execute(_HEADS, (types, ids, shard, shard))
                named = self._raw.execute(_ALIASES, (*columns, shard)) if aliases else None
                stamped = self._raw.execute(_STAMP.encode(), (shard,))
                rows = heads.fetchall()
                known = named.fetchall() if named else []
                txn, ms, generation = stamped.fetchall()[0]
            if all(row[5] == CURRENT for row in rows):
                break
        found = {(row[0], row[1]): Head(row[2], row[3], row[4]) for row in rows}
        stamp = Stamp(txn, max(ms, least_ms(found)), generation)
        return found, {(row[0], row[1], row[2], row[3]): row[4] for row in known}, stamp

    def stamp(self, shard: int, at_least_ms: int = 0) -> Stamp:
        """Take the transaction's number, then the server's time."""
        txn, ms, generation = self._raw.execute(_STAMP.encode(), (shard,)).fetchall()[0]
        return Stamp(txn, max(ms, at_least_ms), generation)

    def audit_order(self, shard: int, count: int) -> Sequence[int]:  # noqa: ARG002
        """Take the server's time, after the transaction's number, and the microseconds behind."""
        txn, us = self._raw.execute(_AUDIT_KEY.encode()).fetchall()[0]
        return [audit_key(us + at, txn) for at in range(count)]

    def run(self, sql: str, values: Sequence[Any]) -> None:
        """Send it; within a batch nothing waits for the answer."""
        self._raw.execute(_with_percents(sql), values)

    def ask(self, sql: str, values: Sequence[Any]) -> list[Row]:
        """Begin the transaction and run it in one round trip."""
        with self._raw.pipeline():
            return self._raw.execute(_with_percents(sql), values).fetchall()

    def supersede(self, shard: int, pks: Sequence[int], txn: int) -> None:
        """Mark versions as superseded."""
        if pks:
            self._raw.execute(
                "UPDATE version SET superseded_txn = %s "
                "WHERE shard = %s AND pk = ANY(%s::bigint[])",
                (txn, shard, list(pks)),
            )

    def batch(self) -> AbstractContextManager[Any]:
        """Use libpq's pipeline: one round trip for all tables."""
        return self._raw.pipeline()

    def insert(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert from one array per column; every row is of the first row's shard."""
        if rows:
            columns = [list(column) for column in zip(*rows, strict=True)]
            self._raw.execute(_insert_sql(table).encode(), columns)

    def upsert(self, table: Table, rows: Sequence[Row], changed: Sequence[str] = ()) -> None:
        """Insert or change rows; none may be there twice."""
        if rows:
            columns = [list(column) for column in zip(*rows, strict=True)]
            self._raw.execute((_insert_sql(table) + on_conflict(table, changed)).encode(), columns)

    def insert_texts(self, rows: Sequence[tuple[int, int, str]]) -> None:
        """Insert the terms of all versions in one statement."""
        if rows:
            self._raw.execute(_INSERT_TEXTS, [list(column) for column in zip(*rows, strict=True)])

    def delete_texts(self, rows: Sequence[tuple[int, int, str]]) -> None:
        """Delete by the keys; all rows are of the first row's shard."""
        if rows:
            pks = [pk for _, pk, _ in rows]
            self._raw.execute(_DELETE_TEXTS, (rows[0][0], pks))

    def lock_criteria(self, shard: int, digests: Sequence[int]) -> None:
        """Take a row per criterion, in order; equal criteria wait here for each other."""
        if digests:
            self._raw.execute(_CRITERIA, (shard, sorted(set(digests))))

    def leave_unflushed(self) -> None:
        """Let the server flush it with the next that waits for the disk."""
        self._raw.execute(b"SET LOCAL synchronous_commit = off")


@lru_cache(maxsize=64)
def _with_percents(sql: str) -> bytes:
    return sql.replace("?", "%s").encode()


@lru_cache(maxsize=64)
def _insert_sql(table: Table) -> str:
    names = ", ".join(column.name for column in table.columns)
    arrays = []
    for column in table.columns:
        kind, placeholder = "text", "%s"
        for python, sql, holder in _ARRAYS:
            if isinstance(column.type, python):
                kind, placeholder = sql, holder
                break
        arrays.append(f"{placeholder}::{kind}[]")
    return f"INSERT INTO {table.name} ({names}) SELECT * FROM unnest({', '.join(arrays)})"  # noqa: S608
