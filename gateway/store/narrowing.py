"""What a token's scopes narrow by search parameters, as conditions of every query.

``system/Observation.rs?category=laboratory``: the versions of a narrowed type are seen only where
their index rows fulfil one of the alternatives. Index rows of superseded versions are dropped after
a while, so of a narrowed type the current version alone is read and listed.
"""

from functools import lru_cache

from sqlalchemy import ColumnElement, and_, false, or_
from sqlalchemy.sql import FromClause

from gateway.fhir.definitions import load
from gateway.fhir.search_model import Condition
from gateway.fhir.search_query import parse_query
from gateway.records import Pairs, Visibility
from gateway.store.keys import CURRENT
from gateway.store.search_sql import holds
from gateway.store.search_steps import Scope


@lru_cache(maxsize=1024)
def _conditions(type_: str, pairs: Pairs) -> tuple[Condition, ...]:
    return parse_query(load(), (type_,), pairs, "strict").conditions


def narrowed(v: FromClause, scope: Scope) -> list[ColumnElement[bool]]:
    """Give the conditions on an alias of ``version``."""
    return [
        or_(v.c.type != type_, _one_of(v, type_, alternatives, scope))
        for type_, alternatives in scope.visibility.narrowed
    ]


def current(v: FromClause, visibility: Visibility) -> list[ColumnElement[bool]]:
    """Keep out the superseded versions of narrowed types."""
    types = [type_ for type_, _ in visibility.narrowed]
    return [or_(v.c.type.not_in(types), v.c.superseded_txn == CURRENT)] if types else []


def _one_of(
    v: FromClause, type_: str, alternatives: tuple[Pairs, ...], scope: Scope
) -> ColumnElement[bool]:
    each = (
        and_(*(holds(one, v, scope) for one in _conditions(type_, pairs))) for pairs in alternatives
    )
    return or_(false(), *each)
