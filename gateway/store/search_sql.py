"""Turn the conditions of a Query into SQL over the index tables.

Each condition can be put in two ways: ``holds`` asks it of one version (from the version to its
index rows, references and their targets), ``keys`` lists the versions that fulfil it (from the
index rows of the innermost condition outwards). Negative conditions have only the first.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, or_, select
from sqlalchemy.sql import FromClause

from gateway.fhir.search_model import NEGATIVE, AnyOf, Chain, Condition, Criterion, Has
from gateway.store.keys import parameter_number, space_number
from gateway.store.schema import exact_index, version
from gateway.store.search_own import own_condition
from gateway.store.search_steps import Scope
from gateway.store.search_values import Asked, asked
from gateway.store.snapshots import seen
from gateway.store.texts import matches, text_terms


def numbers(types: tuple[str, ...], code: str, suffix: str = "") -> list[int]:
    """Give the numbers of a parameter for each type."""
    return [parameter_number(f"{type_}.{code}{suffix}") for type_ in types]


def among(column: ColumnElement[Any], values: list[Any]) -> ColumnElement[bool]:
    """Ask for one of several values; a single one plainly, so that an index keeps its order."""
    return column == values[0] if len(values) == 1 else column.in_(values)


def holds(condition: Condition, v: FromClause, scope: Scope) -> ColumnElement[bool]:
    """Ask a condition of the version ``v``."""
    if isinstance(condition, Criterion):
        return _criterion_holds(condition, v, scope)
    if isinstance(condition, AnyOf):
        return or_(false(), *(holds(one, v, scope) for one in condition.alternatives))
    if isinstance(condition, Chain):
        return _chain_holds(condition, v, scope)
    return _has_holds(condition, v, scope)


def keys(condition: Condition, scope: Scope) -> Select[Any] | None:
    """List the keys of the versions that fulfil a condition; None when it must be asked of each."""
    if isinstance(condition, Criterion):
        if condition.is_missing is not None or condition.modifier in NEGATIVE:
            return None
        own = own_condition(condition, version, scope.now_us)
        if own is not None:
            if condition.code != "_id":
                return None
            of_types = among(version.c.type, list(condition.types))
            return select(version.c.pk).where(version.c.shard == scope.shard, of_types, own)
        return _union([_keys_of(one, scope) for one in asked(condition, scope.now_us)])
    if isinstance(condition, AnyOf):
        listed = [
            found for one in condition.alternatives if (found := keys(one, scope)) is not None
        ]
        # An alternative that cannot be listed must be asked of each version.
        return _union(listed) if len(listed) == len(condition.alternatives) else None
    if isinstance(condition, Chain):
        return _chain_keys(condition, scope)
    return _has_keys(condition, scope)


# ---------------------------------------------------------------- criteria


def rows_of(one: Asked, i: FromClause, scope: Scope) -> list[ColumnElement[bool]]:
    """Ask for the index rows of one alternative."""
    if one.table is text_terms:
        return [matches(i, (scope.shard, one.params, one.terms))]
    return [i.c.shard == scope.shard, among(i.c.param, list(one.params)), one.where(i)]


def _keys_of(one: Asked, scope: Scope) -> Select[Any]:
    i = scope.alias(one.table)
    return select(i.c.pk).where(*rows_of(one, i, scope), *_others(one, i, scope))


def _others(one: Asked, i: FromClause, scope: Scope) -> list[ColumnElement[bool]]:
    """Ask the rest of the same version: components in the same element, terms of the same text."""
    conditions: list[ColumnElement[bool]] = []
    for other in one.together:
        j = scope.alias(other.table)
        same = [*rows_of(other, j, scope), j.c.pk == i.c.pk]
        if "grp" in j.c and "grp" in i.c:
            same.append(j.c.grp == i.c.grp)
        conditions.append(scope.any_row(select(1).where(*same).correlate(i)))
    return conditions


def _criterion_holds(criterion: Criterion, v: FromClause, scope: Scope) -> ColumnElement[bool]:
    own = own_condition(criterion, v, scope.now_us)
    if own is not None:
        return own
    found = or_(false(), *(_row_of(one, v, scope) for one in asked(criterion, scope.now_us)))
    if criterion.is_missing is not None:
        return ~found if criterion.is_missing else found
    return ~found if criterion.modifier in NEGATIVE else found


def _row_of(one: Asked, v: FromClause, scope: Scope) -> ColumnElement[bool]:
    is_keyed = one.is_exact or one.table is text_terms
    # A whole key finds its row; a range of values would lead through all versions that have it.
    i = scope.alias(one.table) if is_keyed else scope.rows_of_version(one.table, v, one.params)
    inner = select(1).where(i.c.pk == v.c.pk, *rows_of(one, i, scope), *_others(one, i, scope))
    return scope.any_row(inner.correlate(v))


def _union(parts: list[Select[Any]]) -> Select[Any]:
    if len(parts) == 1:
        return parts[0]
    found = parts[0].union(*parts[1:]).subquery()
    return select(found.c.pk)


# ---------------------------------------------------------------- chains


def _names(r: FromClause, v: FromClause, types: tuple[str, ...]) -> list[ColumnElement[bool]]:
    """Say that a reference's row names a version: its id, and its type, the row's space."""
    pairs = [and_(r.c.space == space_number(one), v.c.type == one) for one in types]
    return [v.c.id == r.c.value, or_(*pairs) if len(pairs) > 1 else pairs[0]]


def _references(
    r: FromClause, types: tuple[str, ...], code: str, scope: Scope
) -> list[ColumnElement[bool]]:
    return [r.c.shard == scope.shard, among(r.c.param, numbers(types, code))]


def _begin(inner: Condition, types: tuple[str, ...], scope: Scope) -> tuple[FromClause, FromClause]:
    """Give the live versions of ``types`` that fulfil the inner condition, as first steps."""
    listed = keys(inner, scope)
    if listed is None:
        t = scope.alias(version)
        of_types = among(t.c.type, list(types))
        first = select(*t.c).where(*scope.live(t), of_types, holds(inner, t, scope))
        step = scope.ordered(first)
        return step, step
    k = scope.ordered(listed)
    return scope.then(
        k,
        version,
        lambda t: [t.c.pk == k.c.pk, *scope.live(t), among(t.c.type, list(types))],
    )


def _chain_keys(chain: Chain, scope: Scope) -> Select[Any]:
    steps, t = _begin(chain.inner, chain.targets, scope)
    steps, r = scope.then(
        steps,
        exact_index,
        lambda r: [
            *_references(r, chain.types, chain.code, scope),
            *_names(r, t, chain.targets),
        ],
    )
    return select(r.c.pk).select_from(steps)


def _chain_holds(chain: Chain, v: FromClause, scope: Scope) -> ColumnElement[bool]:
    r = scope.alias(exact_index)
    steps, t = scope.then(
        r,
        version,
        lambda t: [
            *scope.live(t),
            among(t.c.type, list(chain.targets)),
            *_names(r, t, chain.targets),
        ],
    )
    found = select(1).select_from(steps)
    found = found.where(r.c.pk == v.c.pk, *_references(r, chain.types, chain.code, scope))
    return scope.any_row(found.where(holds(chain.inner, t, scope)).correlate(v))


def _has_keys(has: Has, scope: Scope) -> Select[Any]:
    steps, o = _begin(has.inner, (has.source,), scope)
    spaces = [space_number(type_) for type_ in has.types]
    steps, r = scope.then(
        steps,
        exact_index,
        lambda r: [
            *_references(r, (has.source,), has.code, scope),
            r.c.pk == o.c.pk,
            r.c.space.in_(spaces),
        ],
    )
    steps, v = scope.then(
        steps,
        version,
        lambda v: [
            v.c.shard == scope.shard,
            among(v.c.type, list(has.types)),
            *_names(r, v, has.types),
            seen(v, scope.snapshot),
        ],
    )
    return select(v.c.pk).select_from(steps)


def _has_holds(has: Has, v: FromClause, scope: Scope) -> ColumnElement[bool]:
    r = scope.alias(exact_index)
    steps, o = scope.then(r, version, lambda o: [o.c.pk == r.c.pk, *scope.live(o)])
    found = select(1).select_from(steps)
    found = found.where(
        *_references(r, (has.source,), has.code, scope),
        *_names(r, v, has.types),
        holds(has.inner, o, scope),
    )
    return scope.any_row(found.correlate(v))
