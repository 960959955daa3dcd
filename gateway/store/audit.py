"""The audit trail: one row for each access, durable before its answer."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Row, Select, select

from gateway.records import Audited, Seen
from gateway.store.database import Database, Session
from gateway.store.keys import audit_key, audit_us, bounded, instant, micros
from gateway.store.schema_access import audit, audit_seen

PERSON = "person:"
"""Begins what names a person in ``audit_seen``."""
LONGEST_QUERY = 20_000


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

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, access: Audited) -> None:
        """Write a row and what it touched; it is durable when this returns."""
        self._database.write(partial(_append, access=access))

    def read(self, shard: int, key: int, member: str | None = None) -> Audited | None:
        """Give one row; None when there is none, or when it is not of the member's clients."""
        asked = _narrowed(select(audit), Wanted(member), shard).where(audit.c.pk == key)
        with self._database.reading() as connection:
            row = connection.execute(asked).first()
        return _read(row) if row is not None else None

    def find(self, shard: int, wanted: Wanted, limit: int) -> list[Audited]:
        """Give rows, newest first."""
        asked = _narrowed(select(audit), wanted, shard).order_by(audit.c.pk.desc()).limit(limit)
        with self._database.reading() as connection:
            return [_read(row) for row in connection.execute(asked)]


def touched(seen: Seen) -> list[str]:
    """Give what is kept in ``audit_seen`` for an access, in the order of the key."""
    return sorted({*map(bounded, seen.resources), *(f"{PERSON}{one}" for one in seen.persons)})


def _append(session: Session, *, access: Audited) -> None:
    key, shard = session.audit_key(access.shard), access.shard
    with session.batch():
        session.insert(audit, [_row(access, key)])
        session.insert(audit_seen, [(shard, value, key) for value in touched(access.seen)])


def _row(access: Audited, key: int) -> tuple[Any, ...]:
    seen = msgspec.json.encode((access.seen.resources, access.seen.steps))
    return (
        *(access.shard, key, access.client, access.member, access.agent, access.purpose),
        *(access.reason, access.method, access.word, access.path),
        *(access.query[:LONGEST_QUERY], access.error, access.peer, access.status, seen),
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
