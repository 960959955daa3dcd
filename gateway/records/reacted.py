"""What the domain is told, may ask, and adds to a write."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.records.mapped import MapContext
from gateway.records.plain import Issue, Resource
from gateway.records.stored import Exclusion, Notice, Relation


class Reading(Protocol):
    """What reactions may ask of the store within their shard (current versions only)."""

    def read(self, type_: str, id_: str) -> Resource | None:
        """Give the current version or None."""

    def find(self, type_: str, **parameters: str) -> list[Resource]:
        """Search by exact parameter values, as the FHIR search would (underscores for dashes)."""

    def person_of(self, type_: str, id_: str) -> str | None:
        """Give the person that a stored resource is about."""

    def member_of(self, organization: str) -> str | None:
        """Give the member whose directory entry is ``Organization/<id>``."""

    def owner_of(self, type_: str, id_: str) -> str | None:
        """Give the member whose record it is."""


@dataclass(frozen=True, slots=True)
class Reaction:
    """What the domain adds to a write: resources, relations, notices, findings."""

    resources: tuple[tuple[str, Resource], ...] = ()
    relations: tuple[Relation, ...] = ()
    ended_relations: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()
    issues: tuple[Issue, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """What a reaction is told: the new version, the one before, whose it is, and the clock."""

    resource: Resource
    previous: Resource | None
    owner: str
    person: str | None
    now_utc: datetime


Reactor = Callable[[Sequence[Event], Reading, "MapContext"], Reaction]
