"""Choose how a search is answered, and put it into one statement.

``rows``: an index has the matches of one condition in order; ``sort``: an index has the order that
was asked for (``rest``: what has no value to be sorted by); ``time``: the versions of the type,
newest first; ``list``: one condition is rare, its matches are listed; ``all``: every match is
sorted. Every other condition is asked of each version on the way. The order of the results follows
from the choice, so a cursor carries it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.sql import FromClause

from gateway.errors import GatewayError
from gateway.fhir.search_model import Condition, Query
from gateway.store.schema import version
from gateway.store.search_frequency import Counter
from gateway.store.search_sql import among, holds, keys
from gateway.store.search_steps import Scope
from gateway.store.search_streams import (
    Stream,
    first_step,
    has_no_row,
    sorted_stream,
    stream,
    versions,
)

_MANY, _SAMPLE = 50_000, 500
_TEXTS = {
    "sort": "sorted by index",
    "rest": "without the sorted value",
    "time": "type by time",
    "all": "type, all sorted",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """A way to answer: its name, and the position of the condition that it begins with.

    ``size``: about how many versions it meets at most, where that was counted.
    """

    name: str
    position: int | None = None
    size: int | None = None

    def text(self) -> str:
        """Write it for a cursor."""
        return self.name if self.position is None else f"{self.name}:{self.position}"

    def told(self, query: Query) -> str:
        """Say it to whoever asked for an explanation."""
        if self.position is None:
            asked = ", tested" if query.conditions else ""
            return f"{_TEXTS[self.name]}{asked}"
        first = query.conditions[self.position]
        way = "in order" if self.name == "rows" else "listed"
        tested = ", others tested" if len(query.conditions) > 1 else ""
        return f"{type(first).__name__.lower()} {first.code} {way}{tested}"


def read_plan(text: str, query: Query) -> Plan | None:
    """Read the plan of a cursor; None when it does not fit the query."""
    name, _, number = text.partition(":")
    if not number:
        return Plan(name) if name in _TEXTS else None
    position = int(number) if number.isdecimal() else len(query.conditions)
    is_known = name in {"rows", "list"} and position < len(query.conditions)
    return Plan(name, position) if is_known else None


@dataclass(frozen=True, slots=True)
class Statement:
    """FROM and WHERE of a plan, the version in it, and the order of its rows."""

    source: FromClause
    v: FromClause
    where: list[ColumnElement[bool]]
    order: list[ColumnElement[Any]]
    keys: Sequence[ColumnElement[Any]]

    def columns(self, *columns: ColumnElement[Any]) -> Select[Any]:
        """Select columns of what fulfils the plan."""
        return select(*columns).select_from(self.source).where(*self.where)


def choose(query: Query, counter: Counter, scope: Scope) -> Plan:
    """Choose the way that reads least."""
    conditions, has_sort = query.conditions, bool(query.sorts)
    by_sort = Plan("sort") if has_sort and sorted_stream(query, scope) is not None else None
    if not conditions:
        return by_sort or Plan("all" if has_sort else "time")
    streams = {
        position: found
        for position, one in enumerate(conditions)
        if (found := stream(one, scope)) is not None
    }
    if len(conditions) == 1 and streams and not has_sort:
        return Plan("rows", 0)
    few = counter.few(query.types)
    counts = [
        (count, position)
        for position, one in enumerate(conditions)
        if (count := counter.count(one, few)) is not None
    ]
    if counts and min(counts)[0] < few:
        size, position = min(counts)
        return Plan("list", position, size)
    if has_sort:
        return by_sort or Plan("all")
    if not streams:
        return Plan("time")
    if len(streams) == 1:
        return Plan("rows", *streams)
    # Bounds of one range are each frequent and seldom met together: the beginning of each tells.
    hits = {position: _hits(Plan("rows", position), query, counter, scope) for position in streams}
    return Plan("rows", max(streams, key=lambda position: hits[position]))


def _hits(plan: Plan, query: Query, counter: Counter, scope: Scope) -> int:
    """Count the matches among the first rows that a plan would read."""
    sample = build(plan, query, scope, limit=_SAMPLE)
    key = (scope.shard, query.types, query.conditions, plan)
    return counter.sample(key, sample.columns(sample.v.c.pk), _SAMPLE)


def listed_plan(query: Query, counter: Counter) -> Plan:
    """Choose the way to count all matches: from the rarest condition."""
    counts = [
        (count, position)
        for position, one in enumerate(query.conditions)
        if (count := counter.count(one, _MANY)) is not None
    ]
    return Plan("list", min(counts)[1]) if counts else Plan("time")


def build(
    plan: Plan, query: Query, scope: Scope, after: Any = None, limit: int | None = None
) -> Statement:
    """Put a plan into a statement; ``after`` are the order's values of the last row before.

    ``limit`` bounds the rows that the index gives, not what is left of them. Raises GW-7108 when
    the plan does not fit the query: a cursor of another release.
    """
    rest = list(query.conditions)
    if plan.name == "list" and plan.position is not None:
        return _listed(rest.pop(plan.position), rest, query, scope, after)
    if plan.name == "rows" and plan.position is not None:
        found = stream(rest.pop(plan.position), scope)
    elif plan.name == "sort":
        found = sorted_stream(query, scope)
    else:
        found = versions(query, scope)
    if found is None:
        raise GatewayError("GW-7108")
    step = first_step(found, scope, after, limit)
    return _streamed(found, step, rest, query, scope, is_rest=plan.name == "rest")


def _of_query(query: Query, v: FromClause, scope: Scope) -> list[ColumnElement[bool]]:
    return [among(v.c.type, list(query.types)), *scope.matching(v)]


def _streamed(
    found: Stream,
    step: tuple[FromClause, list[ColumnElement[Any]], list[ColumnElement[bool]]],
    rest: list[Condition],
    query: Query,
    scope: Scope,
    *,
    is_rest: bool,
) -> Statement:
    i, order, where = step
    source = v = i
    if found.table is not version:
        source, v = scope.then(
            i, version, lambda v: [v.c.pk == i.c.pk, *_of_query(query, v, scope)]
        )
    where += [holds(one, v, scope) for one in rest]
    if is_rest:
        where.append(has_no_row(query, v, scope))
    values = [i.c[name].label(f"k_{name}") for name in (*found.order, "pk")]
    return Statement(source, v, where, order, values)


def _listed(
    first: Condition, rest: list[Condition], query: Query, scope: Scope, after: Any
) -> Statement:
    listed = keys(first, scope)
    if listed is None:
        raise GatewayError("GW-7108")
    found = scope.ordered(listed)
    distinct = select(found.c.pk).distinct()
    if after is not None:
        distinct = distinct.where(found.c.pk < after[0])
    # The list is made before it is sorted: an index in the order of the keys would be read whole.
    k = scope.ordered(distinct.order_by(found.c.pk.desc()))
    source, v = scope.then(k, version, lambda v: [v.c.pk == k.c.pk, *_of_query(query, v, scope)])
    where = [holds(one, v, scope) for one in rest]
    return Statement(source, v, where, [k.c.pk.desc()], [k.c.pk.label("k_pk")])
