"""Run a search: read one page of one snapshot in the way that was chosen, add what is included."""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, func, literal, select

from gateway.errors import GatewayError
from gateway.fhir.search_model import Query
from gateway.records import Stored, Visibility
from gateway.store.database import Database
from gateway.store.including import include
from gateway.store.pages import Cursor, Page, read_cursor
from gateway.store.schema import version
from gateway.store.search_frequency import Counter
from gateway.store.search_own import newer_than_ms
from gateway.store.search_plan import Plan, Statement, build, choose, listed_plan, read_plan
from gateway.store.search_steps import Scope
from gateway.store.sorting import after, order, sort_key
from gateway.store.versions import COLUMNS, select_columns, to_stored

DEFAULT_COUNT = 50
_ALWAYS = frozenset({"_id", "_lastUpdated"})
UNASKED = 200
"""A total that nobody asked for is told up to so many, where it costs little."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One match: the version, its key, and where in the order it stands."""

    pk: int
    stored: Stored
    plan: Plan
    place: tuple[Any, ...]


def search(
    database: Database,
    visibility: Visibility,
    query: Query,
    *,
    now_us: int,
    cursor: str | None = None,
) -> Page:
    """Give one page; ``cursor`` continues the snapshot of the first.

    A search for what is newer than a time is given only what is complete: a slow write may carry
    an earlier time than a fast one that is committed already.
    """
    since_ms = newer_than_ms(query)
    # What is complete is asked before the snapshot is taken.
    until_ms = None if since_ms is None else max(database.complete_ms(visibility.shard), since_ms)
    with database.reading() as connection:
        return search_in(
            *(database, connection, visibility, query),
            now_us=now_us,
            cursor=cursor,
            until_ms=until_ms,
        )


def search_in(
    database: Database,
    connection: Connection,
    visibility: Visibility,
    query: Query,
    *,
    now_us: int,
    cursor: str | None = None,
    until_ms: int | None = None,
) -> Page:
    """Search within a transaction that is open already, what was written before ``until_ms``."""
    last = read_cursor(cursor, now_us // 1000) if cursor is not None else None
    if database.name == "postgresql":
        # Its planner takes every range for a few rows, and would rather sort them than read an
        # index in its order.
        connection.exec_driver_sql("SET LOCAL enable_sort = off")
    if last is not None:
        until_ms = last.complete_ms or None
    snapshot = last.snapshot if last else None
    scope = Scope(visibility, snapshot, now_us, database.name, until_ms)
    return _Run(database, connection, scope, query, last).page()


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
        self._until_ms = scope.until_ms or 0
        self._counter = Counter(database.frequencies, connection, scope)

    def page(self) -> Page:
        """Give the page."""
        query = self._query
        count = DEFAULT_COUNT if query.count is None else query.count
        if query.summary == "count" or count == 0:
            return Page((), total=self._count_all(), complete_ms=self._until_ms, plan="counted")
        plan = self._plan()
        rows = self._rows(plan, count + 1, self._last.after if self._last else None)
        has_more = len(rows) > count
        rows = rows[:count]
        if self._last is not None:
            total = self._last.total
        else:
            total = self._total(plan, len(rows), has_more=has_more)
        included: tuple[Stored, ...] = ()
        if query.includes:
            found = {(one.stored.type, one.stored.id): (one.pk, one.stored) for one in rows}
            included = include(self._connection, self._scope, query.includes, found)
        following = self._next(rows[-1], total) if has_more else None
        matches = tuple(one.stored for one in rows)
        return Page(matches, included, total, following, self._until_ms, plan.told(query))

    def _plan(self) -> Plan:
        if self._last is None:
            return choose(self._query, self._counter, self._scope)
        plan = read_plan(self._last.plan, self._query)
        if plan is None:
            raise GatewayError("GW-7108")
        return plan

    def _rows(self, plan: Plan, limit: int, last: Any) -> list[_Row]:
        """Give rows from a place on; what has no value to be sorted by comes after what has."""
        if self._query.sorts and plan.name in {"list", "all"}:
            return self._sorted(plan, limit, last)
        statement = build(plan, self._query, self._scope, last)
        columns = [statement.v.c[name] for name in COLUMNS]
        asked = statement.columns(*columns, *statement.keys).order_by(*statement.order)
        rows = self._connection.execute(asked.limit(_plain(limit)))
        width, shard = len(COLUMNS), self._scope.shard
        found = [
            _Row(row[0], to_stored(shard, tuple(row[:width])), plan, tuple(row[width:]))
            for row in rows
        ]
        if plan.name == "sort" and len(found) < limit and self._query.sorts[0].code not in _ALWAYS:
            found += self._rows(Plan("rest"), limit - len(found), None)
        return found

    def _sorted(self, plan: Plan, limit: int, last: Any) -> list[_Row]:
        """Sort every match; the bodies are read of the page only."""
        sorts, scope = self._query.sorts, self._scope
        statement = build(plan, self._query, scope)
        columns = [
            sort_key(one, statement.v, scope).label(f"k{position}")
            for position, one in enumerate(sorts)
        ]
        page = statement.columns(statement.v.c.pk, *columns).subquery("page")
        asked = select(page)
        if last is not None:
            asked = asked.where(after(sorts, page, last))
        asked = asked.order_by(*order(sorts, page)).limit(_plain(limit))
        rows = [tuple(row) for row in self._connection.execute(asked)]
        bodies = self._fetch([row[0] for row in rows])
        return [_Row(row[0], bodies[row[0]], plan, (*row[1:], row[0])) for row in rows]

    def _fetch(self, pks: list[int]) -> dict[int, Stored]:
        v, shard = version.alias("v"), self._scope.shard
        statement = select_columns(v).where(v.c.shard == shard, v.c.pk.in_(pks))
        rows = self._connection.execute(statement) if pks else ()
        return {row[0]: to_stored(shard, tuple(row)) for row in rows}

    def _total(self, plan: Plan, seen: int, *, has_more: bool) -> int | None:
        if not has_more:
            return seen
        if self._query.total == "none":
            return None
        if self._query.total is not None:
            return self._count_all()
        is_tested = len(self._query.conditions) > (plan.position is not None)
        if is_tested and (plan.size is None or plan.size > UNASKED):
            return None
        total = self._count(build(plan, self._query, self._scope), UNASKED)
        return total if total < UNASKED else None

    def _count_all(self) -> int:
        plan = listed_plan(self._query, self._counter)
        return self._count(build(plan, self._query, self._scope))

    def _count(self, statement: Statement, limit: int | None = None) -> int:
        found = statement.columns(statement.v.c.pk)
        counted = (found if limit is None else found.limit(_plain(limit))).subquery()
        rows = self._connection.execute(select(func.count()).select_from(counted))
        return int(rows.scalar_one())

    def _next(self, row: _Row, total: int | None) -> str:
        plan = row.plan.text()
        if self._last is not None:
            return replace(self._last, after=row.place, total=total, plan=plan).text()
        snapshot = self._database.snapshot(self._connection, self._scope.shard)
        taken_ms = self._scope.now_us // 1000
        running = snapshot.running
        here = Cursor(snapshot.limit, running, taken_ms, self._until_ms, row.place, total, plan)
        return here.text()


def _plain(limit: int) -> Any:
    """Write a limit into the statement: a planner that does not know it expects very many rows."""
    return literal(limit, literal_execute=True)
