"""``_include`` and ``_revinclude``: follow indexed references from the matches and to them."""

from collections.abc import Iterable, Sequence
from functools import cache, partial

from sqlalchemy import ColumnElement, Connection, select
from sqlalchemy.sql import FromClause

from gateway.errors import GatewayError
from gateway.fhir.definitions import load
from gateway.fhir.search_model import Include
from gateway.records import Stored
from gateway.store.keys import parameter_number, space_number
from gateway.store.schema import exact_index, version
from gateway.store.search_sql import among, numbers
from gateway.store.search_steps import Scope
from gateway.store.versions import COLUMNS, select_columns, to_stored

LIMIT = 5_000
_STEP = 500

Found = dict[tuple[str, str], tuple[int, Stored]]
"""(type, id) → (key of the version, version)."""


def include(
    connection: Connection, scope: Scope, includes: Sequence[Include], matches: Found
) -> tuple[Stored, ...]:
    """Give the resources to add, without the matches and without repeats.

    ``:iterate`` follows what was included too, until nothing new comes. Raises GW-7105 beyond
    the limit: an answer is never cut off silently.
    """
    known: Found = dict(matches)
    wave = matches
    is_first = True
    while wave:
        new: Found = {}
        for one in includes:
            if not (is_first or one.is_iterated):
                continue
            follow = _back if one.is_reverse else _forward
            for key, found in follow(connection, scope, one, wave).items():
                if key not in known:
                    new[key] = found
        known.update(new)
        if len(known) - len(matches) > LIMIT:
            raise GatewayError("GW-7105", limit=LIMIT)
        wave, is_first = new, False
    return tuple(stored for key, (_, stored) in known.items() if key not in matches)


def _forward(connection: Connection, scope: Scope, one: Include, wave: Found) -> Found:
    pks = [pk for (type_, _), (pk, _) in wave.items() if type_ == one.source]
    targets: dict[str, set[int]] = {}
    i = scope.alias(exact_index)
    for part in _parts(pks):
        statement = select(i.c.value, i.c.space).where(
            i.c.shard == scope.shard,
            i.c.pk.in_(part),
            among(i.c.param, _params(one)),
            i.c.space != 0 if one.target is None else i.c.space == space_number(one.target),
        )
        for value, space in connection.execute(statement):
            targets.setdefault(value, set()).add(space)
    found: Found = {}
    v = version.alias("v")
    types = sorted({_types()[space] for several in targets.values() for space in several})
    for ids in _parts(sorted(targets)):
        statement = select_columns(v).where(*scope.live(v), v.c.type.in_(types), v.c.id.in_(ids))
        for row in connection.execute(statement):
            if space_number(row.type) in targets[row.id]:
                found[row.type, row.id] = (row.pk, to_stored(scope.shard, tuple(row)))
    return found


def _version_of(i: FromClause, scope: Scope, v: FromClause) -> list[ColumnElement[bool]]:
    return [v.c.pk == i.c.pk, *scope.live(v)]


@cache
def _types() -> dict[int, str]:
    """Give the resource types by the numbers that stand in references' rows."""
    return {space_number(type_): type_ for type_ in load().resource_types}


def _back(connection: Connection, scope: Scope, one: Include, wave: Found) -> Found:
    wanted = [key for key in wave if one.target in {None, key[0]}]
    spaces = {space_number(type_) for type_, _ in wanted}
    pointed = {(id_, space_number(type_)) for type_, id_ in wanted}
    found: Found = {}
    for ids in _parts(sorted({id_ for _, id_ in wanted})):
        i = scope.alias(exact_index)
        rows = select(i.c.pk, i.c.value, i.c.space).where(
            i.c.shard == scope.shard,
            among(i.c.param, _params(one)),
            i.c.value.in_(ids),
            among(i.c.space, sorted(spaces)),
        )
        listed = scope.ordered(rows)
        steps, v = scope.then(listed, version, partial(_version_of, listed, scope))
        columns = [v.c[name] for name in COLUMNS]
        statement = select(*columns, listed.c.value, listed.c.space).select_from(steps)
        for row in connection.execute(statement.limit(LIMIT + 1)):
            if (row[-2], row[-1]) in pointed:
                found[row.type, row.id] = (row.pk, to_stored(scope.shard, tuple(row)[:-2]))
    return found


def _params(one: Include) -> list[int]:
    if not one.source:
        return [parameter_number(code) for code in one.codes]
    return [number for code in one.codes for number in numbers((one.source,), code)]


def _parts(values: Sequence[int] | Sequence[str]) -> Iterable[Sequence[int] | Sequence[str]]:
    for start in range(0, len(values), _STEP):
        yield values[start : start + _STEP]
