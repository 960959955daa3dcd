"""Run a search: choose where to begin, read one page of one snapshot, add what is included.

The engines' planners know nothing of how selective a parameter is (SQLite) or need statistics for
it (PostgreSQL), so the beginning is chosen here: each condition is counted up to a small limit in
its index; the rarest lists its versions first and every other condition is asked of those.
Where all are frequent, rows of one exact value already come in the order of the answer, and the
page ends after a few of them.
"""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select
from sqlalchemy.sql import FromClause

from gateway.fhir.search_model import Condition, Query
from gateway.records import Stored, Visibility
from gateway.store.database import Database
from gateway.store.including import include
from gateway.store.pages import Cursor, Page, read_cursor
from gateway.store.schema import version
from gateway.store.search_sql import Scope, holds, keys, stream
from gateway.store.sorting import after, order, sort_key
from gateway.store.versions import select_columns, to_stored

_V = version.alias("v")
DEFAULT_COUNT = 50
FEW = 1_000
"""Up to so many versions a condition counts as rare; totals that nobody asked for end here too."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where a query begins, and what is asked of each version then."""

    source: FromClause | None
    where: list[ColumnElement[bool]]
    text: str


def search(
    database: Database,
    visibility: Visibility,
    query: Query,
    *,
    now_us: int,
    cursor: str | None = None,
) -> Page:
    """Give one page; ``cursor`` continues the snapshot of the first."""
    with database.reading() as connection:
        return search_in(database, connection, visibility, query, now_us=now_us, cursor=cursor)


