"""SQLite: one writer thread per process under one lock file, commits in groups."""

import fcntl
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, TypeVar

import sqlalchemy
from sqlalchemy import Connection, event
from sqlalchemy.pool import NullPool, PoolProxiedConnection, QueuePool

from gateway.store.database import Row, Session, Snapshot
from gateway.store.faults import DriverError, translate, translated
from gateway.store.frequencies import Frequencies
from gateway.store.sqlite_session import SQLiteSession

T = TypeVar("T")
LARGEST_GROUP = 64
_INCREMENTAL = 2
_FREED_PAGES = 2_000
_CLOCK = "SELECT txn, ms FROM clock WHERE shard = ?"
# A process has one writer and sixteen readers, and the kernel keeps the file for all of them.
_WRITER_CACHE = "PRAGMA cache_size=-32768"
_READER_CACHE = "PRAGMA cache_size=-1024"
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA busy_timeout=10000",
    "PRAGMA temp_store=MEMORY",
    # Not mapped: a mapping is made anew after each write of others, which costs readers three times
    # what reading the page does, and the file would count as memory once for every reader.
    "PRAGMA mmap_size=0",
    # Checkpoints of 80 MB halve the slowest commits against those of 16 MB.
    "PRAGMA wal_autocheckpoint=20000",
)


class _Job(Generic[T]):
    """One unit of work that waits for the writer; keeps what it raised for its caller."""

    def __init__(self, work: Callable[[Session], T]) -> None:
        self.work = work
        self.ended = threading.Event()
        self.result: T | None = None
        self.error: BaseException | None = None

    def __enter__(self) -> None:
        self.result = self.error = None

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None
    ) -> bool:
        self.error = err
        return True


