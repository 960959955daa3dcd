"""A tenant's own search parameters as rows, and in memory as the writers index by them."""

from dataclasses import dataclass, field
from typing import Literal

from gateway.fhir import codec
from gateway.fhir.definitions import Definitions, SearchParameter, search_parameter
from gateway.fhir.search_index import Extract, Rows, compile_parameter
from gateway.records import IndexRow, Resource
from gateway.store.database import Database

State = Literal["building", "active", "changing", "retired", "gone"]
"""``changing``: the rows of what it was before are being deleted; it is built anew then."""
GENERATION = "SELECT coalesce(max(generation), 0) FROM search_parameter WHERE shard = ?"
_ROWS = (
    "SELECT url, definition, state, generation FROM search_parameter WHERE shard = ? ORDER BY url"
)


class StaleParametersError(Exception):
    """A commit was indexed by older parameters than the database has; it is prepared again."""


@dataclass(frozen=True, slots=True)
class OwnParameters:
    """What one process knows of them. ``active`` ones answer; ``building`` ones will."""

    generation: int = 0
    active: dict[str, dict[str, SearchParameter]] = field(default_factory=dict)
    building: dict[str, dict[str, SearchParameter]] = field(default_factory=dict)
    _extracts: dict[str, list[Extract]] = field(default_factory=dict)

    def rows(self, resource: Resource) -> tuple[IndexRow, ...]:
        """Give the index rows of these parameters alone."""
        found = Rows()
        for extract in self._extracts.get(resource["resourceType"], ()):
            extract(resource, found)
        return tuple(found)


def read_parameters(database: Database, shard: int, definitions: Definitions) -> OwnParameters:
    """Read and compile all of a tenant."""
    rows = database.rows(_ROWS, (shard,))
    known = OwnParameters(max((row[3] for row in rows), default=0))
    for _, text, state, _generation in rows:
        if state in {"retired", "gone"}:
            continue
        definition = codec.decode_stored(text.encode())
        parameter = search_parameter(definition)
        where = known.active if state == "active" else known.building
        for type_ in definition["base"]:
            where.setdefault(type_, {})[parameter.code] = parameter
            if state != "changing":
                extracts = known._extracts.setdefault(type_, [])
                extracts += compile_parameter(definitions, type_, parameter)
    return known
