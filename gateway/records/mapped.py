"""MAP and VALIDATE: what a record tells as resources, and who checks them."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from gateway.records.plain import Format, Issue, Json, Place, Resource
from gateway.records.received import Parsed

LineageKind = Literal[
    "copied", "translated", "constant", "profile-fixed", "generated", "derived", "default"
]


class Lineage(msgspec.Struct, frozen=True, gc=False):
    """Where one leaf of the output came from; ``pointer`` is a JSON pointer into the bundle."""

    pointer: str
    kind: LineageKind
    sources: tuple[Place, ...]
    rule: str
    code_row: str | None = None


class BusinessKey(msgspec.Struct, frozen=True, gc=False):
    """A business identifier that names a resource within its member (or, ``shared``, for all)."""

    type: str
    system: str
    value: str
    is_shared: bool = False


class Contribution(msgspec.Struct, frozen=True):
    """One resource as one record tells it.

    ``keys``: every business key present, the naming one first. ``write``: ``replace`` states the
    whole resource, ``merge`` only the elements it holds (an Encounter is told by ADT, by CDA and
    by the insurance messages), ``once`` writes only when nothing is stored.
    """

    resource: Resource
    keys: tuple[BusinessKey, ...]
    write: Literal["replace", "merge", "once"] = "replace"
    cleared: frozenset[str] = frozenset()


class Trace(Protocol):
    """Where a record's resources came from, and what of it nobody read: written out when asked."""

    @property
    def lineage(self) -> tuple[Lineage, ...]:
        """One row for each leaf of the resources."""

    @property
    def unread(self) -> tuple[Place, ...]:
        """Every value of the source that no rule read and the mapping does not ignore."""


class Mapped(msgspec.Struct, frozen=True):
    """What a mapping made of one record."""

    contributions: tuple[Contribution, ...]
    mapping: str
    mapping_hash: str
    event_time: str | None
    trace: Trace | None = None
    issues: tuple[Issue, ...] = ()
    profile: str | None = None

    @property
    def lineage(self) -> tuple[Lineage, ...]:
        """One row for each leaf of the resources."""
        return self.trace.lineage if self.trace else ()

    @property
    def unread(self) -> tuple[Place, ...]:
        """Every value of the source that no rule read and the mapping does not ignore."""
        return self.trace.unread if self.trace else ()

    def bundle(self) -> Resource:
        """The contributions as a FHIR transaction Bundle of updates."""
        entries = [
            {
                "fullUrl": f"urn:uuid:{c.resource['id']}",
                "resource": c.resource,
                "request": {
                    "method": "PUT",
                    "url": f"{c.resource['resourceType']}/{c.resource['id']}",
                },
            }
            for c in self.contributions
        ]
        return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


class Program(Protocol):
    """A compiled mapping (``gateway.mapping``)."""

    id: str
    hash: str
    format: Format

    def accepts(self, parsed: Parsed) -> bool:
        """Say whether the mapping's source selector matches the record."""

    def run(self, parsed: Parsed, context: "MapContext") -> Mapped:
        """Map one record; raise GatewayError GW-3xxx with source place and rule line."""


@dataclass(frozen=True, slots=True)
class MapContext:
    """What a mapping may know besides the record: whose it is and how ids are made."""

    member: str
    zone: str | None
    received_utc: datetime
    id_for: Callable[[BusinessKey], str]
    options: Mapping[str, Json] = field(default_factory=dict)


class Checks(Protocol):
    """A compiled validator (``gateway.validation``)."""

    def check(self, resource: Resource, profiles: Sequence[str] = ()) -> list[Issue]:
        """Check one resource (a Bundle with all its entries) against R4 and the profiles."""


class ShardChecks(Checks, Protocol):
    """Validators that know what each shard has stored (``gateway.validation.shards``)."""

    def of(self, shard: int) -> Checks:
        """Give the validator of a shard."""

    def committed(self, shard: int, types: Iterable[str]) -> None:
        """Learn that resources of these types were written or deleted in a shard."""


class CodeSets(Protocol):
    """The loaded terminology, as ``:in`` ``:not-in`` ``:above`` ``:below`` of a search ask it."""

    def members(self, value_set: str) -> Mapping[str, Collection[str]] | None:
        """Give a value set's codes by system; None when not loaded or not to be listed."""

    def related(
        self, system: str, code: str, direction: Literal["above", "below"]
    ) -> Collection[str] | None:
        """Give a code and its ancestors or descendants; None when the system is not loaded."""
