"""Rows that let a member see a person's records of other members, and rows that close them."""

from collections.abc import Sequence

from gateway.records import Commit, Exclusion, Relation
from gateway.store.database import Session
from gateway.store.keys import CURRENT, micros
from gateway.store.schema import relation
from gateway.store.schema_access import exclusion

_CHANGED = ("classes", "since_utc", "until_utc")
_ENDS = tuple(
    f"UPDATE {table.name} SET until_utc = ? WHERE shard = ? AND reason = ? AND until_utc > ?"  # noqa: S608
    for table in (relation, exclusion)
)
_Row = tuple[int, str, str, str, str, int, int, int]


def end(session: Session, commit: Commit, now_ms: int) -> None:
    """End the relations and exclusions of the commit's ended reasons."""
    now_us = now_ms * 1000
    for reason in commit.ended_relations:
        for statement in _ENDS:
            session.run(statement, (now_us, commit.shard, reason, now_us))


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
