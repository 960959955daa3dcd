"""Prune the journal: bytes and lineage go after their time, the line of each message stays.

The line keeps a repeated message recognisable, and tells later why a replay is impossible.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import delete, or_, select, update

from gateway.store.database import Database, Session
from gateway.store.files import LargeMessages
from gateway.store.keys import micros
from gateway.store.schema import attempt, message, record

DONE = ("stored", "unchanged", "stale", "corrected", "empty")
PARKED = ("parked",)
_BATCH = 200


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many messages lost their bytes, and how many bytes that were."""

    messages: int = 0
    size: int = 0


def prune(
    database: Database, shard: int, statuses: Sequence[str], before: datetime, *, is_dry: bool
) -> Pruned:
    """Drop bytes, lineage and attempts of messages received before a time and ended so.

    Works in small transactions, so that writers hardly wait; ``is_dry`` only counts.
    """
    after, messages, size = "", 0, 0
    while rows := _due(database, shard, statuses, before, after):
        ids = [row[0] for row in rows]
        if not is_dry:
            database.write(partial(_drop, shard=shard, ids=ids))
        after, messages = ids[-1], messages + len(ids)
        size += sum(row[1] for row in rows)
    return Pruned(messages, size)


def sweep(database: Database, files: LargeMessages) -> int:
    """Delete the files of large messages that no row names any more; give the bytes."""

    def needed() -> set[str]:
        with database.reading() as connection:
            named = select(message.c.path).where(message.c.path.is_not(None))
            return set(connection.execute(named).scalars())

    return files.sweep(needed)


def _due(
    database: Database, shard: int, statuses: Sequence[str], before: datetime, after: str
) -> list[tuple[str, int]]:
    """Give (id, size) of the next batch; ids sort by the time of receiving."""
    statement = (
        select(message.c.message_id, message.c.size)
        .where(
            message.c.shard == shard,
            message.c.message_id > after,
            message.c.message_id < f"{micros(before) // 1000:012x}",
            message.c.status.in_(statuses),
            or_(message.c.raw.is_not(None), message.c.path.is_not(None)),
        )
        .order_by(message.c.message_id)
        .limit(_BATCH)
    )
    with database.reading() as connection:
        return [(row[0], row[1]) for row in connection.execute(statement)]


def _drop(session: Session, *, shard: int, ids: Sequence[str]) -> None:
    run = session.connection.execute
    of = {table: (table.c.shard == shard) & table.c.message_id.in_(ids) for table in _TABLES}
    run(update(message).where(of[message]).values(raw=None, path=None))
    run(update(record).where(of[record]).values(lineage=None, unread=b"[]", warnings=b"[]"))
    run(delete(attempt).where(of[attempt]))


_TABLES = (message, record, attempt)
