"""``_include`` and ``_revinclude``: follow indexed references from the matches and to them."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, select

from gateway.errors import GatewayError
from gateway.fhir.search_model import Include
from gateway.records import Stored
from gateway.store.keys import space_number
from gateway.store.schema import exact_index, version
from gateway.store.search_sql import Scope, numbers
from gateway.store.versions import select_columns, to_stored

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
    i = exact_index.alias()
    for part in _parts(pks):
        statement = select(i.c.value, i.c.space).where(
            i.c.shard == scope.shard,
            i.c.pk.in_(part),
            i.c.param.in_(_params(one)),
            i.c.space != 0,
        )
        if one.target is not None:
            statement = statement.where(i.c.space == space_number(one.target))
        for value, space in connection.execute(statement):
            targets.setdefault(value, set()).add(space)
    found: Found = {}
    v = version.alias("v")
    for ids in _parts(sorted(targets)):
        statement = select_columns(v).where(*scope.live(v), v.c.id.in_(ids))
        for row in connection.execute(statement):
            if space_number(row.type) in targets[row.id]:
                found[row.type, row.id] = (row.pk, to_stored(scope.shard, tuple(row)))
    return found


def _back(connection: Connection, scope: Scope, one: Include, wave: Found) -> Found:
    wanted = [key for key in wave if one.target in {None, key[0]}]
    spaces = {space_number(type_) for type_, _ in wanted}
    pointed = {(id_, space_number(type_)) for type_, id_ in wanted}
    found: Found = {}
    v, i = version.alias("v"), exact_index.alias()
    for ids in _parts(sorted({id_ for _, id_ in wanted})):
        statement = (
            select_columns(v)
            .add_columns(i.c.value, i.c.space)
            .where(
                *scope.live(v),
                i.c.shard == scope.shard,
                i.c.pk == v.c.pk,
                i.c.param.in_(_params(one)),
                i.c.value.in_(ids),
                i.c.space.in_(spaces),
            )
            .order_by(v.c.pk.desc())
            .limit(LIMIT + 1)
        )
        for row in connection.execute(statement):
            if (row[-2], row[-1]) in pointed:
                found[row.type, row.id] = (row.pk, to_stored(scope.shard, tuple(row)[:-2]))
    return found


def _params(one: Include) -> list[int]:
    return [number for code in one.codes for number in numbers((one.source,), code)]


def _parts(values: Sequence[int] | Sequence[str]) -> Iterable[Sequence[int] | Sequence[str]]:
    for start in range(0, len(values), _STEP):
        yield values[start : start + _STEP]
