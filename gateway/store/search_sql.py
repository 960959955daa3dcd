"""Turn the conditions of a Query into SQL over the index tables.

Each condition can be put in two ways: ``holds`` asks of one version (a correlated EXISTS by its
key), ``keys`` lists the versions that fulfil it (to begin a query with). Negative conditions have
only the first.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, exists, false, or_, select
from sqlalchemy.sql import FromClause

from gateway.fhir.search_model import NEGATIVE, AnyOf, Chain, Condition, Criterion, Has
from gateway.records import Visibility
from gateway.store.database import Snapshot
from gateway.store.keys import parameter_number, space_number
from gateway.store.schema import exact_index, version
from gateway.store.search_own import own_condition
from gateway.store.search_values import Asked, asked
from gateway.store.snapshots import seen
from gateway.store.texts import matches, text_terms
from gateway.store.visibility import visible


@lru_cache(maxsize=1024)
def _alias(table: Table, number: int) -> FromClause:
    # Making one costs more than the rest of a condition: its columns are made anew.
    return table.alias(f"t{number}")


@dataclass(frozen=True, slots=True)
class Scope:
    """Within what a search runs: who asks, in which snapshot, when."""

    visibility: Visibility
    snapshot: Snapshot | None
    now_us: int
    _numbers: Iterator[int] = field(default_factory=count, compare=False)

    def alias(self, table: Table) -> FromClause:
        """Give a table under a name of its own within this search."""
        return _alias(table, next(self._numbers))

    @property
    def shard(self) -> int:
        """The one shard that the search touches."""
        return self.visibility.shard

    def live(self, v: FromClause) -> list[ColumnElement[bool]]:
        """Say that a version is the newest, no deletion, and visible."""
        return [
            *visible(v, self.visibility, self.now_us),
            seen(v, self.snapshot),
            v.c.is_deleted.is_(False),
        ]


def numbers(types: tuple[str, ...], code: str, suffix: str = "") -> list[int]:
    """Give the numbers of a parameter for each type."""
    return [parameter_number(f"{type_}.{code}{suffix}") for type_ in types]


def holds(condition: Condition, v: FromClause, scope: Scope) -> ColumnElement[bool]:
    """Ask a condition of the version ``v``."""
    if isinstance(condition, Criterion):
        return _criterion_holds(condition, v, scope)
    if isinstance(condition, Chain):
        r = scope.alias(exact_index)
        found = _chain_rows(condition, r, scope)
        return exists(found.where(r.c.pk == v.c.pk).correlate(v))
    if isinstance(condition, AnyOf):
        return or_(false(), *(holds(one, v, scope) for one in condition.alternatives))
    return v.c.id.in_(_has_ids(condition, scope)) & v.c.type.in_(condition.types)


def keys(condition: Condition, scope: Scope) -> Select[Any] | None:
    """List the keys of the versions that fulfil a condition; None when it must be asked of each."""
    if isinstance(condition, Criterion):
        if condition.is_missing is not None or condition.modifier in NEGATIVE:
            return None
        own = own_condition(condition, version, scope.now_us)
        if own is not None:
            if condition.code != "_id":
                return None
            return select(version.c.pk).where(
                version.c.shard == scope.shard, version.c.type.in_(condition.types), own
            )
        return _union([_keys_of(one, scope) for one in asked(condition, scope.now_us)])
    if isinstance(condition, Chain):
        r = scope.alias(exact_index)
        return _chain_rows(condition, r, scope)
    if isinstance(condition, AnyOf):
        listed = [
            found for one in condition.alternatives if (found := keys(one, scope)) is not None
        ]
        # An alternative that cannot be listed must be asked of each version.
        return _union(listed) if len(listed) == len(condition.alternatives) else None
    v = scope.alias(version)
    return select(v.c.pk).where(
        v.c.shard == scope.shard,
        v.c.type.in_(condition.types),
        v.c.id.in_(_has_ids(condition, scope)),
    )


def stream(
    condition: Condition, scope: Scope
) -> tuple[FromClause, list[ColumnElement[bool]]] | None:
    """Give index rows that come in the order of their keys without repeats, when there are such."""
    if not isinstance(condition, Criterion) or len(condition.types) != 1:
        return None
    if condition.is_missing is not None or condition.modifier in NEGATIVE:
        return None
    if own_condition(condition, version, scope.now_us) is not None:
        return None
    alternatives = asked(condition, scope.now_us)
    if len(alternatives) != 1 or not alternatives[0].is_exact:
        return None
    one = alternatives[0]
    i = scope.alias(one.table)
    return i, _on(one, i, scope)


# ---------------------------------------------------------------- criteria


def _on(one: Asked, i: FromClause, scope: Scope) -> list[ColumnElement[bool]]:
    if one.table is text_terms:
        return [matches(i, (scope.shard, one.params, one.terms))]
    param = i.c.param
    number = param == one.params[0] if len(one.params) == 1 else param.in_(one.params)
    return [i.c.shard == scope.shard, number, one.where(i)]


def _keys_of(one: Asked, scope: Scope) -> Select[Any]:
    i = scope.alias(one.table)
    found = select(i.c.pk).where(*_on(one, i, scope))
    return found.where(*_others(one, i, scope))


def _others(one: Asked, i: FromClause, scope: Scope) -> list[ColumnElement[bool]]:
    """Ask the rest of the same version: components in the same element, terms of the same text."""
    conditions: list[ColumnElement[bool]] = []
    for other in one.together:
        j = scope.alias(other.table)
        same = [*_on(other, j, scope), j.c.pk == i.c.pk]
        if "grp" in j.c and "grp" in i.c:
            same.append(j.c.grp == i.c.grp)
        conditions.append(exists(select(1).where(*same).correlate(i)))
    return conditions


def _criterion_holds(criterion: Criterion, v: FromClause, scope: Scope) -> ColumnElement[bool]:
    own = own_condition(criterion, v, scope.now_us)
    if own is not None:
        return own
    if criterion.is_missing is not None:
        present = or_(false(), *(_row_of(one, v, scope) for one in asked(criterion, scope.now_us)))
        return ~present if criterion.is_missing else present
    found = or_(false(), *(_row_of(one, v, scope) for one in asked(criterion, scope.now_us)))
    return ~found if criterion.modifier in NEGATIVE else found


def _row_of(one: Asked, v: FromClause, scope: Scope) -> ColumnElement[bool]:
    i = scope.alias(one.table)
    inner = select(1).where(i.c.pk == v.c.pk, *_on(one, i, scope), *_others(one, i, scope))
    return exists(inner.correlate(v))


def _union(parts: list[Select[Any]]) -> Select[Any]:
    if len(parts) == 1:
        return parts[0]
    found = parts[0].union(*parts[1:]).subquery()
    return select(found.c.pk)


# ---------------------------------------------------------------- chains


def _points_to(r: FromClause, v: FromClause, types: tuple[str, ...]) -> ColumnElement[bool]:
    """Join a reference's row to its target: the id, and the type that stands as its space."""
    return and_(
        v.c.id == r.c.value,
        or_(*(and_(r.c.space == space_number(t), v.c.type == t) for t in types)),
    )


def _chain_rows(chain: Chain, r: FromClause, scope: Scope) -> Select[Any]:
    t = scope.alias(version)
    begin = keys(chain.inner, scope)
    statement = select(r.c.pk).where(
        r.c.shard == scope.shard,
        r.c.param.in_(numbers(chain.types, chain.code)),
        *scope.live(t),
        _points_to(r, t, chain.targets),
    )
    if begin is not None:
        return statement.where(t.c.pk.in_(begin))
    return statement.where(holds(chain.inner, t, scope))


def _has_ids(has: Has, scope: Scope) -> Select[Any]:
    """List the ids that visible resources point to, which fulfil the inner condition."""
    r, o = scope.alias(exact_index), scope.alias(version)
    spaces = [space_number(type_) for type_ in has.types]
    statement = select(r.c.value).where(
        r.c.shard == scope.shard,
        r.c.param.in_(numbers((has.source,), has.code)),
        r.c.space.in_(spaces),
        o.c.pk == r.c.pk,
        *scope.live(o),
    )
    begin = keys(has.inner, scope)
    if begin is not None:
        return statement.where(o.c.pk.in_(begin))
    return statement.where(holds(has.inner, o, scope))
