"""Translate what the database drivers raise into numbered errors."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import sqlalchemy.exc

from gateway.errors import GatewayError

DriverError = (sqlite3.Error, psycopg.Error, sqlalchemy.exc.DBAPIError, sqlalchemy.exc.TimeoutError)
_FULL_STATES = frozenset({"53100", "53200"})
# A second creation of one row is a race too: run again, it meets the row and is judged by it.
_RACE_STATES = frozenset({"40001", "40P01", "55P03", "23505"})


def is_race(err: BaseException) -> bool:
    """Say whether PostgreSQL undid the transaction only because of its neighbours."""
    return isinstance(err, psycopg.Error) and err.sqlstate in _RACE_STATES


def translate(err: BaseException) -> GatewayError | None:
    """Give the numbered error of a driver's; None when it can only be a fault of ours."""
    cause = err.orig if isinstance(err, sqlalchemy.exc.DBAPIError) else err
    if isinstance(cause, sqlite3.Error):
        return _from_sqlite(cause)
    if isinstance(cause, psycopg.Error):
        return _from_postgres(cause)
    if isinstance(cause, sqlalchemy.exc.TimeoutError):
        return GatewayError("GW-5003", reason="no connection became free", retry_after_s=1)
    return None


@contextmanager
def translated() -> Iterator[None]:
    """Raise GatewayError for what a driver raises inside."""
    try:
        yield
    except DriverError as err:
        ours = translate(err)
        if ours is None:
            raise
        raise ours from err


def _from_sqlite(err: sqlite3.Error) -> GatewayError | None:
    code = getattr(err, "sqlite_errorcode", 0) & 0xFF
    if isinstance(err, sqlite3.IntegrityError):
        return GatewayError("GW-5002", what=_constraint(str(err)))
    if code == sqlite3.SQLITE_FULL:
        return GatewayError("GW-5004", retry_after_s=60)
    if isinstance(err, sqlite3.OperationalError) and code not in {0, sqlite3.SQLITE_ERROR}:
        name = getattr(err, "sqlite_errorname", "SQLITE_ERROR")
        return GatewayError("GW-5003", reason=name, retry_after_s=5)
    if isinstance(err, sqlite3.DatabaseError) and code in {
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    }:
        return GatewayError("GW-5003", reason=getattr(err, "sqlite_errorname", "corrupt"))
    return None


def _from_postgres(err: psycopg.Error) -> GatewayError | None:
    state = err.sqlstate
    if state in _RACE_STATES:
        return GatewayError("GW-5002", what=err.diag.table_name or "race", retry_after_s=1)
    if state in _FULL_STATES:
        return GatewayError("GW-5004", retry_after_s=60)
    if isinstance(err, psycopg.OperationalError | psycopg.InterfaceError):
        return GatewayError("GW-5003", reason=state or "connection lost", retry_after_s=5)
    return None


def _constraint(text: str) -> str:
    """Name the table of ``UNIQUE constraint failed: alias.shard, …`` and nothing of its values."""
    return text.rpartition(": ")[2].partition(".")[0]
