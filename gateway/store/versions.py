"""Read single versions and histories."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, false, or_, select, tuple_
from sqlalchemy.sql import FromClause

from gateway.records import Stored, Visibility
from gateway.store.database import AliasKey, Database, Row
from gateway.store.keys import CURRENT, first_key, instant, updated_utc
from gateway.store.pages import Cursor, Page, read_cursor
from gateway.store.schema import version
from gateway.store.snapshots import was_written
from gateway.store.visibility import HOT, hot_parameters, visible

COLUMNS = (
    "pk",
    "type",
    "id",
    "version_no",
    "is_deleted",
    "owner",
    "person",
    "event_utc",
    "source",
    "body",
)
Named = tuple[str, str, int | None]
"""Type, id, and the number of one version or None for all of them."""
_SELECT = f"SELECT {', '.join(f'v.{name}' for name in COLUMNS)} FROM version v "  # noqa: S608
_CURRENT = (
    _SELECT + f"WHERE v.shard = ? AND v.type = ? AND v.id = ? AND v.superseded_txn = {CURRENT}"
)
_NUMBERED = _SELECT + "WHERE v.shard = ? AND v.type = ? AND v.id = ? AND v.version_no = ?"
_SEVERAL = (
    f"WITH k(type, id) AS (VALUES {{keys}}) SELECT {', '.join(f'v.{name}' for name in COLUMNS)} "  # noqa: S608
    "FROM k JOIN version v ON v.shard = ? AND v.type = k.type AND v.id = k.id "
    f"AND v.superseded_txn = {CURRENT}"
)
_ALIASES = (
    "WITH k(owner, type, system, value) AS (VALUES {keys}) "
    "SELECT a.owner, a.type, a.system, a.value, a.id FROM k JOIN alias a ON a.shard = ? "
    "AND a.owner = k.owner AND a.type = k.type AND a.system = k.system AND a.value = k.value"
)
_AT_ONCE = 64
_NEWEST = " ORDER BY v.version_no DESC LIMIT 1"


def to_stored(shard: int, row: Row) -> Stored:
    """Make a row of COLUMNS a Stored."""
    pk, type_, id_, number, is_deleted, owner, person, event_us, source, body = row
    return Stored(
        shard=shard,
        type=type_,
        id=id_,
        version=number,
        updated_utc=updated_utc(pk),
        body=bytes(body),
        owner=owner,
        person=person,
        event_utc=instant(event_us) if event_us is not None else None,
        source=source,
        is_deleted=bool(is_deleted),
        is_created=number == 1,
    )


def select_columns(v: FromClause) -> Select[Any]:
    """Begin a SELECT of COLUMNS."""
    return select(*(v.c[name] for name in COLUMNS))


def read(
    database: Database,
    visibility: Visibility,
    focus: tuple[str, str],
    now_us: int,
    number: int | None = None,
) -> Stored | None:
    """Give a version of ``focus`` (type, id), the newest (a deletion too) or the numbered one.

    None when it is absent, invisible or out of the types asked for: the same statement runs.
    """
    type_, id_ = focus
    if any(type_ == one for one, _ in visibility.narrowed):
        return _read_narrowed(database, visibility, focus, now_us, number)
    if visibility.types is not None and type_ not in visibility.types:
        type_ = ""
    sql: str = _CURRENT
    keys: tuple[Any, ...] = (visibility.shard, type_, id_)
    if number is not None:
        sql, keys = _NUMBERED, (*keys, number)
    if not visibility.sees_all:
        sql, keys = f"{sql} AND {HOT}", (*keys, *hot_parameters(visibility, now_us))
    rows = database.rows(sql + _NEWEST, keys)
    return to_stored(visibility.shard, rows[0]) if rows else None


def newest(
    database: Database, shard: int, names: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Stored]:
    """Give the newest versions of (type, id), dozens of them by one question."""
    found: dict[tuple[str, str], Stored] = {}
    for start in range(0, len(names), _AT_ONCE):
        part = names[start : start + _AT_ONCE]
        asked = _SEVERAL.format(keys=", ".join(["(?, ?)"] * len(part)))
        values = [value for name in part for value in name]
        for row in database.rows(asked, (*values, shard)):
            one = to_stored(shard, row)
            found[one.type, one.id] = one
    return found


def _read_narrowed(
    database: Database,
    visibility: Visibility,
    focus: tuple[str, str],
    now_us: int,
    number: int | None,
) -> Stored | None:
    v = version.alias("v")
    where = [v.c.type == focus[0], v.c.id == focus[1], *_seen(v, visibility, now_us, database)]
    if number is not None:
        where.append(v.c.version_no == number)
    with database.reading() as connection:
        row = connection.execute(select_columns(v).where(*where)).first()
    return to_stored(visibility.shard, tuple(row)) if row is not None else None


def _seen(
    v: FromClause, visibility: Visibility, now_us: int, database: Database
) -> list[ColumnElement[bool]]:
    conditions = visible(v, visibility, now_us)
    if not visibility.narrowed:
        return conditions
    # Imported late: a search imports this module.
    from gateway.store.narrowing import current, narrowed
    from gateway.store.search_steps import Scope

    scope = Scope(visibility, None, now_us, database.name)
    return [*conditions, *narrowed(v, scope), *current(v, visibility)]


def aliases(database: Database, shard: int, keys: Sequence[AliasKey]) -> dict[AliasKey, str]:
    """Give the known ids of (owner, type, system, value), dozens of them by one question."""
    found: dict[AliasKey, str] = {}
    for start in range(0, len(keys), _AT_ONCE):
        part = keys[start : start + _AT_ONCE]
        asked = _ALIASES.format(keys=", ".join(["(?, ?, ?, ?)"] * len(part)))
        values = [value for key in part for value in key]
        for owner, type_, system, value, id_ in database.rows(asked, (*values, shard)):
            found[owner, type_, system, value] = id_
    return found


def history(
    database: Database,
    visibility: Visibility,
    *,
    now_ms: int,
    type_: str | None = None,
    id_: str | None = None,
    since_ms: int | None = None,
    at_ms: tuple[int, int] | None = None,
    named: Sequence[Named] | None = None,
    count: int = 50,
    cursor: str | None = None,
) -> Page:
    """Give versions, newest first, of one resource, one type or the whole shard.

    With ``since_ms`` only what is complete is given, so that the next call with
    ``since_ms=page.complete_ms`` misses and repeats nothing. ``at_ms``: newest in [low, high).
    ``named``: of these only.
    """
    v = version.alias("v")
    complete_ms, taken_ms = database.complete_ms(visibility.shard), now_ms
    with database.reading() as connection:
        snapshot = database.snapshot(connection, visibility.shard)
        asked = (*_seen(v, visibility, now_ms * 1000, database), *_asked(v, type_, id_, named))
        statement = select_columns(v).where(*asked)
        if cursor is not None:
            last = read_cursor(cursor, now_ms)
            snapshot, complete_ms, taken_ms = last.snapshot, last.complete_ms, last.taken_ms
            statement = statement.where(v.c.pk < last.after[0])
        statement = statement.where(was_written(v, snapshot))
        if since_ms is not None:
            # A writer may have begun before the last answer and taken its number after it: the
            # oldest start then lies before what was already given as complete.
            complete_ms = max(complete_ms, since_ms)
            statement = statement.where(*_between(v, since_ms, complete_ms))
        if at_ms is not None:
            statement = _current_within(statement, v, at_ms)
        rows = connection.execute(statement.order_by(v.c.pk.desc()).limit(count + 1)).all()
    here = Cursor(snapshot.limit, snapshot.running, taken_ms, complete_ms, ())
    return _page(visibility.shard, [tuple(row) for row in rows], count, here)


def _page(shard: int, rows: Sequence[Row], count: int, here: Cursor) -> Page:
    """Give ``count`` of the rows, and where to go on when there are more."""
    matches = tuple(to_stored(shard, row) for row in rows[:count])
    if len(rows) <= count:
        return Page(matches, complete_ms=here.complete_ms)
    following = replace(here, after=(rows[count - 1][0],))
    return Page(matches, next=following.text(), complete_ms=here.complete_ms)


def _asked(
    v: FromClause, type_: str | None, id_: str | None, named: Sequence[Named] | None
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if type_ is not None:
        conditions.append(v.c.type == type_)
    if id_ is not None:
        conditions.append(v.c.id == id_)
    if named is not None:
        conditions.append(_any_of(v, named))
    return conditions


def _between(v: FromClause, low_ms: int, end_ms: int) -> tuple[ColumnElement[bool], ...]:
    return v.c.pk >= first_key(low_ms), v.c.pk < first_key(end_ms)


def _any_of(v: FromClause, named: Sequence[Named]) -> ColumnElement[bool]:
    """Ask for whole histories by type, for single versions by their numbers."""
    whole: dict[str, list[str]] = {}
    single: list[Named] = []
    for type_, id_, number in named:
        if number is None:
            whole.setdefault(type_, []).append(id_)
        else:
            single.append((type_, id_, number))
    several = [and_(v.c.type == type_, v.c.id.in_(ids)) for type_, ids in whole.items()]
    if single:
        several.append(tuple_(v.c.type, v.c.id, v.c.version_no).in_(single))
    return or_(false(), *several)


def _current_within(statement: Select[Any], v: FromClause, at_ms: tuple[int, int]) -> Select[Any]:
    newer = version.alias("newer")
    was_replaced_before = exists().where(
        and_(
            newer.c.shard == v.c.shard,
            newer.c.type == v.c.type,
            newer.c.id == v.c.id,
            newer.c.version_no == v.c.version_no + 1,
            newer.c.pk < first_key(at_ms[0] + 1),
        )
    )
    return statement.where(v.c.pk < first_key(at_ms[1]), ~was_replaced_before)
