"""Sort keys, and the condition that continues after a page's last row."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, and_, false, func, or_, select
from sqlalchemy.sql import FromClause

from gateway.fhir.search_model import Sort
from gateway.fhir.search_unions import codes_of
from gateway.store.keys import parameter_number
from gateway.store.schema import date_index, exact_index, number_index, string_index
from gateway.store.search_steps import Scope

_COLUMNS = {
    "string": (string_index, "value", "value"),
    "token": (exact_index, "value", "value"),
    "uri": (exact_index, "value", "value"),
    "reference": (exact_index, "value", "value"),
    "date": (date_index, "low", "high"),
    "number": (number_index, "low", "high"),
    "quantity": (number_index, "low", "high"),
}


def sort_key(sort: Sort, v: FromClause, scope: Scope) -> ColumnElement[Any] | ScalarSelect[Any]:
    """Give what a version is sorted by: its smallest value, or its largest when descending."""
    if sort.code == "_id":
        return v.c.id
    if sort.code == "_lastUpdated":
        return v.c.pk
    table, low, high = _COLUMNS[sort.kind]
    i = scope.alias(table)
    value = func.max(i.c[high]) if sort.is_descending else func.min(i.c[low])
    codes = codes_of(sort.types, sort.code)
    params = [parameter_number(f"{type_}.{code}") for type_ in sort.types for code in codes]
    return (
        select(value)
        .where(i.c.shard == scope.shard, i.c.pk == v.c.pk, i.c.param.in_(params))
        .correlate(v)
        .scalar_subquery()
    )


def order(sorts: Sequence[Sort], page: FromClause) -> list[ColumnElement[Any]]:
    """Give the ORDER BY over the columns ``k0``…; what has no value comes last, newest first."""
    clauses: list[ColumnElement[Any]] = []
    for position, sort in enumerate(sorts):
        key = page.c[f"k{position}"]
        clauses += [key.is_(None), key.desc() if sort.is_descending else key.asc()]
    return [*clauses, page.c.pk.desc()]


def after(sorts: Sequence[Sort], page: FromClause, last: Sequence[Any]) -> ColumnElement[bool]:
    """Say that a row comes after the one with these keys; the version's key is the last of them."""
    branches: list[ColumnElement[bool]] = []
    equal: list[ColumnElement[bool]] = []
    for position, sort in enumerate(sorts):
        key, value = page.c[f"k{position}"], last[position]
        branches.append(and_(*equal, _beyond(key, value, is_descending=sort.is_descending)))
        equal.append(key.is_(None) if value is None else key == value)
    branches.append(and_(*equal, page.c.pk < last[len(sorts)]))
    return or_(*branches)


def _beyond(key: ColumnElement[Any], value: Any, *, is_descending: bool) -> ColumnElement[bool]:
    if value is None:
        return false()
    further = key < value if is_descending else key > value
    return or_(further, key.is_(None))
