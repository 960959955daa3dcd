"""Rows that let a member see a person's records of other members, and rows that close them."""

from collections.abc import Sequence

from sqlalchemy import Connection

from gateway.records import Commit, Exclusion, Relation
from gateway.store.database import Session
from gateway.store.keys import CURRENT, micros
from gateway.store.schema import relation
from gateway.store.schema_access import exclusion

_CHANGED = ("classes", "since_utc", "until_utc")
_Row = tuple[int, str, str, str, str, int, int, int]


def end(connection: Connection, commit: Commit, now_ms: int) -> None:
    """End the relations and exclusions of the commit's ended reasons."""
    if not commit.ended_relations:
        return
    for table in (relation, exclusion):
        connection.execute(
            table.update()
            .where(
                table.c.shard == commit.shard,
                table.c.reason.in_(commit.ended_relations),
                table.c.until_utc > now_ms * 1000,
            )
            .values(until_utc=now_ms * 1000)
        )


def close(session: Session, shard: int, exclusions: Sequence[Exclusion]) -> None:
    """Close records, or give what closes them new bounds; the last of equal ones counts."""
    rows: dict[tuple[object, ...], tuple[object, ...]] = {}
    for one in exclusions:
        key = (shard, one.person, one.reason, one.member or "", one.owner or "", one.is_exempt)
        since, until = micros(one.since_utc), CURRENT
        if one.until_utc:
            until = micros(one.until_utc)
        rows[key] = (*key[:5], one.classes, since, until, one.is_exempt)
    session.upsert(exclusion, sorted(rows.values()), _CHANGED)


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
