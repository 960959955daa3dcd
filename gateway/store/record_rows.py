"""How the records of a message ended, as rows: the newest result, every attempt, the keys.

The statements are fixed texts: composing them took longer than running them.
"""

import zlib
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.records import RecordResult
from gateway.store.database import Session
from gateway.store.keys import bounded, micros
from gateway.store.schema import record_key

_PLAIN = (
    *("status", "stage", "error", "text_zh", "text_en", "place", "kind", "mapping"),
    "mapping_hash",
)
_ENCODED = ("resources", "unread", "warnings")
_VALUES = (*_PLAIN, *_ENCODED, "event_utc", "lineage")
_KEY = ("shard", "message_id", "ordinal")
_GIVEN = (*_KEY, "updated_utc", *_VALUES)
_KEPT = frozenset({*_ENCODED, "lineage", "mapping", "mapping_hash", "status"})
_ATTEMPTED = ("status", "stage", "error", "place", "mapping", "mapping_hash")
_STAYS = "record.status = 'stored' AND excluded.status = 'unchanged'"


def _change(name: str) -> str:
    if name in _KEPT:
        return f"{name} = CASE WHEN {_STAYS} THEN record.{name} ELSE excluded.{name} END"
    return f"{name} = excluded.{name}"


_RESULT = (
    f"INSERT INTO record ({', '.join(_GIVEN)}, channel, attempts) "  # noqa: S608
    f"VALUES ({', '.join('?' * len(_GIVEN))}, coalesce("
    "(SELECT m.channel FROM message m WHERE m.shard = ? AND m.message_id = ?), ''), 1) "
    f"ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET attempts = record.attempts + 1, "
    + ", ".join(_change(name) for name in _GIVEN if name not in _KEY)
)
_ATTEMPT = (
    f"INSERT INTO attempt (shard, message_id, ordinal, at_utc, {', '.join(_ATTEMPTED)}, number) "  # noqa: S608
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT r.attempts FROM record r "
    "WHERE r.shard = ? AND r.message_id = ? AND r.ordinal = ?))"
)
_END = (
    "UPDATE message SET lease_utc = 0, status = coalesce((SELECT r.status FROM record r "
    "WHERE r.shard = ? AND r.message_id = ? ORDER BY CASE r.status WHEN 'parked' THEN 0 "
    "WHEN 'corrected' THEN 1 WHEN 'stored' THEN 2 WHEN 'stale' THEN 3 ELSE 4 END LIMIT 1), "
    "'empty') WHERE shard = ? AND message_id = ?"
)
_STATUS = "SELECT status FROM message WHERE shard = ? AND message_id = ?"


@dataclass(frozen=True, slots=True)
class PreparedRecord:
    """A result as rows that lack only the time: what can be encoded before the transaction."""

    shard: int
    message_id: str
    ordinal: int
    values: dict[str, Any]
    keys: tuple[tuple[str, str], ...]


def prepare(shard: int, result: RecordResult) -> PreparedRecord:
    """Encode a result; lineage is packed to a fifteenth."""
    values = {name: getattr(result, name) for name in _PLAIN}
    values |= {name: msgspec.json.encode(getattr(result, name)) for name in _ENCODED}
    values["event_utc"] = micros(result.event_utc) if result.event_utc else None
    values["lineage"] = pack(result.lineage) if result.lineage is not None else None
    keys = {(bounded(value), name) for name, value in result.keys}
    return PreparedRecord(shard, result.message_id, result.ordinal, values, tuple(sorted(keys)))


def write(session: Session, record: PreparedRecord, now_ms: int) -> None:
    """Write one record's result and count the attempt.

    A repeated run that finds everything unchanged leaves ``stored`` and its resources standing.
    """
    values, now_us = record.values, now_ms * 1000
    message = (record.shard, record.message_id)
    given = (values[name] for name in _VALUES)
    session.run(_RESULT, (*message, record.ordinal, now_us, *given, *message))
    attempted = (values[name] for name in _ATTEMPTED)
    row = (*message, record.ordinal, now_us, *attempted)
    session.run(_ATTEMPT, (*row, *message, record.ordinal))
    keys = [(record.shard, *key, record.message_id, record.ordinal) for key in record.keys]
    session.upsert(record_key, keys)


def end(session: Session, shard: int, message_id: str) -> None:
    """End a message by its records: parked when any of them is."""
    session.run(_END, (shard, message_id) * 2)


def status(session: Session, shard: int, message_id: str) -> str:
    """Give the status of a message."""
    return str(session.ask(_STATUS, (shard, message_id))[0][0])


def pack(lineage: bytes) -> bytes:
    """Make lineage small: its rows are much alike."""
    return zlib.compress(lineage, 1)


def unpack(kept: bytes) -> bytes:
    """Give packed lineage back; what was kept before it was packed is JSON as it stands."""
    return kept if kept[:1] == b"[" else zlib.decompress(kept)
