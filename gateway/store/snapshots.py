"""The versions that a snapshot saw, as a condition of the query."""

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.sql import FromClause

from gateway.store.database import Snapshot
from gateway.store.keys import CURRENT


def seen(v: FromClause, snapshot: Snapshot | None) -> ColumnElement[bool]:
    """Say that a version is the newest of its resource: now, or as the snapshot saw it."""
    if snapshot is None:
        return v.c.superseded_txn == CURRENT
    # The newest versions are the most: they are recognised without a look at the list.
    return and_(was_written(v, snapshot), ~_within(v.c.superseded_txn, snapshot))


def was_written(v: FromClause, snapshot: Snapshot) -> ColumnElement[bool]:
    """Say that a version, newest or not, was written when the snapshot was taken."""
    return _within(v.c.txn, snapshot)


def _within(txn: ColumnElement[int], snapshot: Snapshot) -> ColumnElement[bool]:
    if not snapshot.running:
        return txn < snapshot.limit
    return and_(
        txn < snapshot.limit, or_(txn < min(snapshot.running), txn.not_in(snapshot.running))
    )
