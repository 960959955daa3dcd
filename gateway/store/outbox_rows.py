"""Outgoing notices as rows: written with what they are about, in one transaction."""

from collections.abc import Sequence

from gateway.records import Notice
from gateway.store.database import Session, Stamp
from gateway.store.keys import version_key
from gateway.store.schema import delivery


def write(session: Session, shard: int, notices: Sequence[Notice], stamp: Stamp) -> None:
    """Insert the notices; one whose idempotency key is known already is not doubled."""
    now_us = stamp.ms * 1000
    rows = [
        (
            *(shard, version_key(stamp.ms, stamp.txn, ordinal)),
            *(notice.recipient, notice.topic, notice.focus, notice.stream),
            *(notice.idempotency_key, 0, "waiting", 0, now_us, 0, now_us, None, None),
        )
        for ordinal, notice in enumerate(notices)
    ]
    session.upsert(delivery, sorted(rows, key=lambda row: str(row[6])))
