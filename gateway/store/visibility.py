"""Who may see a version, as a condition of the query; nothing is filtered after it was read.

A version is seen by its owner. Others see it by its class, as a party or through a live relation
to its person, unless the person closed it to them; through a relation that overrides (break-glass)
even so. A sensitive version is seen by class never, and through those relations only that open
what is sensitive.
"""

from sqlalchemy import ColumnElement, and_, exists, or_
from sqlalchemy.sql import FromClause

from gateway.records import OVERRIDE, SENSITIVE, Visibility
from gateway.store.schema import party, relation
from gateway.store.schema_access import exclusion

_R = relation.alias("r")
_E = exclusion.alias("e")
_X = exclusion.alias("x")


def visible(v: FromClause, visibility: Visibility, now_us: int) -> list[ColumnElement[bool]]:
    """Give the conditions on an alias of ``version``; the shard is always one of them."""
    conditions: list[ColumnElement[bool]] = [v.c.shard == visibility.shard]
    if visibility.types is not None:
        conditions.append(v.c.type.in_(sorted(visibility.types)))
    if visibility.sees_all:
        return conditions
    is_plain = v.c.classes.bitwise_and(SENSITIVE) == 0
    is_of_class = and_(v.c.classes.bitwise_and(visibility.classes) != 0, is_plain)
    is_party = exists().where(
        party.c.shard == visibility.shard,
        party.c.pk == v.c.pk,
        party.c.member == visibility.member,
    )
    related = _related(v, visibility, now_us)
    is_related = exists().where(*related)
    is_urgent = exists().where(*related, _R.c.classes.bitwise_and(OVERRIDE) != 0)
    is_open = and_(or_(is_of_class, is_party, is_related), ~_is_excluded(v, visibility, now_us))
    conditions.append(or_(v.c.owner == visibility.member, is_open, is_urgent))
    return conditions


def _related(v: FromClause, visibility: Visibility, now_us: int) -> tuple[ColumnElement[bool], ...]:
    r = _R
    is_plain = v.c.classes.bitwise_and(SENSITIVE) == 0
    return (
        r.c.shard == visibility.shard,
        r.c.person == v.c.person,
        r.c.member.in_(("", visibility.member)),
        or_(r.c.owner == "", r.c.owner == v.c.owner),
        r.c.classes.bitwise_and(v.c.classes).bitwise_and(~SENSITIVE) != 0,
        or_(is_plain, r.c.classes.bitwise_and(SENSITIVE) != 0),
        r.c.since_utc <= now_us,
        r.c.until_utc > now_us,
    )


def _is_excluded(v: FromClause, visibility: Visibility, now_us: int) -> ColumnElement[bool]:
    e, x = _E, _X
    # Correlated by name: what is two levels out is not found by itself below a lateral step.
    is_exempt = (
        exists()
        .where(
            x.c.shard == visibility.shard,
            x.c.person == e.c.person,
            x.c.reason == e.c.reason,
            x.c.is_exempt.is_(True),
            *_holding(x, v, visibility, now_us),
        )
        .correlate(e, v)
    )
    return (
        exists()
        .where(
            e.c.shard == visibility.shard,
            e.c.person == v.c.person,
            e.c.is_exempt.is_(False),
            *_holding(e, v, visibility, now_us),
            ~is_exempt,
        )
        .correlate(v)
    )


def _holding(
    e: FromClause, v: FromClause, visibility: Visibility, now_us: int
) -> tuple[ColumnElement[bool], ...]:
    return (
        e.c.member.in_(("", visibility.member)),
        or_(e.c.owner == "", e.c.owner == v.c.owner),
        e.c.classes.bitwise_and(v.c.classes) != 0,
        e.c.since_utc <= now_us,
        e.c.until_utc > now_us,
    )


def _held(e: str) -> str:
    """Write ``_holding`` of an alias; takes the member and twice the time."""
    return (
        f"{e}.member IN ('', ?) AND ({e}.owner = '' OR {e}.owner = v.owner) "
        f"AND ({e}.classes & v.classes) <> 0 AND {e}.since_utc <= ? AND {e}.until_utc > ?"
    )


_PLAIN = f"(v.classes & {SENSITIVE}) = 0"
_RELATED = (
    "SELECT 1 FROM relation r WHERE r.shard = ? AND r.person = v.person "  # noqa: S608
    "AND r.member IN ('', ?) AND (r.owner = '' OR r.owner = v.owner) "
    f"AND (r.classes & v.classes & {~SENSITIVE}) <> 0 "
    f"AND ({_PLAIN} OR (r.classes & {SENSITIVE}) <> 0) AND r.since_utc <= ? AND r.until_utc > ?"
)
# The same conditions for the hot read by id; parameters by ``hot_parameters``.
HOT = (
    f"(v.owner = ? OR ((((v.classes & ?) <> 0 AND {_PLAIN}) "  # noqa: S608
    "OR EXISTS (SELECT 1 FROM party p WHERE p.shard = ? AND p.pk = v.pk AND p.member = ?) "
    f"OR EXISTS ({_RELATED})) "
    "AND NOT EXISTS (SELECT 1 FROM exclusion e WHERE e.shard = ? AND e.person = v.person "
    f"AND NOT e.is_exempt AND {_held('e')} "
    "AND NOT EXISTS (SELECT 1 FROM exclusion x WHERE x.shard = ? AND x.person = e.person "
    f"AND x.reason = e.reason AND x.is_exempt AND {_held('x')}))) "
    f"OR EXISTS ({_RELATED} AND (r.classes & {OVERRIDE}) <> 0))"
)


def hot_parameters(visibility: Visibility, now_us: int) -> tuple[object, ...]:
    """Fill the placeholders of ``HOT``."""
    shard, member = visibility.shard, visibility.member
    live = (shard, member, now_us, now_us)
    return (member, visibility.classes, shard, member, *live, *live, *live, *live)
