"""The audit trail: one row for each access, durable before its answer.

A row is appended to a spool on the local disk (``store.audit_spool``) and moved into the database
a moment later, with hundreds of others in one transaction. Whoever asks for rows has the spools
of this machine moved first. A row's key is the time of the access; it may be moved twice, after a
crash between the commit and what crosses it out, and is one row all the same.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Row, Select, select

from gateway.errors import GatewayError
from gateway.records import Audited, Seen
from gateway.store.audit_spool import AuditSpool, Entry, gather
from gateway.store.database import Database, Session
from gateway.store.keys import audit_key, audit_us, bounded, instant, micros
from gateway.store.schema_access import audit, audit_seen
from gateway.telemetry import log

LOG = log("audit")
PERSON = "person:"
"""Begins what names a person in ``audit_seen``."""
LONGEST_QUERY = 20_000
MOVED_EVERY_S = 0.5
_AGAIN_S = 2.0
_AT_ONCE = 1_000
_LARGEST_SPOOLED = 1_000_000
_UNREAD = "\N{REPLACEMENT CHARACTER}"
_TEXTS = ("client", "member", "method", "word", "path", "query", "agent", "purpose", "reason")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows are asked for; None means any.

    ``member``: the clients of one member. ``touched``: ``Type/id`` or ``person:<hash>``. Of the
    times ``since`` is included and ``until`` is not; ``before`` is the key of the last row known.
    """

    member: str | None = None
    touched: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None


class AuditTrail:
    """Appends rows and finds them again; nothing here changes one."""

    def __init__(self, database: Database, folder: Path, now_us: Callable[[], int]) -> None:
        self._database, self._folder, self._now_us = database, folder, now_us
        self._spool = AuditSpool(folder, now_us)
        self._mover: threading.Thread | None = None
        self._start = threading.Lock()
        self._waits, self._ends = threading.Event(), threading.Event()

    # ------------------------------------------------------------ writing

    def append(self, access: Audited) -> None:
        """Take a row and what it touched; it is durable when this returns.

        Raises GW-5003, GW-5004 where it cannot be.
        """
        row = pack(access)
        if len(row) > _LARGEST_SPOOLED:
            self._move([(audit_key(self._now_us()), row)])
            return
        self._spool.append(row)
        if not self._waits.is_set():
            self._ensure_mover()
            self._waits.set()

    def collect(self, *, is_all: bool = False) -> None:
        """Store what processes of this machine that are dead have left; of the living by wish."""
        gather(self._folder, self._move, is_own=self._spool.is_own, is_all=is_all)

    def close(self) -> None:
        """Store what is left; where that fails it stays on the disk, for the next start."""
        with self._start:
            self._ends.set()
            self._waits.set()
            if self._mover is not None:
                self._mover.join()
                self._mover = None
        try:
            self._spool.close(self._move)
        except GatewayError as error:
            LOG.warning("accesses left on the disk", error=error.number)

    def _ensure_mover(self) -> None:
        if self._mover is None:
            with self._start:
                if self._mover is None and not self._ends.is_set():
                    self._mover = threading.Thread(
                        target=self._move_forever, name="audit-mover", daemon=True
                    )
                    self._mover.start()

    def _move_forever(self) -> None:
        pause = MOVED_EVERY_S
        while self._waits.wait() and not self._ends.wait(pause):
            self._waits.clear()
            try:
                self._spool.drain(self._move)
                pause = MOVED_EVERY_S
            except GatewayError as error:
                LOG.warning("accesses not stored yet", error=error.number)
                pause = _AGAIN_S
                self._waits.set()

    def _move(self, entries: Sequence[Entry]) -> None:
        """Store rows, each shard's in transactions of its own; those that are there stay."""
        by_shard: dict[int, list[Audited]] = {}
        for key, row in entries:
            access = _unpack(key, row)
            by_shard.setdefault(access.shard, []).append(access)
        for shard, rows in by_shard.items():
            for at in range(0, len(rows), _AT_ONCE):
                part = rows[at : at + _AT_ONCE]
                self._database.write(partial(_insert, shard=shard, rows=part))

    # ------------------------------------------------------------ reading

    def settle(self) -> None:
        """Store every row that was durable on this machine when this was called."""
        self._spool.drain(self._move)
        self.collect(is_all=True)

    def read(self, shard: int, key: int, member: str | None = None) -> Audited | None:
        """Give one row; None when there is none, or when it is not of the member's clients."""
        self.settle()
        asked = _narrowed(select(audit), Wanted(member), shard).where(audit.c.pk == key)
        with self._database.reading() as connection:
            row = connection.execute(asked).first()
        return _read(row) if row is not None else None

    def find(self, shard: int, wanted: Wanted, limit: int) -> list[Audited]:
        """Give rows, newest first."""
        self.settle()
        asked = _narrowed(select(audit), wanted, shard).order_by(audit.c.pk.desc()).limit(limit)
        with self._database.reading() as connection:
            return [_read(row) for row in connection.execute(asked)]


