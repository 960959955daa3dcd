"""The message journal: raw bytes are durable here before anything is acknowledged."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Row, Select, and_, exists, func, select

from gateway.errors import GatewayError
from gateway.records import Channel, Envelope, RecordResult
from gateway.store import record_rows
from gateway.store.database import Database, Session
from gateway.store.files import LargeMessages
from gateway.store.keys import bounded, instant, micros
from gateway.store.leases import LEASE, Leases
from gateway.store.registry import Registry
from gateway.store.schema import attempt, message, record, record_key

_RECEIVE = (
    "INSERT INTO message (shard, message_id, channel, control_id, sha256, size, raw, path, peer, "
    "received_utc, status, lease_utc, deaths, reached) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (shard, channel, control_id, sha256) DO NOTHING RETURNING message_id"
)
_FIRST = (
    "SELECT message_id, received_utc FROM message "
    "WHERE shard = ? AND channel = ? AND control_id = ? AND sha256 = ?"
)
INLINE_BYTES = 256 * 1024
"""Larger messages lie beside the database, one file each."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the journal without its bytes."""

    shard: int
    message_id: str
    channel: str
    control_id: str
    sha256: str
    size: int
    peer: str | None
    received_utc: datetime
    status: str


@dataclass(frozen=True, slots=True)
class Record:
    """The newest result of one record of a message."""

    shard: int
    message_id: str
    ordinal: int
    channel: str
    status: str
    stage: str | None
    error: str | None
    text_zh: str | None
    text_en: str | None
    place: str | None
    kind: str | None
    event_utc: datetime | None
    mapping: str | None
    mapping_hash: str | None
    attempts: int
    updated_utc: datetime
    resources: tuple[str, ...]
    unread: tuple[str, ...]
    warnings: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a record; attempts are kept."""

    number: int
    at_utc: datetime
    status: str
    stage: str | None
    error: str | None
    place: str | None
    mapping: str | None
    mapping_hash: str | None


class Journal:
    """Receives, finds and ends messages."""

    def __init__(self, database: Database, registry: Registry, folder: Path) -> None:
        self._database = database
        self._registry = registry
        self.files = LargeMessages(folder)
        self.leases = Leases(database)

    def receive(
        self,
        channel: Channel,
        raw: bytes,
        control_id: str | None,
        peer: str | None,
        now: datetime,
    ) -> Envelope:
        """Make a message durable; the same one again gives the first with ``is_duplicate``.

        The caller runs it at once; should it die, ``leases`` gives the message out to another.
        """
        digest = hashlib.sha256(raw).hexdigest()
        path = self.files.keep(digest, raw) if len(raw) > INLINE_BYTES else None
        key = (channel.shard, channel.id, bounded(control_id or ""), digest)
        message_id, received_us = _message_id(now), micros(now)
        place = (raw if path is None else None, path, peer)
        timed = (received_us, "received", micros(now + LEASE), 0, 0)
        row = (channel.shard, message_id, *key[1:], len(raw), *place, *timed)

        def insert(session: Session) -> tuple[str, int, bool]:
            if session.ask(_RECEIVE, row):
                return message_id, received_us, False
            first = session.ask(_FIRST, key)[0]
            return first[0], first[1], True

        id_, first_us, is_duplicate = self._database.write(insert)
        if path is not None:
            # Its row stands now, so that no sweep takes it any more; one that came before did.
            self.files.keep(digest, raw)
        return Envelope(id_, channel, raw, instant(first_us), peer, is_duplicate)

    def message(self, shard: int, message_id: str) -> Message:
        """Give a message without its bytes; raise GW-5007 when there is none."""
        return _to_message(self._row(shard, message_id))

    def envelope(self, shard: int, message_id: str) -> Envelope:
        """Give a message with its bytes and today's channel, for a replay."""
        return self._to_envelope(self._row(shard, message_id))

    def records(self, shard: int, message_id: str) -> tuple[Record, ...]:
        """Give the results of a message's records in source order."""
        statement = (
            _select_records()
            .where(record.c.shard == shard, record.c.message_id == message_id)
            .order_by(record.c.ordinal)
        )
        with self._database.reading() as connection:
            return tuple(_to_record(row) for row in connection.execute(statement))

    def attempts(self, shard: int, message_id: str, ordinal: int) -> tuple[Attempt, ...]:
        """Give every run of a record, the first one first."""
        columns = [attempt.c[name] for name in Attempt.__slots__]
        statement = (
            select(*columns)
            .where(
                attempt.c.shard == shard,
                attempt.c.message_id == message_id,
                attempt.c.ordinal == ordinal,
            )
            .order_by(attempt.c.number)
        )
        with self._database.reading() as connection:
            rows = connection.execute(statement).fetchall()
        return tuple(Attempt(row[0], instant(row[1]), *row[2:]) for row in rows)

    def search(
        self,
        shard: int,
        *,
        status: str | None = None,
        stage: str | None = None,
        error: str | None = None,
        channel: str | None = None,
        channels: Sequence[str] | None = None,
        key: tuple[str | None, str] | None = None,
        received: tuple[datetime | None, datetime | None] = (None, None),
        before: tuple[str, int] | None = None,
        limit: int = 50,
    ) -> tuple[Record, ...]:
        """Give records, newest message first; ``key`` is (name or None, value).

        ``channels`` limits the answer to those a member may see; ``received`` is a half-open range
        of time; ``before`` is the (message_id, ordinal) of the last record that is already shown.
        """
        statement = _select_records().where(record.c.shard == shard)
        filters = ((record.c.status, status), (record.c.stage, stage), (record.c.error, error))
        for column, wanted in (*filters, (record.c.channel, channel)):
            if wanted is not None:
                statement = statement.where(column == wanted)
        if channels is not None:
            statement = statement.where(record.c.channel.in_(channels))
        if key is not None:
            statement = statement.where(_has_key(key))
        statement = statement.where(*_received(*received))
        if before is not None:
            same = and_(record.c.message_id == before[0], record.c.ordinal > before[1])
            statement = statement.where((record.c.message_id < before[0]) | same)
        statement = statement.order_by(record.c.message_id.desc(), record.c.ordinal).limit(limit)
        with self._database.reading() as connection:
            return tuple(_to_record(row) for row in connection.execute(statement))

    def counts(self, shard: int) -> dict[str, int]:
        """Count the records by status."""
        statement = (
            select(record.c.status, func.count())
            .where(record.c.shard == shard)
            .group_by(record.c.status)
        )
        with self._database.reading() as connection:
            return {row[0]: row[1] for row in connection.execute(statement)}

    def write_result(
        self, shard: int, result: RecordResult, now: datetime, *, ends_message: bool = False
    ) -> None:
        """Write a record's result that changes no resource: parked, stale, unchanged."""
        prepared = record_rows.prepare(shard, result)

        def write(session: Session) -> None:
            with session.batch():
                record_rows.write(session, prepared, micros(now) // 1000)
                if ends_message:
                    record_rows.end(session, shard, result.message_id)

        self._database.write(write)

    def finish(self, shard: int, message_id: str) -> str:
        """End a message by its records and give its status: ``parked`` when any of them is."""

        def end(session: Session) -> str:
            record_rows.end(session, shard, message_id)
            return record_rows.status(session, shard, message_id)

        return self._database.write(end)

    def lineage(self, shard: int, message_id: str, ordinal: int) -> bytes | None:
        """Give the lineage that was kept with a record, as JSON."""
        statement = select(record.c.lineage).where(
            record.c.shard == shard,
            record.c.message_id == message_id,
            record.c.ordinal == ordinal,
        )
        with self._database.reading() as connection:
            found = connection.execute(statement).scalar_one_or_none()
        return record_rows.unpack(bytes(found)) if found is not None else None

    # ------------------------------------------------------------ within

    def _row(self, shard: int, message_id: str) -> Row[Any]:
        statement = select(message).where(
            message.c.shard == shard, message.c.message_id == message_id
        )
        with self._database.reading() as connection:
            row = connection.execute(statement).one_or_none()
        if row is None:
            raise GatewayError("GW-5007", message_id=message_id)
        return row

    def _to_envelope(self, row: Row[Any]) -> Envelope:
        channel = self._registry.channel(row.channel)
        if row.raw is None and row.path is None:
            raise GatewayError("GW-5011", message_id=row.message_id)
        raw = bytes(row.raw) if row.raw is not None else self._read_file(row)
        return Envelope(row.message_id, channel, raw, instant(row.received_utc), row.peer)

    def _read_file(self, row: Row[Any]) -> bytes:
        return self.files.read(row.path, row.sha256, row.message_id)


def _message_id(now: datetime) -> str:
    """Make an id that sorts by time: 12 digits of milliseconds, 16 of chance."""
    return f"{_time_part(now)}{secrets.token_hex(8)}"


def _received(since: datetime | None, until: datetime | None) -> list[Any]:
    """Ids of messages sort by the time of receiving."""
    conditions = []
    if since is not None:
        conditions.append(record.c.message_id >= _time_part(since))
    if until is not None:
        conditions.append(record.c.message_id < _time_part(until))
    return conditions


def _time_part(when: datetime) -> str:
    return f"{micros(when) // 1000:012x}"


def _has_key(key: tuple[str | None, str]) -> Any:
    name, value = key
    conditions = [
        record_key.c.shard == record.c.shard,
        record_key.c.message_id == record.c.message_id,
        record_key.c.ordinal == record.c.ordinal,
        record_key.c.value == bounded(value),
    ]
    if name is not None:
        conditions.append(record_key.c.name == name)
    return exists().where(*conditions)


def _select_records() -> Select[Any]:
    return select(*(record.c[name] for name in Record.__slots__))


def _to_record(row: Row[Any]) -> Record:
    values = dict(zip(Record.__slots__, row, strict=True))
    values["event_utc"] = instant(row.event_utc) if row.event_utc is not None else None
    values["updated_utc"] = instant(row.updated_utc)
    for name in ("resources", "unread", "warnings"):
        values[name] = tuple(msgspec.json.decode(bytes(values[name])))
    return Record(**values)


def _to_message(row: Row[Any]) -> Message:
    values = {name: getattr(row, name) for name in Message.__slots__}
    values["received_utc"] = instant(row.received_utc)
    return Message(**values)
