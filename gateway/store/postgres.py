"""PostgreSQL: a pool, one transaction per write, one statement per table."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
import sqlalchemy
from sqlalchemy import Connection
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from gateway.errors import GatewayError
from gateway.store.database import Row, Session, Snapshot
from gateway.store.faults import DriverError, is_race, translate, translated
from gateway.store.frequencies import Frequencies
from gateway.store.postgres_session import PostgresSession, Raw

T = TypeVar("T")
_ATTEMPTS = 4
_PLANS = (
    "enable_hashjoin = off",
    "enable_mergejoin = off",
    "jit = off",
    "join_collapse_limit = 1",
    "plan_cache_mode = force_generic_plan",
)
_LOST_STATES = ("08", "57P")
_COMPLETE = (
    "SELECT floor(extract(epoch FROM least(statement_timestamp(), (SELECT min(a.xact_start) "
    "FROM pg_stat_activity a WHERE a.backend_xid IS NOT NULL "
    "AND a.datname = current_database()))) * 1000)::bigint"
)
_OLDER = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid <> pg_backend_pid() AND floor(extract(epoch FROM xact_start) * 1000) <= ?"
)


class PostgresDatabase:
    """The engine of production; any PostgreSQL from 15 on, a distributed one too."""

    name = "postgresql"

    def __init__(self, url: sqlalchemy.URL, *, pool_size: int = 16) -> None:
        self.engine = sqlalchemy.create_engine(
            url.set(drivername="postgresql+psycopg"),
            poolclass=QueuePool,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=30,
            pool_use_lifo=True,
            connect_args={"connect_timeout": 10, "application_name": "gateway"},
        )
        sqlalchemy.event.listen(self.engine, "connect", _state_plans)
        self._snapshots = self.engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self._single = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._writes = self.engine.execution_options(isolation_level="READ COMMITTED")
        self._statements: dict[str, str] = {}
        self.frequencies = Frequencies()

    @property
    def upgrade_engine(self) -> sqlalchemy.Engine:
        """The engine for migrations."""
        return self.engine

    # ------------------------------------------------------------ reading

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a read-only transaction whose every SELECT sees the same."""
        with self._guarded(), self._snapshots.connect() as connection, connection.begin():
            yield connection

    def rows(self, sql: str, parameters: Sequence[Any]) -> list[Row]:
        """Run one SELECT without a transaction around it."""
        ours = self._statements.get(sql)
        if ours is None:
            ours = self._statements[sql] = sql.replace("?", "%s")
        with self._guarded(), self._single.connect() as connection:
            return _driver(connection.connection).execute(ours, parameters).fetchall()

    def snapshot(self, connection: Connection, shard: int) -> Snapshot:  # noqa: ARG002
        """Read what this transaction sees, and who was writing when it began."""
        text: str = connection.exec_driver_sql("SELECT pg_current_snapshot()::text").scalar_one()
        _first, limit, running = text.split(":")
        return Snapshot(int(limit), tuple(int(one) for one in running.split(",") if one))

    def complete_ms(self, shard: int) -> int:  # noqa: ARG002
        """Give the start of the oldest transaction that writes now, else the present.

        A writer takes its time after it has its number, so one without a number carries a later
        time than this question. Needs nothing but the right to see one's own role's sessions.
        """
        ms: int = self.rows(_COMPLETE, ())[0][0]
        return ms

    def has_transaction_before(self, ms: int) -> bool:
        """Ask for transactions of this database, whether they have written yet or not."""
        return bool(self.rows(_OLDER, (ms,))[0][0])

    # ------------------------------------------------------------ writing

    def write(self, work: Callable[[Session], T]) -> T:
        """Run the work in one transaction; repeat it when only a neighbour was in the way."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._write_once(work)
            except DriverError as err:
                cause = err.orig if isinstance(err, sqlalchemy.exc.DBAPIError) else err
                if attempt < _ATTEMPTS and cause is not None and is_race(cause):
                    time.sleep(0.01 * attempt)
                    continue
                self._forget_lost(err)
                ours = translate(err)
                if ours is None:
                    raise
                raise ours from err
        raise GatewayError("GW-5002", what="serialization")

    def _write_once(self, work: Callable[[Session], T]) -> T:
        with self._writes.connect() as connection, connection.begin():
            return work(PostgresSession(_driver(connection.connection), connection))

    def analyze(self) -> None:
        """Gather statistics; the server's own rounds may come a minute after a bulk load."""
        with self._guarded(), self._single.connect() as connection:
            connection.exec_driver_sql("ANALYZE")

    def size(self) -> int:
        """Give the bytes of the database's files."""
        return int(self.rows("SELECT pg_database_size(current_database())", ())[0][0])

    def shrink(self) -> None:
        """Do nothing: the server's own vacuum makes free space usable again."""

    def close(self) -> None:
        """Close the pool."""
        self.engine.dispose()

    # ------------------------------------------------------------ faults

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        with translated():
            try:
                yield
            except DriverError as err:
                self._forget_lost(err)
                raise

    def _forget_lost(self, err: BaseException) -> None:
        """Drop every pooled connection once one is lost: after a restart all of them are."""
        cause = err.orig if isinstance(err, sqlalchemy.exc.DBAPIError) else err
        if not isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
            return
        if cause.sqlstate is None or cause.sqlstate.startswith(_LOST_STATES):
            self.engine.dispose()


def _state_plans(raw: Raw, _record: object) -> None:
    """Let the planner keep to the indexes and the order that our statements are written for.

    Everything here reads a few rows by a key; plans that read whole tables come of statistics that
    are out of date. One plan then serves all values, and is not made anew for each.
    """
    for setting in _PLANS:
        raw.execute(f"SET {setting}".encode())
    raw.commit()


def _driver(proxy: PoolProxiedConnection) -> Raw:
    raw = proxy.driver_connection
    if not isinstance(raw, psycopg.Connection):
        raise TypeError("not a connection of psycopg")
    return raw