def touched(seen: Seen) -> list[str]:
    """Give what is kept in ``audit_seen`` for an access, in the order of the key."""
    persons = {f"{PERSON}{one}" for one in seen.resources.values() if one}
    return sorted(persons.union(map(bounded, seen.resources)))


# ---------------------------------------------------------------- packing


def pack(access: Audited) -> bytes:
    """Pack a row for the spool; its texts as every database can keep them."""
    try:
        row = msgspec.msgpack.encode(_flat(access))
    except UnicodeEncodeError:
        return pack(_storable(access))
    if b"\0" in row and any("\0" in (getattr(access, name) or "") for name in _TEXTS):
        return pack(_storable(access))
    return row


def _flat(access: Audited) -> tuple[Any, ...]:
    seen = access.seen
    return (
        *(access.shard, access.client, access.member, access.method, access.word, access.path),
        *(access.query[:LONGEST_QUERY], access.status, access.agent, access.purpose),
        *(access.reason, access.error, access.peer, seen.resources, seen.steps),
    )


def _unpack(key: int, row: bytes) -> Audited:
    *told, resources, steps = msgspec.msgpack.decode(row)
    values: tuple[Any, ...] = (*told, Seen(resources, steps), key)
    return Audited(*values)


def _storable(access: Audited) -> Audited:
    """Replace what a text cannot hold: a NUL ends texts elsewhere, a lone half is none."""
    texts = {name: getattr(access, name) for name in _TEXTS}
    changed: dict[str, Any] = {name: _clean(text) for name, text in texts.items() if text}
    seen = Seen(
        {_clean(name): person for name, person in access.seen.resources.items()},
        [_clean(step) for step in access.seen.steps],
    )
    return replace(access, **changed, seen=seen)


def _clean(text: str) -> str:
    return text.replace("\0", _UNREAD).encode("utf-8", "replace").decode()


# ---------------------------------------------------------------- storing


def _insert(session: Session, *, shard: int, rows: Sequence[Audited]) -> None:
    """Store the rows of one shard that are not there yet."""
    fresh = _unknown(session, shard, rows)
    if not fresh:
        return
    order = session.audit_order(shard, len(fresh))
    found = sorted((shard, value, one.key) for one in fresh for value in touched(one.seen))
    with session.batch():
        session.insert(audit, [_row(*one) for one in zip(fresh, order, strict=True)])
        session.insert(audit_seen, found)


def _unknown(session: Session, shard: int, rows: Sequence[Audited]) -> list[Audited]:
    """Leave out what is there; give another key to what only shares its microsecond."""
    fresh, waiting = [], list(rows)
    while waiting:
        taken = _taken(session, shard, [one.key for one in waiting])
        fresh += [one for one in waiting if one.key not in taken]
        waiting = [
            replace(one, key=one.key + 1)
            for one in waiting
            if one.key in taken and not _is_there(session, one)
        ]
    return fresh


def _taken(session: Session, shard: int, keys: Sequence[int]) -> set[int]:
    """Give the keys of all rows of the time of these, which is short."""
    asked = select(audit.c.pk).where(
        audit.c.shard == shard, audit.c.pk.between(min(keys), max(keys))
    )
    return set(session.connection.execute(asked).scalars())


def _is_there(session: Session, access: Audited) -> bool:
    asked = select(audit).where(audit.c.shard == access.shard, audit.c.pk == access.key)
    return any(_row(_read(row), 0) == _row(access, 0) for row in session.connection.execute(asked))


def _row(access: Audited, order: int) -> tuple[Any, ...]:
    seen = msgspec.json.encode((access.seen.resources, access.seen.steps))
    return (
        *(access.shard, access.key, access.client, access.member, access.agent, access.purpose),
        *(access.reason, access.method, access.word, access.path),
        *(access.query[:LONGEST_QUERY], access.error, access.peer, access.status, seen, order),
    )


def _read(row: Row[Any]) -> Audited:
    resources, steps = msgspec.json.decode(row.seen)
    return Audited(
        row.shard,
        *(row.client, row.member, row.method, row.word, row.path, row.query, row.status),
        *(row.agent, row.purpose, row.reason, row.error, row.peer),
        Seen(resources, steps),
        row.pk,
        instant(audit_us(row.pk)),
    )


def _narrowed(asked: Select[Any], wanted: Wanted, shard: int) -> Select[Any]:
    asked = asked.where(audit.c.shard == shard)
    if wanted.member is not None:
        asked = asked.where(audit.c.member == wanted.member)
    if wanted.since is not None:
        asked = asked.where(audit.c.pk >= audit_key(micros(wanted.since)))
    if wanted.until is not None:
        asked = asked.where(audit.c.pk < audit_key(micros(wanted.until)))
    if wanted.before is not None:
        asked = asked.where(audit.c.pk < wanted.before)
    for value in wanted.touched:
        one = audit_seen.alias()
        asked = asked.join(
            one,
            (one.c.shard == audit.c.shard) & (one.c.value == value) & (one.c.pk == audit.c.pk),
        )
    return asked
