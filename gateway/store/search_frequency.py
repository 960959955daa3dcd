"""How many versions fulfil a condition, counted up to a limit in its index and kept for a while."""

import math
from typing import Any

from sqlalchemy import Connection, Select, func, select

from gateway.fhir.search_model import Chain, Condition, Has
from gateway.store.frequencies import Frequencies
from gateway.store.schema import version
from gateway.store.search_sql import keys
from gateway.store.search_steps import Scope

_STEP = 10_000
"""Up to so many targets of a reference are listed one by one."""
_LARGE_TYPE, _LEAST, _PAGE = 200_000, 500, 30


class Counter:
    """Counts within one search."""

    def __init__(self, kept: Frequencies, connection: Connection, scope: Scope) -> None:
        self._kept = kept
        self._connection = connection
        self._scope = scope

    def few(self, types: tuple[str, ...]) -> int:
        """Say up to how many versions are better listed than met on the way through their type.

        Listing n costs n, meeting a page of them among t costs about page * t / n.
        """
        size = self._count((self._scope.shard, types), self._of_types(types), _LARGE_TYPE)
        return max(_LEAST, math.isqrt(2 * _PAGE * size))

    def count(self, condition: Condition, limit: int) -> int | None:
        """Count up to a limit; None when a condition cannot be listed."""
        if isinstance(condition, Chain | Has):
            inner = self.count(condition.inner, _STEP)
            if inner is None or inner >= _STEP:
                return limit
        listed = keys(condition, self._scope)
        if listed is None:
            return None
        return self._count((self._scope.shard, condition, limit), listed, limit)

    def sample(self, key: Any, found: Select[Any], limit: int) -> int:
        """Count what a statement finds, up to a limit."""
        return self._count(key, found, limit)

    def _of_types(self, types: tuple[str, ...]) -> Select[Any]:
        return select(version.c.pk).where(
            version.c.shard == self._scope.shard, version.c.type.in_(types)
        )

    def _count(self, key: Any, listed: Select[Any], limit: int) -> int:
        known = self._kept.get(key)
        if known is None:
            limited = listed.limit(limit).subquery()
            rows = self._connection.execute(select(func.count()).select_from(limited))
            known = int(rows.scalar_one())
            self._kept.put(key, known)
        return known
