"""Purge what no page of an older snapshot can ask for any more."""

from sqlalchemy import delete, select

from gateway.store.database import Database, Session
from gateway.store.pages import KEPT_MS
from gateway.store.schema import INDEX_TABLES, retired, version
from gateway.store.texts import packed_again

_BATCH = 500


def purge(database: Database, shard: int, now_ms: int) -> int:
    """Delete the index rows of versions superseded over an hour ago; give how many versions.

    Works in small transactions, so that writers hardly wait.
    """
    before_us = (now_ms - KEPT_MS) * 1000
    total = 0
    while True:
        count = database.write(lambda session: _purge_batch(session, shard, before_us))
        total += count
        if count < _BATCH:
            return total


def _purge_batch(session: Session, shard: int, before_us: int) -> int:
    due = (
        select(retired.c.retired_utc, retired.c.pk)
        .where(retired.c.shard == shard, retired.c.retired_utc < before_us)
        .order_by(retired.c.retired_utc, retired.c.pk)
        .limit(_BATCH)
    )
    rows = session.connection.execute(due).fetchall()
    pks = [row[1] for row in rows]
    if not pks:
        return 0
    _purge_texts(session, shard, pks)
    for table in INDEX_TABLES:
        session.connection.execute(delete(table).where(table.c.shard == shard, table.c.pk.in_(pks)))
    session.connection.execute(
        delete(retired).where(
            retired.c.shard == shard,
            retired.c.pk.in_(pks),
            retired.c.retired_utc <= rows[-1][0],
        )
    )
    return len(pks)


def _purge_texts(session: Session, shard: int, pks: list[int]) -> None:
    """Delete the terms of versions, which are read from the bodies once more."""
    bodies = select(version.c.pk, version.c.type, version.c.body).where(
        version.c.shard == shard, version.c.pk.in_(pks), version.c.is_deleted.is_(False)
    )
    session.delete_texts(
        [
            (shard, pk, text)
            for pk, type_, body in session.connection.execute(bodies)
            if (text := packed_again(shard, type_, body)) is not None
        ]
    )
