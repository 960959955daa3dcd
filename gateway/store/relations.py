"""Rows that let a member see a person's records of other members."""

from collections.abc import Sequence

from sqlalchemy import Connection

from gateway.records import Commit, Relation
from gateway.store.database import Session
from gateway.store.keys import CURRENT, micros
from gateway.store.schema import relation

_CHANGED = ("classes", "since_utc", "until_utc")
_Row = tuple[int, str, str, str, str, int, int, int]


def end(connection: Connection, commit: Commit, now_ms: int) -> None:
    """End the commit's relations; one is known by its person, parts and reason."""
    if commit.ended_relations:
        connection.execute(
            relation.update()
            .where(
                relation.c.shard == commit.shard,
                relation.c.reason.in_(commit.ended_relations),
                relation.c.until_utc > now_ms * 1000,
            )
            .values(until_utc=now_ms * 1000)
        )


def begin(session: Session, shard: int, relations: Sequence[Relation]) -> None:
    """Begin relations, or give those that are there new bounds; the last of equal ones counts."""
    rows: dict[tuple[object, ...], _Row] = {}
    for one in relations:
        row = (
            *(shard, one.person, one.member, one.owner or "", one.reason, one.classes),
            micros(one.since_utc),
            micros(one.until_utc) if one.until_utc else CURRENT,
        )
        rows[row[:5]] = row
    session.upsert(relation, sorted(rows.values()), _CHANGED)
