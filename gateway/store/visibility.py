"""Who may see a version, as a condition of the query; nothing is filtered after it was read."""

from sqlalchemy import ColumnElement, exists, or_
from sqlalchemy.sql import FromClause

from gateway.records import Visibility
from gateway.store.schema import party, relation

_R = relation.alias("r")


def visible(v: FromClause, visibility: Visibility, now_us: int) -> list[ColumnElement[bool]]:
    """Give the conditions on an alias of ``version``; the shard is always one of them."""
    conditions: list[ColumnElement[bool]] = [v.c.shard == visibility.shard]
    if visibility.types is not None:
        conditions.append(v.c.type.in_(sorted(visibility.types)))
    if visibility.sees_all:
        return conditions
    is_party = exists().where(
        party.c.shard == visibility.shard,
        party.c.pk == v.c.pk,
        party.c.member == visibility.member,
    )
    r = _R
    is_related = exists().where(
        r.c.shard == visibility.shard,
        r.c.person == v.c.person,
        r.c.member == visibility.member,
        or_(r.c.owner == "", r.c.owner == v.c.owner),
        r.c.classes.bitwise_and(v.c.classes) != 0,
        r.c.since_utc <= now_us,
        r.c.until_utc > now_us,
    )
    conditions.append(
        or_(
            v.c.owner == visibility.member,
            v.c.classes.bitwise_and(visibility.classes) != 0,
            is_party,
            is_related,
        )
    )
    return conditions


# The same conditions for the hot read by id; parameters by ``hot_parameters``.
HOT = (
    "(v.owner = ? OR (v.classes & ?) <> 0 "
    "OR EXISTS (SELECT 1 FROM party p WHERE p.shard = ? AND p.pk = v.pk AND p.member = ?) "
    "OR EXISTS (SELECT 1 FROM relation r WHERE r.shard = ? AND r.person = v.person "
    "AND r.member = ? AND (r.owner = '' OR r.owner = v.owner) AND (r.classes & v.classes) <> 0 "
    "AND r.since_utc <= ? AND r.until_utc > ?))"
)


def hot_parameters(visibility: Visibility, now_us: int) -> tuple[object, ...]:
    """Fill the placeholders of ``HOT``."""
    shard, member = visibility.shard, visibility.member
    return (member, visibility.classes, shard, member, shard, member, now_us, now_us)
