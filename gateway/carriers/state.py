"""How far a view was read: a small SQLite file that a carrier keeps beside the gateway's data."""

import fcntl
import json
import sqlite3
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from gateway.carriers.faults import translated
from gateway.errors import GatewayError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS mark (value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS seen (digest BLOB PRIMARY KEY) WITHOUT ROWID;
"""
Mark = datetime | date | int | Decimal | str


class State:
    """The watermark of one view, and the rows that were taken near it.

    One program holds it at a time (``is_held``); a second waits, so that nothing is read twice.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock: IO[str] | None = None
        self._database: sqlite3.Connection | None = None
        self._met: list[bytes] = []

    def is_held(self) -> bool:
        """Hold the state from now on; False while another program does. Raises GW-1053."""
        if self._database is not None:
            return True
        with translated(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lock = self._path.with_suffix(".lock").open("a")
            try:
                fcntl.flock(lock.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                return False
            self._lock = lock
            # Polled by one thread at a time, which need not be the one that closes.
            database = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=FULL")
            database.executescript(_SCHEMA)
            self._database = database
        return True

    def mark(self) -> Mark | None:
        """Give the greatest watermark up to which everything was taken."""
        rows = self._rows("SELECT value FROM mark")
        return _decoded(rows[0][0]) if rows else None

    def is_seen(self, digest: bytes) -> bool:
        """Say whether a row was taken before, and keep it remembered."""
        if not self._rows("SELECT 1 FROM seen WHERE digest = ?", digest):
            return False
        self._met.append(digest)
        return True

    def took(self, digest: bytes) -> None:
        """Remember a row that is durable elsewhere."""
        self._rows("INSERT OR IGNORE INTO seen VALUES (?)", digest)
        self._met.append(digest)

    def begin(self) -> None:
        """Begin a poll."""
        self._met = []

    def reached(self, mark: Mark | None) -> None:
        """End a poll that read everything: a row that it did not meet is not met again."""
        if mark is None or self._database is None:
            return
        with translated(self._path), self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.execute("DELETE FROM mark")
            self._database.execute("INSERT INTO mark VALUES (?)", [_encoded(mark)])
            self._database.execute("DELETE FROM seen")
            rows = ([digest] for digest in self._met)
            self._database.executemany("INSERT OR IGNORE INTO seen VALUES (?)", rows)
        self._met = []

    def close(self) -> None:
        """Let another program hold it."""
        if self._database is not None:
            self._database.close()
            self._database = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _rows(self, statement: str, *values: Any) -> list[Any]:
        if self._database is None:
            raise GatewayError("GW-1053", file=self._path, reason="closed")
        with translated(self._path):
            return self._database.execute(statement, values).fetchall()


def _encoded(mark: Mark) -> str:
    kind = type(mark).__name__
    return json.dumps([kind, mark.isoformat() if isinstance(mark, date) else str(mark)])


def _decoded(text: str) -> Mark:
    kind, value = json.loads(text)
    made: dict[str, Any] = {
        "datetime": datetime.fromisoformat,
        "date": date.fromisoformat,
        "int": int,
        "Decimal": Decimal,
        "str": str,
    }
    mark: Mark = made[kind](value)
    return mark