class SQLiteDatabase:
    """The embedded engine."""

    name = "sqlite"

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._url = sqlalchemy.URL.create("sqlite", database=str(path))
        self.engine = sqlalchemy.create_engine(
            self._url, poolclass=QueuePool, pool_size=16, max_overflow=48, pool_timeout=30
        )
        event.listen(self.engine, "connect", _prepare_reader)
        event.listen(self.engine, "begin", _begin)
        self._readers = threading.local()
        self.frequencies = Frequencies()
        self._generation = 0
        self._jobs: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._start = threading.Lock()
        self._connection: Connection | None = None
        self._raw: sqlite3.Connection | None = None
        with translated(), _raw_connection(path) as raw:
            # Takes effect on an empty file only: pruned pages can be given back (``shrink``).
            raw.execute("PRAGMA auto_vacuum=INCREMENTAL")
            raw.execute("PRAGMA journal_mode=WAL")

    @property
    def upgrade_engine(self) -> sqlalchemy.Engine:
        """An engine of its own for migrations: those of the store read only, or write in groups."""
        return sqlalchemy.create_engine(self._url, poolclass=NullPool)

    # ------------------------------------------------------------ reading

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a deferred transaction: its first SELECT fixes what it sees."""
        with translated(), self.engine.connect() as connection, connection.begin():
            yield connection

    def rows(self, sql: str, parameters: Sequence[Any]) -> list[Row]:
        """Run a SELECT on this thread's own connection."""
        try:
            raw: sqlite3.Connection | None = getattr(self._readers, "raw", None)
            if raw is None:
                # Kept by the thread: the way through a pool costs more than the read itself.
                raw = self._readers.raw = sqlite3.connect(self._path)
                _prepare_reader(raw, None)
            return raw.execute(sql, parameters).fetchall()
        except DriverError as err:
            # Said out loud here: a context of its own costs a tenth of the read.
            ours = translate(err)
            if ours is None:
                raise
            raise ours from err

    def snapshot(self, connection: Connection, shard: int) -> Snapshot:
        """Read the counter of the transactions that this snapshot sees."""
        row = connection.exec_driver_sql(_CLOCK, (shard,)).fetchone()
        return Snapshot(row[0] + 1 if row else 1)

    def complete_ms(self, shard: int) -> int:
        """Give the first millisecond that the next write can have (SQLiteSession.stamp)."""
        rows = self.rows(_CLOCK, (shard,))
        return rows[0][1] + 1 if rows else 0

    def has_transaction_before(self, ms: int) -> bool:  # noqa: ARG002
        """Writers take turns: when this is asked in turn, none is on its way."""
        return False

    # ------------------------------------------------------------ space

    def size(self) -> int:
        """Give the bytes of the database file, once what is written is in it."""
        pages, page = (
            self.rows(f"PRAGMA {name}", ())[0][0] for name in ("page_count", "page_size")
        )
        return int(pages * page)

    def shrink(self) -> None:
        """Give free pages back to the disk, in steps between which others write."""
        if self.rows("PRAGMA auto_vacuum", ())[0][0] != _INCREMENTAL:
            return
        while self.rows("PRAGMA freelist_count", ())[0][0]:
            self.write(_free_some)

    # ------------------------------------------------------------ writing

    def write(self, work: Callable[[Session], T]) -> T:
        """Queue the work for the writer thread and wait until it is durable."""
        job = _Job(work)
        self._ensure_writer()
        self._jobs.put(job)
        job.ended.wait()
        if job.error is not None:
            ours = translate(job.error)
            if ours is None:
                raise job.error
            raise ours from job.error
        return job.result  # type: ignore[return-value]

    def close(self) -> None:
        """End the writer after the work that is queued, then close everything."""
        with self._start:
            if self._writer is not None:
                self._jobs.put(None)
                self._writer.join()
                self._writer = None
        raw = getattr(self._readers, "raw", None)
        if raw is not None:
            raw.close()
            del self._readers.raw
        self.engine.dispose()

    def _ensure_writer(self) -> None:
        if self._writer is None:
            with self._start:
                if self._writer is None:
                    self._writer = threading.Thread(
                        target=self._write_forever, name="store-writer", daemon=True
                    )
                    self._writer.start()

    def _write_forever(self) -> None:
        with self._path.with_name(self._path.name + ".lock").open("a") as lock:
            while (first := self._jobs.get()) is not None:
                group, is_last = self._gather(first)
                self._run(group, lock.fileno())
                for job in group:
                    job.ended.set()
                if is_last:
                    break
        self._disconnect()

    def _gather(self, first: _Job[Any]) -> tuple[list[_Job[Any]], bool]:
        group = [first]
        while len(group) < LARGEST_GROUP:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                return group, True
            group.append(job)
        return group, False

    def _run(self, group: list[_Job[Any]], lock: int) -> None:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            if len(group) > 1 and self._commit(group, is_grouped=True):
                return
            # A group that could not be committed is repeated one by one: each has its own fate.
            for job in group:
                self._commit([job], is_grouped=False)
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)

    def _commit(self, jobs: list[_Job[Any]], *, is_grouped: bool) -> bool:
        """Run jobs in one transaction; False when nothing of them is stored."""
        try:
            raw, connection = self._connect()
            session = SQLiteSession(raw, connection, _now_ms)
            raw.execute("BEGIN IMMEDIATE")
            for job in jobs:
                self._run_job(job, session, raw, is_grouped=is_grouped)
                if not raw.in_transaction:
                    # Out of space or memory, SQLite undoes everything by itself.
                    return False
            if not is_grouped and jobs[0].error is not None:
                raw.execute("ROLLBACK")
                return False
            session.finish()
            raw.execute("COMMIT")
            return True
        except DriverError as err:
            self._disconnect()
            for job in jobs:
                job.error = job.error or err
            return False

    def _run_job(
        self, job: _Job[Any], session: SQLiteSession, raw: sqlite3.Connection, *, is_grouped: bool
    ) -> None:
        if is_grouped:
            raw.execute("SAVEPOINT one")
        with job, session.job():
            job.result = job.work(session)
        if is_grouped and raw.in_transaction:
            if job.error is not None:
                raw.execute("ROLLBACK TO one")
            raw.execute("RELEASE one")

    def _connect(self) -> tuple[sqlite3.Connection, Connection]:
        if self._connection is None or self._raw is None:
            engine = sqlalchemy.create_engine(self._url, poolclass=NullPool)
            event.listen(engine, "connect", _prepare_writer)
            # The transaction is ours: Core must neither begin nor end it.
            self._connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._raw = _driver(self._connection.connection)
        return self._raw, self._connection

    def _disconnect(self) -> None:
        if self._raw is not None:
            self._raw.close()
            self._raw = None
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None


def _free_some(session: Session) -> None:
    # Core takes it for a statement without rows and would step it once: one page.
    raw = _driver(session.connection.connection)
    raw.execute(f"PRAGMA incremental_vacuum({_FREED_PAGES})").fetchall()


def _driver(proxy: PoolProxiedConnection) -> sqlite3.Connection:
    raw = proxy.driver_connection
    if not isinstance(raw, sqlite3.Connection):
        raise TypeError("not a connection of sqlite3")
    return raw


@contextmanager
def _raw_connection(path: Path) -> Iterator[sqlite3.Connection]:
    raw = sqlite3.connect(path, timeout=30)
    try:
        yield raw
    finally:
        raw.close()


def _prepare_reader(raw: sqlite3.Connection, _record: object) -> None:
    raw.isolation_level = None
    for pragma in (*_PRAGMAS, _READER_CACHE, "PRAGMA query_only=ON"):
        raw.execute(pragma)


def _prepare_writer(raw: sqlite3.Connection, _record: object) -> None:
    raw.isolation_level = None
    for pragma in (*_PRAGMAS, _WRITER_CACHE):
        raw.execute(pragma)


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
