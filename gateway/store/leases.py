"""Who has which message in work: leases of seconds, renewed while their process lives."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import case, select

from gateway.store.database import Database, Session
from gateway.store.keys import micros
from gateway.store.schema import message

LEASE = timedelta(seconds=12)
"""``gateway.holding`` renews it; so long the messages of a killed process wait."""


class Leases:
    """Gives out messages that were received and never ended."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def pending(
        self, shard: int, now: datetime, *, ahead: timedelta = timedelta(0), limit: int = 20
    ) -> tuple[str, ...]:
        """Lease messages whose processing never ended (the process died); oldest first.

        ``ahead``: also those whose lease ends so much later, for who knows that nobody holds them.
        """
        due = (
            select(message.c.message_id)
            .where(
                message.c.shard == shard,
                message.c.status == "received",
                message.c.lease_utc <= micros(now + ahead),
            )
            .order_by(message.c.lease_utc)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )

        def lease(session: Session) -> list[str]:
            found = list(session.connection.execute(due).scalars())
            _set_leases(session, shard, found, lease_utc=micros(now + LEASE))
            return found

        return tuple(self._database.write(lease))

    def claim(self, shard: int, message_id: str, now: datetime) -> bool:
        """Lease one message that nobody has in work; False when somebody has."""
        abandoned = (
            message.update()
            .where(
                message.c.shard == shard,
                message.c.message_id == message_id,
                message.c.status == "received",
                message.c.lease_utc <= micros(now),
            )
            .values(lease_utc=micros(now + LEASE))
        )
        return bool(
            self._database.write(lambda session: session.connection.execute(abandoned).rowcount)
        )

    def renew(self, keys: Collection[tuple[int, str]], now: datetime) -> None:
        """Keep the (shard, message id) leased."""
        self._lease_all(keys, lease_utc=micros(now + LEASE))

    def give_back(self, keys: Collection[tuple[int, str]], now: datetime) -> None:
        """Let anybody take messages that were given up; their last run counts as none."""
        lived = case((message.c.deaths > 0, message.c.deaths - 1), else_=0)
        self._lease_all(keys, lease_utc=micros(now), deaths=lived)

    def begin(self, shard: int, message_id: str, ended: int) -> int:
        """Count, durably and before it begins, a run that resumes after ``ended`` records.

        Gives how many runs began there without an end: those that the process did not survive,
        and this one. A run that came further begins the count anew.
        """
        counted = case((message.c.reached == ended, message.c.deaths + 1), else_=1)
        statement = (
            message.update()
            .where(message.c.shard == shard, message.c.message_id == message_id)
            .values(deaths=counted, reached=ended)
            .returning(message.c.deaths)
        )
        return int(
            self._database.write(lambda session: session.connection.execute(statement).scalar_one())
        )

    def _lease_all(self, keys: Collection[tuple[int, str]], **values: Any) -> None:
        by_shard: dict[int, list[str]] = {}
        for shard, message_id in sorted(keys):
            by_shard.setdefault(shard, []).append(message_id)
        for shard, listed in by_shard.items():
            self._database.write(partial(_set_leases, shard=shard, listed=listed, **values))


def _set_leases(session: Session, shard: int, listed: Sequence[str], **values: Any) -> None:
    session.connection.execute(
        message.update()
        .where(
            message.c.shard == shard,
            message.c.message_id.in_(listed),
            message.c.status == "received",
        )
        .values(**values)
    )
