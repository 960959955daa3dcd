"""Outgoing notices as rows: written with what they are about, in one transaction."""

from collections.abc import Sequence

from sqlalchemy import Connection

from gateway.records import Notice
from gateway.store.database import Stamp
from gateway.store.keys import version_key
from gateway.store.schema import delivery
from gateway.store.upsert import insert_into


def write(connection: Connection, shard: int, notices: Sequence[Notice], stamp: Stamp) -> None:
    """Insert the notices; one whose idempotency key is known already is not doubled."""
    if not notices:
        return
    now_us = stamp.ms * 1000
    rows = [
        {
            "shard": shard,
            "pk": version_key(stamp.ms, stamp.txn, ordinal),
            "recipient": notice.recipient,
            "topic": notice.topic,
            "focus": notice.focus,
            "stream": notice.stream,
            "idempotency_key": notice.idempotency_key,
            "number": 0,
            "status": "waiting",
            "attempts": 0,
            "next_utc": now_us,
            "lease_utc": 0,
            "created_utc": now_us,
        }
        for ordinal, notice in enumerate(notices)
    ]
    statement = insert_into(connection, delivery).values(rows)
    connection.execute(
        statement.on_conflict_do_nothing(index_elements=["shard", "idempotency_key"])
    )
