"""The outbox: notices wait here until their recipient has taken them, in order per stream."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, exists, func, select

from gateway.store.database import Database, Session
from gateway.store.keys import instant, micros
from gateway.store.schema import delivery

LEASE = timedelta(seconds=30)
"""Renewed while its worker sends; so long the notices of a killed one wait."""
_OPEN = ("waiting", "parked")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notice on its way. ``number`` counts from 1 per recipient and stream, without gaps."""

    shard: int
    pk: int
    recipient: str
    topic: str
    focus: str
    stream: str
    idempotency_key: str
    number: int
    status: str
    attempts: int
    next_utc: datetime
    created_utc: datetime
    ended_utc: datetime | None
    last_error: str | None


_COLUMNS = [delivery.c[name] for name in Delivery.__slots__]


class Outbox:
    """Leases notices to workers and keeps how they ended."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def lease(
        self, shard: int, now: datetime, limit: int = 20, lease: timedelta = LEASE
    ) -> tuple[Delivery, ...]:
        """Take due notices; none whose stream has an earlier one that waits or is parked.

        A worker that dies gives its lease back by its end.
        """
        now_us = micros(now)
        due = (
            select(*_COLUMNS)
            .where(
                delivery.c.shard == shard,
                delivery.c.status == "waiting",
                delivery.c.next_utc <= now_us,
                delivery.c.lease_utc <= now_us,
                ~_has_earlier(),
            )
            .order_by(delivery.c.pk)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )

        def take(session: Session) -> list[Delivery]:
            rows = list(session.connection.execute(due))
            taken = [_to_delivery(row) for row in rows]
            for one in taken:
                session.connection.execute(
                    delivery.update()
                    .where(delivery.c.shard == shard, delivery.c.pk == one.pk)
                    .values(
                        lease_utc=micros(now + lease),
                        attempts=delivery.c.attempts + 1,
                        number=one.number or _next_number(session, one),
                    )
                )
            return self._get(session, shard, [one.pk for one in taken])

        return tuple(self._database.write(take))

    def renew(self, shard: int, pks: Sequence[int], now: datetime) -> None:
        """Keep leased what is still being sent."""
        statement = (
            delivery.update()
            .where(
                delivery.c.shard == shard,
                delivery.c.pk.in_(pks),
                delivery.c.status == "waiting",
                delivery.c.lease_utc > 0,
            )
            .values(lease_utc=micros(now + LEASE))
        )
        self._database.write(lambda session: session.connection.execute(statement).rowcount)

    def done(self, shard: int, pk: int, now: datetime) -> None:
        """End a notice as delivered."""
        self._set(shard, pk, status="done", ended_utc=micros(now), last_error=None)

    def fail(self, shard: int, pk: int, next_utc: datetime, error: str) -> None:
        """Keep a notice waiting for its next attempt."""
        self._set(shard, pk, next_utc=micros(next_utc), lease_utc=0, last_error=error)

    def park(self, shard: int, pk: int, error: str) -> None:
        """Stop trying; later notices of the stream wait until someone decides."""
        self._set(shard, pk, status="parked", lease_utc=0, last_error=error)

    def skip(self, shard: int, pk: int, now: datetime) -> None:
        """Give a notice up, so that later ones of its stream go on."""
        self._set(shard, pk, status="skipped", lease_utc=0, ended_utc=micros(now))

    def replay(self, shard: int, pk: int, now: datetime) -> None:
        """Send a notice (again) as soon as possible, under the same idempotency key."""
        self._set(shard, pk, status="waiting", next_utc=micros(now), lease_utc=0, ended_utc=None)

    def get(self, shard: int, pk: int) -> Delivery | None:
        """Give one notice."""
        with self._database.reading() as connection:
            row = connection.execute(
                select(*_COLUMNS).where(delivery.c.shard == shard, delivery.c.pk == pk)
            ).one_or_none()
        return _to_delivery(row) if row else None

    def search(
        self,
        shard: int,
        *,
        recipient: str | None = None,
        status: str | None = None,
        focus: str | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> tuple[Delivery, ...]:
        """Give notices, newest first; ``before`` is the pk of the last one already shown."""
        statement = select(*_COLUMNS).where(delivery.c.shard == shard)
        filters = (("recipient", recipient), ("status", status), ("focus", focus))
        for name, wanted in filters:
            if wanted is not None:
                statement = statement.where(delivery.c[name] == wanted)
        if before is not None:
            statement = statement.where(delivery.c.pk < before)
        with self._database.reading() as connection:
            rows = connection.execute(statement.order_by(delivery.c.pk.desc()).limit(limit))
            return tuple(_to_delivery(row) for row in rows)

    def counts(self, shard: int) -> dict[str, int]:
        """Count the notices by status."""
        statement = (
            select(delivery.c.status, func.count())
            .where(delivery.c.shard == shard)
            .group_by(delivery.c.status)
        )
        with self._database.reading() as connection:
            return {row[0]: row[1] for row in connection.execute(statement)}

    def _set(self, shard: int, pk: int, **values: Any) -> None:
        statement = (
            delivery.update().where(delivery.c.shard == shard, delivery.c.pk == pk).values(**values)
        )
        self._database.write(lambda session: session.connection.execute(statement).rowcount)

    def _get(self, session: Session, shard: int, pks: Sequence[int]) -> list[Delivery]:
        statement = (
            select(*_COLUMNS)
            .where(delivery.c.shard == shard, delivery.c.pk.in_(pks))
            .order_by(delivery.c.pk)
        )
        return [_to_delivery(row) for row in session.connection.execute(statement)]


def _has_earlier() -> ColumnElement[bool]:
    earlier = delivery.alias("earlier")
    return exists().where(
        and_(
            earlier.c.shard == delivery.c.shard,
            earlier.c.recipient == delivery.c.recipient,
            earlier.c.stream == delivery.c.stream,
            earlier.c.pk < delivery.c.pk,
            earlier.c.status.in_(_OPEN),
        )
    )


def _next_number(session: Session, one: Delivery) -> int:
    """Count at the first lease: a stream is leased one by one, so no two get one number."""
    highest = session.connection.execute(
        select(func.max(delivery.c.number)).where(
            delivery.c.shard == one.shard,
            delivery.c.recipient == one.recipient,
            delivery.c.stream == one.stream,
        )
    ).scalar_one()
    return int(highest or 0) + 1


def _to_delivery(row: Row[Any]) -> Delivery:
    values = dict(zip(Delivery.__slots__, row, strict=True))
    for name in ("next_utc", "created_utc", "ended_utc"):
        values[name] = instant(values[name]) if values[name] is not None else None
    return Delivery(**values)