def search_in(
    database: Database,
    connection: Connection,
    visibility: Visibility,
    query: Query,
    *,
    now_us: int,
    cursor: str | None = None,
) -> Page:
    """Search within a transaction that is open already."""
    last = read_cursor(cursor, now_us // 1000) if cursor is not None else None
    scope = Scope(visibility, last.snapshot if last else None, now_us)
    return _Run(database, connection, scope, query, last).page()


# ---------------------------------------------------------------- plan


def _plan(connection: Connection, query: Query, v: FromClause, scope: Scope) -> _Plan:
    always = [*scope.live(v), v.c.type.in_(query.types)]
    conditions = list(query.conditions)
    if not conditions:
        return _Plan(None, always, "type")
    position, is_rare = _beginning(connection, query, scope)
    if position is None:
        return _Plan(None, [*always, *(holds(one, v, scope) for one in conditions)], "type, tested")
    first = conditions.pop(position)
    rest = [holds(one, v, scope) for one in conditions]
    name = _name(first)
    streamed = None if is_rare or query.sorts else stream(first, scope)
    if streamed is not None:
        i, on = streamed
        return _Plan(
            i, [*always, *on, i.c.shard == v.c.shard, i.c.pk == v.c.pk, *rest], f"{name} in order"
        )
    listed = keys(first, scope)
    if listed is None:
        return _Plan(None, [*always, holds(first, v, scope), *rest], "type, tested")
    return _Plan(None, [*always, v.c.pk.in_(listed), *rest], f"{name} listed")


def _beginning(connection: Connection, query: Query, scope: Scope) -> tuple[int | None, bool]:
    """Choose the condition to begin with, and say whether it is rare."""
    can_begin = [
        (position, listed)
        for position, one in enumerate(query.conditions)
        if (listed := keys(one, scope)) is not None
    ]
    if not can_begin:
        return None, False
    if len(can_begin) == 1 and not query.sorts:
        only = can_begin[0][0]
        if stream(query.conditions[only], scope) is not None:
            return only, False
    counts = [(_few(connection, listed), position) for position, listed in can_begin]
    smallest, position = min(counts)
    if smallest < FEW:
        return position, True
    for _, other in counts:
        if not query.sorts and stream(query.conditions[other], scope) is not None:
            return other, False
    # All are frequent: reading the type in order finds a page soon, unless all must be sorted.
    return (position, False) if query.sorts else (None, False)


def _few(connection: Connection, listed: Select[Any]) -> int:
    limited = listed.limit(FEW).subquery()
    return int(connection.execute(select(func.count()).select_from(limited)).scalar_one())


def _name(condition: Condition) -> str:
    return f"{type(condition).__name__.lower()} {condition.code}"


# ---------------------------------------------------------------- run


class _Run:
    """One search while it is answered."""

    def __init__(
        self,
        database: Database,
        connection: Connection,
        scope: Scope,
        query: Query,
        last: Cursor | None,
    ) -> None:
        self._database = database
        self._connection = connection
        self._scope = scope
        self._query = query
        self._last = last
        self._v = _V
        self._plan = _plan(connection, query, self._v, scope)

    def page(self) -> Page:
        """Give the page."""
        query, plan = self._query, self._plan
        count = DEFAULT_COUNT if query.count is None else query.count
        if query.summary == "count" or count == 0:
            return Page((), total=self._count_all(), plan=plan.text)
        rows = self._rows(count)
        has_more = len(rows) > count
        rows = rows[:count]
        total = self._last.total if self._last else self._total(len(rows), has_more=has_more)
        matches = self._fetch([row[0] for row in rows])
        included: tuple[Stored, ...] = ()
        if query.includes:
            found = {(one.type, one.id): (pk, one) for pk, one in matches}
            included = include(self._connection, self._scope, query.includes, found)
        following = self._next(rows[-1], total) if has_more else None
        return Page(tuple(one for _, one in matches), included, total, following, plan=plan.text)

    def _from(self, statement: Select[Any]) -> Select[Any]:
        if self._plan.source is None:
            statement = statement.select_from(self._v)
        else:
            statement = statement.select_from(self._plan.source, self._v)
        return statement.where(*self._plan.where)

    def _rows(self, count: int) -> list[tuple[Any, ...]]:
        """Give (key, sort keys…) of one row more than a page holds."""
        sorts, v = self._query.sorts, self._v
        if not sorts:
            pk = v.c.pk if self._plan.source is None else self._plan.source.c.pk
            statement = self._from(select(pk))
            if self._last is not None:
                statement = statement.where(pk < self._last.after[0])
            statement = statement.order_by(pk.desc())
        else:
            columns = [
                sort_key(one, v, self._scope.shard).label(f"k{position}")
                for position, one in enumerate(sorts)
            ]
            page = self._from(select(v.c.pk, *columns)).subquery("page")
            statement = select(page)
            if self._last is not None:
                statement = statement.where(after(sorts, page, self._last.after))
            statement = statement.order_by(*order(sorts, page))
        return [tuple(row) for row in self._connection.execute(statement.limit(count + 1))]

    def _fetch(self, pks: list[int]) -> list[tuple[int, Stored]]:
        if not pks:
            return []
        v, shard = self._v, self._scope.shard
        statement = select_columns(v).where(v.c.shard == shard, v.c.pk.in_(pks))
        rows = self._connection.execute(statement)
        found = {row.pk: to_stored(shard, tuple(row)) for row in rows}
        return [(pk, found[pk]) for pk in pks]

    def _total(self, seen: int, *, has_more: bool) -> int | None:
        if not has_more:
            return seen
        if self._query.total == "none":
            return None
        if self._query.total is None:
            total = self._count_all(limit=FEW)
            return total if total < FEW else None
        return self._count_all()

    def _count_all(self, limit: int | None = None) -> int:
        statement = self._from(select(self._v.c.pk))
        counted = (statement if limit is None else statement.limit(limit)).subquery()
        rows = self._connection.execute(select(func.count()).select_from(counted))
        return int(rows.scalar_one())

    def _next(self, row: tuple[Any, ...], total: int | None) -> str:
        following = (*row[1:], row[0])
        if self._last is not None:
            return replace(self._last, after=following, total=total).text()
        snapshot = self._database.snapshot(self._connection, self._scope.shard)
        taken_ms = self._scope.now_us // 1000
        return Cursor(snapshot.limit, snapshot.running, taken_ms, 0, following, total).text()
