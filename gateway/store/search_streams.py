"""Rows that an index gives in order: a page is read from its beginning and ends after a few.

A version may have several rows in a range; only the first of them in the order counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Table, select, tuple_
from sqlalchemy.sql import FromClause

from gateway.fhir.search_model import NEGATIVE, Condition, Criterion, Query, Sort
from gateway.fhir.search_unions import codes_of
from gateway.store.keys import parameter_number
from gateway.store.schema import date_index, exact_index, number_index, string_index, version
from gateway.store.search_own import own_condition
from gateway.store.search_sql import among, rows_of
from gateway.store.search_steps import On, Scope
from gateway.store.search_values import Asked, asked

_ALL_VALUES: dict[str, tuple[str, ...]] = {
    "exact_index": ("value", "space"),
    "string_index": ("value", "exact"),
    "date_index": ("low", "high"),
    "number_index": ("unit", "space", "low", "high"),
}


@dataclass(frozen=True, slots=True)
class Stream:
    """Rows of one table (an index, or the versions of a type) in the order of its key.

    ``order`` are the columns before the version's key. ``is_repeating``: a version may have more
    than one of the rows.
    """

    table: Table
    rows: On
    params: tuple[int, ...] = ()
    order: tuple[str, ...] = ()
    is_descending: bool = True
    is_repeating: bool = False


def stream(condition: Condition, scope: Scope) -> Stream | None:
    """Give the rows of a condition in order; None when no index has them so."""
    if not isinstance(condition, Criterion) or len(condition.types) != 1:
        return None
    if condition.is_missing is not None or condition.modifier in NEGATIVE:
        return None
    if own_condition(condition, version, scope.now_us) is not None or len(condition.values) != 1:
        return None
    alternatives = asked(condition, scope.now_us)
    one = alternatives[0]
    if len(alternatives) > 1 or one.together:
        return None
    if one.is_exact:
        return Stream(one.table, _on(one, scope), one.params)
    if one.order is None:
        return None
    is_descending = one.table is not string_index
    return Stream(
        one.table, _on(one, scope), one.params, one.order, is_descending, is_repeating=True
    )


def _on(one: Asked, scope: Scope) -> On:
    return lambda i: rows_of(one, i, scope)


def versions(query: Query, scope: Scope, *, is_descending: bool = True) -> Stream:
    """Give the versions of the types by time."""

    def rows(v: FromClause) -> list[ColumnElement[bool]]:
        own = (
            own_condition(one, v, scope.now_us)
            for one in query.conditions
            if isinstance(one, Criterion)
        )
        # What the version itself answers bounds the range of keys that is read.
        of_types = among(v.c.type, list(query.types))
        return [of_types, *scope.matching(v), *(one for one in own if one is not None)]

    return Stream(version, rows, is_descending=is_descending)


def sorted_stream(query: Query, scope: Scope) -> Stream | None:
    """Give the rows of the one parameter that is sorted by; None when no index has the order."""
    sort = query.sorts[0]
    if len(query.sorts) > 1:
        return None
    if sort.code == "_lastUpdated":
        return versions(query, scope, is_descending=sort.is_descending)
    if len(query.types) > 1:
        return None
    if sort.code == "_id":
        by_time = versions(query, scope)
        return Stream(version, by_time.rows, (), ("id",), sort.is_descending)
    table, order = _sort_order(sort)
    if sort.kind in {"number", "quantity"} or len(codes_of(query.types, sort.code)) > 1:
        return None
    number = parameter_number(f"{query.types[0]}.{sort.code}")

    def rows(i: FromClause) -> list[ColumnElement[bool]]:
        return [i.c.shard == scope.shard, i.c.param == number]

    return Stream(table, rows, (number,), order, sort.is_descending, is_repeating=True)


def _sort_order(sort: Sort) -> tuple[Table, tuple[str, ...]]:
    if sort.kind == "string":
        return string_index, ("value", "exact")
    if sort.kind == "date":
        return date_index, ("high",) if sort.is_descending else ("low", "high")
    if sort.kind in {"number", "quantity"}:
        return number_index, ("low",)
    return exact_index, ("value", "space")


def has_no_row(query: Query, v: FromClause, scope: Scope) -> ColumnElement[bool]:
    """Say that a version has nothing to be sorted by."""
    table, _ = _sort_order(query.sorts[0])
    i = scope.alias(table)
    number = parameter_number(f"{query.types[0]}.{query.sorts[0].code}")
    mine = select(1).where(i.c.shard == scope.shard, i.c.pk == v.c.pk, i.c.param == number)
    return ~scope.any_row(mine.correlate(v))


def first_step(
    one: Stream, scope: Scope, after: Sequence[Any] | None, limit: int | None = None
) -> tuple[FromClause, list[ColumnElement[Any]], list[ColumnElement[bool]]]:
    """Give the rows after ``after``, the columns of their order, and what is left to ask of them.

    ``limit``: only so many rows, before anything else is asked of them.

    On PostgreSQL the step has its order in itself: it is read from the index whatever the planner
    believes.
    """
    i = scope.alias(one.table)
    names = (*one.order, "pk")
    where = one.rows(i)
    if after is not None:
        where.append(_beyond(i, names, tuple(after), is_descending=one.is_descending))
    if one.is_repeating:
        where.append(~_has_earlier(one, i, scope))
    if scope.engine != "postgresql" and limit is None:
        return i, _order(one, i), where
    columns = list(i.c) if one.table is version else [i.c[name] for name in names]
    first = select(*columns).where(*where).order_by(*_order(one, i)).limit(limit)
    step = scope.ordered(first)
    return step, _order(one, step), []


def _order(one: Stream, i: FromClause) -> list[ColumnElement[Any]]:
    names = (*one.order, "pk")
    return [i.c[name].desc() if one.is_descending else i.c[name].asc() for name in names]


def _beyond(
    i: FromClause, names: Sequence[str], last: tuple[Any, ...], *, is_descending: bool
) -> ColumnElement[bool]:
    if len(names) == 1:
        column: ColumnElement[Any] = i.c[names[0]]
        further: ColumnElement[bool] = column < last[0] if is_descending else column > last[0]
        return further
    row = tuple_(*(i.c[name] for name in names))
    beyond: ColumnElement[bool] = row < last if is_descending else row > last
    return beyond


def _has_earlier(one: Stream, i: FromClause, scope: Scope) -> ColumnElement[bool]:
    """Ask whether another row of the same version came before this one."""
    j = scope.rows_of_version(one.table, i, one.params)
    rest = (name for name in _ALL_VALUES[one.table.name] if name not in one.order)
    names = (*one.order, *rest)
    mine, other = tuple_(*(i.c[n] for n in names)), tuple_(*(j.c[n] for n in names))
    earlier = other > mine if one.is_descending else other < mine
    return scope.any_row(select(1).where(*one.rows(j), j.c.pk == i.c.pk, earlier).correlate(i))
