"""Statements whose plan is in their shape: every step is asked of the rows of the step before.

A planner that guesses sizes from stale statistics may read a table from the wrong end and take
minutes. So the order of the steps is chosen here and stated in a way that neither engine changes:
on PostgreSQL a step is a LATERAL subquery with OFFSET 0 and a test a sub-select with OFFSET 0, on
SQLite a CROSS JOIN.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, exists, literal_column, select, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import FromClause
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.selectable import Join

from gateway.records import Visibility
from gateway.store.database import Snapshot
from gateway.store.keys import first_key
from gateway.store.snapshots import seen
from gateway.store.visibility import visible

On = Callable[[FromClause], list[ColumnElement[bool]]]
_ZERO: ColumnElement[int] = literal_column("0")


class _Fixed(Join):
    """A join whose left side is always read first."""

    inherit_cache = True


@compiles(_Fixed, "sqlite")
def _fixed(element: _Fixed, compiler: SQLCompiler, **options: Any) -> str:
    options.pop("asfrom", None)
    options.pop("from_linter", None)
    left = compiler.process(element.left, asfrom=True, **options)
    right = compiler.process(element.right, asfrom=True, **options)
    on = "" if element.onclause is None else compiler.process(element.onclause, **options)
    return f"{left} CROSS JOIN {right} ON {on}"


@lru_cache(maxsize=1024)
def _alias(table: Table, number: int) -> FromClause:
    # Making one costs more than the rest of a condition: its columns are made anew.
    return table.alias(f"t{number}")


@dataclass(frozen=True, slots=True)
class Scope:
    """Within what a search runs: who asks, in which snapshot, when, on which engine.

    ``until_ms``: only what was written before that time (since 1970) matches.
    """

    visibility: Visibility
    snapshot: Snapshot | None
    now_us: int
    engine: str
    until_ms: int | None = None
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
        # Imported late: the conditions of a narrowed scope are built of the steps in this module.
        from gateway.store.narrowing import narrowed

        return [
            *visible(v, self.visibility, self.now_us),
            *narrowed(v, self),
            seen(v, self.snapshot),
            v.c.is_deleted.is_(False),
        ]

    def matching(self, v: FromClause) -> list[ColumnElement[bool]]:
        """Say that a version is live and may be among the matches."""
        if self.until_ms is None:
            return self.live(v)
        return [*self.live(v), v.c.pk < first_key(self.until_ms)]

    def ordered(self, statement: Select[Any]) -> FromClause:
        """Make a statement with an ORDER BY the first step."""
        if self.engine == "postgresql":
            statement = statement.offset(_ZERO)
        return statement.subquery(f"o{next(self._numbers)}")

    def then(self, before: FromClause, table: Table, on: On) -> tuple[FromClause, FromClause]:
        """Add a step: the rows of ``table`` for each row before; give the whole and the step."""
        inner = self.alias(table)
        if self.engine != "postgresql":
            return _Fixed(before, inner, and_(*on(inner))), inner
        asked = select(*inner.c).where(*on(inner)).offset(_ZERO).correlate_except(inner)
        step = asked.lateral(f"l{next(self._numbers)}")
        return before.join(step, true()), step

    def rows_of_version(self, table: Table, v: FromClause, params: Sequence[int]) -> FromClause:
        """Give the rows of one version, found by its key before their values are looked at."""
        i = self.alias(table)
        if self.engine != "postgresql":
            return i
        mine = (i.c.shard == self.shard, i.c.pk == v.c.pk, i.c.param.in_(params))
        found = select(*i.c).where(*mine).offset(_ZERO).correlate_except(i)
        return found.lateral(f"m{next(self._numbers)}")

    def any_row(self, statement: Select[Any]) -> ColumnElement[bool]:
        """Ask whether a correlated statement has a row, of one outer row at a time."""
        if self.engine == "postgresql":
            statement = statement.offset(_ZERO)
        return exists(statement)
