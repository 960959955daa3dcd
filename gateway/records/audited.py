"""SERVE: what a request read or wrote, and the row that tells of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

UNNAMED = 0
"""The shard of accesses that name no consortium: who they come from is not known."""


class _Touched(Protocol):
    """A version, as far as the trail names it."""

    @property
    def type(self) -> str:
        """Its type."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def person(self) -> str | None:
        """Keyed hash of the person it is about."""


@dataclass(slots=True)
class Seen:
    """What one request touched, gathered while it is answered.

    ``resources`` are ``Type/id`` with the person (keyed hash) that each is about; ``steps`` the
    parts of a batch or transaction with how each ended.
    """

    resources: dict[str, str | None] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)

    def add(self, found: Iterable[_Touched]) -> None:
        """Take up versions that are told to the asker, or written."""
        for one in found:
            self.resources[f"{one.type}/{one.id}"] = one.person

    @property
    def persons(self) -> list[str]:
        """The persons touched, each once."""
        return sorted({person for person in self.resources.values() if person})


@dataclass(frozen=True, slots=True)
class Audited:
    """One access as the audit trail keeps it.

    ``agent`` is the user where one signed in, ``word`` the interaction or operation, ``status``
    that of HTTP. ``key`` and ``at_utc`` are given by the store.
    """

    shard: int
    client: str
    member: str
    method: str
    word: str
    path: str
    query: str
    status: int
    agent: str | None = None
    purpose: str | None = None
    reason: str | None = None
    error: str | None = None
    peer: str | None = None
    seen: Seen = field(default_factory=Seen)
    key: int = 0
    at_utc: datetime | None = None
