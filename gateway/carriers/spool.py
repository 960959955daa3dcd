"""What a relay has taken and not yet handed over: a durable queue in one SQLite file.

A message is in the file, synced, before its sender is told so; it leaves only when the gateway has
it. The same bytes for the same channel wait once. Order is that of taking.
"""

import hashlib
import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.carriers.faults import translated
from gateway.carriers.taking import Take, Taken
from gateway.errors import GatewayError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
  number INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, digest TEXT NOT NULL,
  raw BLOB NOT NULL, error TEXT, UNIQUE (channel, digest));
CREATE INDEX IF NOT EXISTS message_waiting ON message (channel, number) WHERE error IS NULL;
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that waits, the oldest of its channel."""

    number: int
    channel: str
    raw: bytes


class Spool:
    """The queue; safe to use from several threads of one process."""

    def __init__(self, path: Path, max_bytes: int = 50_000_000) -> None:
        """Open the file; raise GW-1053."""
        self._path, self._max_bytes = path, max_bytes
        self._lock = threading.Lock()
        with translated(self._path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=FULL")
            self._database.executescript(_SCHEMA)

    def taker(self, channel: str) -> Take:
        """Make the function by which a carrier gives a channel's messages to the queue."""

        def take(raw: bytes, carrier: str) -> Taken:  # noqa: ARG001 - every carrier says its kind.
            return self.put(channel, raw)

        return take

    def put(self, channel: str, raw: bytes) -> Taken:
        """Keep a message; raise GW-1002, GW-1003, and GW-1053 when it cannot be kept."""
        if not raw.strip():
            raise GatewayError("GW-1002")
        if len(raw) > self._max_bytes:
            raise GatewayError("GW-1003", limit=self._max_bytes)
        digest = hashlib.sha256(raw).hexdigest()
        found = self._rows(
            "INSERT INTO message (channel, digest, raw) VALUES (?, ?, ?) "
            "ON CONFLICT DO NOTHING RETURNING number",
            channel, digest, raw,
        )  # fmt: skip
        return Taken(digest[:16], "kept", is_duplicate=not found)

    def channels(self) -> list[str]:
        """Name the channels that have something waiting."""
        rows = self._rows("SELECT DISTINCT channel FROM message WHERE error IS NULL ORDER BY 1")
        return [row[0] for row in rows]

    def oldest(self, channel: str) -> Waiting | None:
        """Give the oldest message of a channel that waits."""
        rows = self._rows(
            "SELECT number, channel, raw FROM message WHERE channel = ? AND error IS NULL "
            "ORDER BY number LIMIT 1",
            channel,
        )
        return Waiting(*rows[0]) if rows else None

    def done(self, number: int) -> None:
        """Forget a message that the gateway has."""
        self._rows("DELETE FROM message WHERE number = ?", number)

    def refuse(self, number: int, error: str) -> None:
        """Set a message aside that the gateway will never take as it is; it stays in the file."""
        self._rows("UPDATE message SET error = ? WHERE number = ?", error, number)

    def again(self) -> int:
        """Let the refused messages wait once more; give their number."""
        found = self._rows("UPDATE message SET error = NULL WHERE error IS NOT NULL RETURNING 1")
        return len(found)

    def counts(self) -> list[tuple[str, int, int]]:
        """Give (channel, waiting, refused) of each channel that holds anything."""
        return [
            (row[0], row[1], row[2])
            for row in self._rows(
                "SELECT channel, sum(error IS NULL), sum(error IS NOT NULL) FROM message "
                "GROUP BY channel ORDER BY channel"
            )
        ]

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    def _rows(self, statement: str, *values: Any) -> list[Any]:
        with translated(self._path), self._lock:
            return self._database.execute(statement, values).fetchall()
