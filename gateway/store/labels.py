"""The profiles, tags and security labels that are in use, each found by one look at the index."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select, tuple_

from gateway.fhir import codec
from gateway.store.database import Database
from gateway.store.keys import parameter_number
from gateway.store.schema import exact_index, version
from gateway.store.search_steps import Scope

_CODES = {"profile": "_profile", "security": "_security", "tag": "_tag"}
_NEXT_TYPE = "SELECT type FROM version WHERE shard = ? AND type > ? ORDER BY type LIMIT 1"


def in_use(database: Database, scope: Scope, types: Sequence[str]) -> dict[str, list[Any]]:
    """Give the labels of the visible newest versions of the types, by element of ``meta``."""
    stored = [type_ for type_ in _stored(database, scope.shard) if type_ in types]
    found: dict[str, list[Any]] = {element: [] for element in _CODES}
    with database.reading() as connection:
        for type_ in stored:
            for element, code in _CODES.items():
                _collect(connection, scope, f"{type_}.{code}", element, found[element])
    return found


def _stored(database: Database, shard: int) -> list[str]:
    found: list[str] = []
    while rows := database.rows(_NEXT_TYPE, (shard, found[-1] if found else "")):
        found.append(rows[0][0])
    return found


def _collect(
    connection: Connection, scope: Scope, parameter: str, element: str, found: list[Any]
) -> None:
    """Go from one value of the index to the next, and read each in a version that has it."""
    i, v = scope.alias(exact_index), scope.alias(version)
    place = tuple_(i.c.value, i.c.space)
    statement = (
        select(i.c.value, i.c.space, v.c.body)
        .where(
            i.c.shard == scope.shard,
            i.c.param == parameter_number(parameter),
            v.c.pk == i.c.pk,
            *scope.live(v),
        )
        .order_by(i.c.value, i.c.space)
        .limit(1)
    )
    row = connection.execute(statement).fetchone()
    while row is not None:
        for label in codec.decode_stored(bytes(row.body))["meta"].get(element, ()):
            if identity(label) not in map(identity, found):
                found.append(label)
        following = statement.where(place > tuple_(row.value, row.space))
        row = connection.execute(following).fetchone()


def identity(label: Any) -> tuple[Any, Any]:
    """Tell which label it is: a coding by system and code, a profile by its address."""
    if isinstance(label, dict):
        return (label.get("system"), label.get("code"))
    return (None, label)
