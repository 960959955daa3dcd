"""The outbox: notices wait here until their recipient has taken them, in order per stream."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Row,
    Select,
    case,
    exists,
    func,
    or_,
    select,
)

from gateway.store.database import Database, Session
from gateway.store.keys import instant, micros, text_number
from gateway.store.schema import delivery

LEASE = timedelta(seconds=30)
"""Renewed while its worker sends; so long the notices of a killed one wait."""
MOST_NUMBERED = 1_000
# One step of the index from each recipient to the next.
_RECIPIENTS = """WITH RECURSIVE found(recipient) AS (
SELECT min(recipient) FROM delivery WHERE shard = ? AND status = 'waiting'
UNION ALL SELECT (SELECT min(d.recipient) FROM delivery AS d WHERE d.shard = ?
AND d.status = 'waiting' AND d.recipient > found.recipient) FROM found
WHERE found.recipient IS NOT NULL) SELECT recipient FROM found WHERE recipient IS NOT NULL"""


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


@dataclass(frozen=True, slots=True)
class Backlog:
    """What one recipient has not taken yet; ``failing``: how many of them failed before."""

    recipient: str
    waiting: int
    parked: int
    failing: int
    oldest_utc: datetime


_COLUMNS = [delivery.c[name] for name in Delivery.__slots__]


class Outbox:
    """Leases notices to workers and keeps how they ended."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def recipients(self, shard: int) -> tuple[str, ...]:
        """Give the recipients that notices wait for; costs a step for each, however many wait."""
        return tuple(row[0] for row in self._database.rows(_RECIPIENTS, (shard, shard)))

    def lease(
        self,
        shard: int,
        now: datetime,
        recipient: str,
        *,
        limit: int = 20,
        lease: timedelta = LEASE,
        permits: Callable[["Delivery"], bool] | None = None,
    ) -> tuple[Delivery, ...]:
        """Take one recipient's due notices in order; none behind one that is held back.

        What ``permits`` does not let pass (any more) is skipped before it is counted, so that its
        number tells nobody that it was there. A worker that dies gives its lease back by its end.
        """
        with self._database.reading() as connection:
            rows = connection.execute(_due(shard, recipient, now, limit))
            seen = [_to_delivery(row) for row in rows]
        wanted = {one.pk: permits is None or permits(one) for one in seen}
        if not wanted:
            return ()

        def take(session: Session) -> list[Delivery]:
            # Two workers at one recipient take turns; a stream is never given out to both.
            session.lock_criteria(shard, [text_number(f"outbox {recipient}")])
            found = list(session.connection.execute(_due(shard, recipient, now, limit)))
            taken = []
            for one in map(_to_delivery, found):
                if one.pk not in wanted:
                    break
                if not wanted[one.pk]:
                    _update(session, one, status="skipped", ended_utc=micros(now))
                    continue
                number = one.number or _next_number(session, one)
                leased = replace(one, attempts=one.attempts + 1, number=number)
                _update(
                    session,
                    one,
                    lease_utc=micros(now + lease),
                    attempts=leased.attempts,
                    number=number,
                )
                taken.append(leased)
            return taken

        return tuple(self._database.write(take))

    def number(
        self, shard: int, recipient: str, now: datetime, permits: Callable[["Delivery"], bool]
    ) -> None:
        """Count what waits for a recipient as ``lease`` would, for who asks what was missed."""
        statement = (
            select(*_COLUMNS)
            .where(
                delivery.c.shard == shard,
                delivery.c.recipient == recipient,
                delivery.c.status == "waiting",
                delivery.c.number == 0,
            )
            .order_by(delivery.c.pk)
            .limit(MOST_NUMBERED)
        )
        with self._database.reading() as connection:
            seen = [_to_delivery(row) for row in connection.execute(statement)]
        wanted = {one.pk: permits(one) for one in seen}
        if not wanted:
            return

        def count(session: Session) -> None:
            session.lock_criteria(shard, [text_number(f"outbox {recipient}")])
            for one in map(_to_delivery, list(session.connection.execute(statement))):
                if one.pk not in wanted:
                    break
                if wanted[one.pk]:
                    _update(session, one, number=_next_number(session, one))
                else:
                    _update(session, one, status="skipped", ended_utc=micros(now))

        self._database.write(count)

    def release(self, shard: int, pks: Sequence[int]) -> None:
        """Give back what was leased and not tried."""
        statement = (
            delivery.update()
            .where(
                delivery.c.shard == shard,
                delivery.c.pk.in_(pks),
                delivery.c.status == "waiting",
                delivery.c.lease_utc > 0,
            )
            .values(lease_utc=0, attempts=delivery.c.attempts - 1)
        )
        self._database.write(lambda session: session.connection.execute(statement).rowcount)

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

    def done(self, shard: int, pks: Sequence[int], now: datetime) -> None:
        """End notices as delivered; should a power failure undo it, they are sent once more."""
        ended = {"status": "done", "ended_utc": micros(now), "last_error": None}
        statement = (
            delivery.update()
            .where(delivery.c.shard == shard, delivery.c.pk.in_(pks))
            .values(**ended)
        )

        def end(session: Session) -> None:
            session.leave_unflushed()
            session.connection.execute(statement)

        self._database.write(end)

    def fail(self, shard: int, pk: int, next_utc: datetime, error: str) -> None:
        """Keep a notice waiting for its next attempt."""
        self._end(shard, pk, next_utc=micros(next_utc), lease_utc=0, last_error=error)

    def await_answer(self, shard: int, pk: int, next_utc: datetime, error: str | None) -> None:
        """Keep a notice that its receiver was given until it is asked again: no attempt more."""
        attempts = delivery.c.attempts - 1
        values = {"next_utc": micros(next_utc), "lease_utc": 0, "last_error": error}
        self._end(shard, pk, attempts=attempts, **values)

    def park(self, shard: int, pk: int, error: str) -> None:
        """Stop trying; later notices of the stream wait until someone decides."""
        self._end(shard, pk, status="parked", lease_utc=0, last_error=error)

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

    def last_number(self, shard: int, recipient: str) -> int:
        """Give the greatest number that a recipient's notices were given, 0 for none."""
        sql = "SELECT max(number) FROM delivery WHERE shard = ? AND recipient = ? AND stream = ?"
        return int(self._database.rows(sql, (shard, recipient, recipient))[0][0] or 0)

    def events(
        self, shard: int, recipient: str, first: int, last: int, limit: int
    ) -> tuple[Delivery, ...]:
        """Give a recipient's notices with numbers from ``first`` to ``last``, in their order."""
        statement = (
            select(*_COLUMNS)
            .where(
                delivery.c.shard == shard,
                delivery.c.recipient == recipient,
                delivery.c.stream == recipient,
                delivery.c.number.between(max(first, 1), last),
            )
            .order_by(delivery.c.pk)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return tuple(_to_delivery(row) for row in connection.execute(statement))

    def backlogs(self, shard: int) -> tuple[Backlog, ...]:
        """Say of each recipient what waits, what is parked, and since when."""
        failing = func.sum(case((delivery.c.last_error.is_not(None), 1), else_=0))
        parked = func.sum(case((delivery.c.status == "parked", 1), else_=0))
        statement = (
            select(
                delivery.c.recipient,
                func.count(),
                parked,
                failing,
                func.min(delivery.c.created_utc),
            )
            .where(delivery.c.shard == shard, delivery.c.status.in_(("waiting", "parked")))
            .group_by(delivery.c.recipient)
            .order_by(delivery.c.recipient)
        )
        with self._database.reading() as connection:
            rows = list(connection.execute(statement))
        return tuple(
            Backlog(name, total - int(held), int(held), int(failed), instant(oldest_us))
            for name, total, held, failed, oldest_us in rows
        )

    def counts(self, shard: int) -> dict[str, int]:
        """Count the notices by status."""
        statement = (
            select(delivery.c.status, func.count())
            .where(delivery.c.shard == shard)
            .group_by(delivery.c.status)
        )
        with self._database.reading() as connection:
            return {row[0]: row[1] for row in connection.execute(statement)}

    def _set(self, shard: int, *pks: int, **values: Any) -> None:
        statement = (
            delivery.update()
            .where(delivery.c.shard == shard, delivery.c.pk.in_(pks))
            .values(**values)
        )
        self._database.write(lambda session: session.connection.execute(statement).rowcount)

    def _end(self, shard: int, *pks: int, **values: Any) -> None:
        """Write how an attempt ended, unless another worker or a person decided meanwhile."""
        statement = (
            delivery.update()
            .where(
                delivery.c.shard == shard,
                delivery.c.pk.in_(pks),
                delivery.c.status == "waiting",
            )
            .values(**values)
        )
        self._database.write(lambda session: session.connection.execute(statement).rowcount)


def _due(shard: int, recipient: str, now: datetime, limit: int) -> Select[Any]:
    """Ask for a recipient's due notices; none whose stream has an earlier one that is held."""
    now_us = micros(now)
    parked, waiting = delivery.alias("parked"), delivery.alias("held")
    return (
        select(*_COLUMNS)
        .where(
            delivery.c.shard == shard,
            delivery.c.recipient == recipient,
            delivery.c.status == "waiting",
            ~_not_yet(delivery, now_us),
            ~exists().where(*_earlier(parked, "parked")),
            ~exists().where(*_earlier(waiting, "waiting"), _not_yet(waiting, now_us)),
        )
        .order_by(delivery.c.pk)
        .limit(limit)
    )


def _earlier(held: FromClause, status: str) -> list[ColumnElement[bool]]:
    """Name an earlier notice of the same stream; each status is one step of its index."""
    return [
        held.c.shard == delivery.c.shard,
        held.c.status == status,
        held.c.recipient == delivery.c.recipient,
        held.c.stream == delivery.c.stream,
        held.c.pk < delivery.c.pk,
    ]


def _not_yet(table: FromClause, now_us: int) -> ColumnElement[bool]:
    return or_(table.c.next_utc > now_us, table.c.lease_utc > now_us)


def _update(session: Session, one: Delivery, **values: Any) -> None:
    session.connection.execute(
        delivery.update()
        .where(delivery.c.shard == one.shard, delivery.c.pk == one.pk)
        .values(**values)
    )


def _next_number(session: Session, one: Delivery) -> int:
    """Count at the first lease: leases of a recipient take turns, so no two get one number."""
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
