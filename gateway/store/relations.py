"""Rows that let a member see a person's records of other members."""

from sqlalchemy import Connection

from gateway.records import Commit
from gateway.store.keys import CURRENT, micros
from gateway.store.schema import relation
from gateway.store.upsert import insert_into


def write(connection: Connection, commit: Commit, now_ms: int) -> None:
    """End and begin the commit's relations; a relation is known by its person, parts and reason."""
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
    for one in commit.relations:
        statement = insert_into(connection, relation).values(
            shard=commit.shard,
            person=one.person,
            member=one.member,
            owner=one.owner or "",
            reason=one.reason,
            classes=one.classes,
            since_utc=micros(one.since_utc),
            until_utc=micros(one.until_utc) if one.until_utc else CURRENT,
        )
        new = statement.excluded
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["shard", "person", "member", "owner", "reason"],
                set_={
                    "classes": new.classes,
                    "since_utc": new.since_utc,
                    "until_utc": new.until_utc,
                },
            )
        )
