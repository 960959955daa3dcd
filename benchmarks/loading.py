"""Fill a database with very many resources in minutes: the rows that the store would have written.

A few hundred bundles are made, indexed and flattened as in production; then they are repeated under
new ids and new identifiers, so that every value keeps its share of the whole. Running text is left
out unless it is asked for: its terms are most of the rows.
"""

import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import Table

from benchmarks.bundles import Bundles
from gateway.fhir import codec
from gateway.fhir.definitions import load
from gateway.fhir.search_index import compile_indexer
from gateway.records import Resource
from gateway.store import Store
from gateway.store.bodies import cut, instant_text, join
from gateway.store.flatten import flatten
from gateway.store.keys import CURRENT, EPOCH_MS, version_key
from gateway.store.schema import INDEX_TABLES, version
from gateway.store.sqlite import SQLiteDatabase

TEMPLATES = 500
"""Bundles that are made; the rest are their repetitions."""
SHARD, OWNER, CLASSES = 1, "qs-township", 2
FIRST_MS = EPOCH_MS + 200_000_000_000
_PART = 20_000
Rows = dict[Table, list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class _Template:
    """One resource: its rows without key, and which of their values are renamed."""

    type: str
    id: str
    body: bytes
    index: tuple[tuple[Table, tuple[Any, ...], bool], ...]


def _linked(resources: list[tuple[str, Resource]]) -> list[Resource]:
    """Give resources that refer to each other by type and id."""
    kinds = {url: one["resourceType"] for url, one in resources}
    made = []
    for url, one in resources:
        text = codec.encode({**one, "id": url.removeprefix("urn:uuid:")}).decode()
        for other, kind in kinds.items():
            text = text.replace(f'"{other}"', f'"{kind}/{other.removeprefix("urn:uuid:")}"')
        made.append(codec.decode(text.encode()))
    return made


def _templates(count: int) -> list[list[_Template]]:
    indexer, made = compile_indexer(load()), Bundles(9, "Organization/a", "Organization/b")
    bundles = []
    for _ in range(count):
        linked = _linked(made.resources())
        names = {one["id"] for one in linked}
        names |= {one["value"] for r in linked for one in _listed(r.get("identifier"))}
        bundles.append([_template(one, indexer.rows(one), names) for one in linked])
    return bundles


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


def _template(resource: Resource, rows: Any, names: set[str]) -> _Template:
    flat, _ = flatten(rows)
    index = tuple(
        (table, values, values[1] in names)
        for table in INDEX_TABLES
        for values in flat.get(table, ())
    )
    prefix = join(cut(resource), 1, instant_text(FIRST_MS))
    return _Template(resource["resourceType"], resource["id"], prefix, index)


def parts(count: int) -> Iterator[Rows]:
    """Give the rows of ``count`` resources in parts."""
    bundles = _templates(min(TEMPLATES, count // 14 + 1))
    rows: Rows = {table: [] for table in (version, *INDEX_TABLES)}
    made, txn = 0, 0
    while made < count:
        bundle, turn = bundles[txn % len(bundles)], txn // len(bundles)
        suffix = f".{turn}" if turn else ""
        txn += 1
        for ordinal, one in enumerate(bundle):
            _add(rows, one, suffix, version_key(FIRST_MS + txn * 10, txn, ordinal))
        made += len(bundle)
        if len(rows[version]) >= _PART:
            yield rows
            rows = {table: [] for table in rows}
    yield rows


def _add(rows: Rows, one: _Template, suffix: str, pk: int) -> None:
    id_ = one.id + suffix
    body = one.body.replace(one.id.encode(), id_.encode()) if suffix else one.body
    rows[version].append(
        (SHARD, pk, one.type, id_, 1, 1, CURRENT, False, OWNER, None, CLASSES, None, None, body)
    )
    for table, values, is_named in one.index:
        param, first, *more, group = values
        told = first + suffix if is_named else first
        rows[table].append((SHARD, param, told, *more, pk, group))


def fill(store: Store, count: int) -> tuple[str, float]:
    """Store ``count`` resources; give the id of a patient in their midst and the seconds taken."""
    begin = time.perf_counter()
    write = _sqlite if isinstance(store.database, SQLiteDatabase) else _postgres
    write(store, parts(count))
    store.analyze()
    turns = count // 14 // TEMPLATES
    suffix = f".{turns // 2}" if turns // 2 else ""
    return f"patient-90000007{suffix}", time.perf_counter() - begin


def _sqlite(store: Store, several: Iterator[Rows]) -> None:
    raw = sqlite3.connect(str(store.database.engine.url.database), isolation_level=None)
    for pragma in ("synchronous=OFF", "cache_size=-2000000"):
        raw.execute(f"PRAGMA {pragma}")
    for rows in several:
        raw.execute("BEGIN")
        for table, listed in rows.items():
            places = ", ".join("?" * len(table.columns))
            raw.executemany(f"INSERT INTO {table.name} VALUES ({places})", listed)  # noqa: S608
        raw.execute("COMMIT")
    raw.execute("INSERT INTO clock VALUES (?, 1, ?)", (SHARD, FIRST_MS))
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()


def _postgres(store: Store, several: Iterator[Rows]) -> None:
    url = store.database.engine.url.set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        for rows in several:
            for table, listed in rows.items():
                with connection.cursor().copy(f"COPY {table.name} FROM STDIN".encode()) as copy:
                    for row in listed:
                        copy.write_row(row)
            connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM")
