"""Validators that know what is stored: one for each shard, over the deployment's own."""

from collections.abc import Callable, Iterable, Sequence
from threading import Lock

from gateway.records import Issue, Resource
from gateway.validation import Validator

DEFINITIONS = frozenset(
    {"StructureDefinition", "ValueSet", "CodeSystem", "Questionnaire", "Measure"}
)
"""The types whose stored resources take part in validation."""

Stored = Callable[[int], Iterable[Resource]]


class ShardValidators:
    """Gives each shard its validator; a stored definition takes effect with the next check.

    What the release or the deployment defines cannot be redefined by what is stored, so that no
    member weakens the rules of all. Threads that check while a shard is forgotten end with the
    definitions they began with.
    """

    def __init__(self, deployed: Validator, stored: Stored) -> None:
        """Take the deployment's validator and what gives a shard's stored definitions."""
        self._deployed, self._stored = deployed, stored
        self._lock = Lock()
        self._made: dict[int, Validator] = {}
        self._changes: dict[int, int] = {}

    def check(self, resource: Resource, profiles: Sequence[str] = ()) -> list[Issue]:
        """Check against what the deployment knows, without any shard's own definitions."""
        return self._deployed.check(resource, profiles)

    def of(self, shard: int) -> Validator:
        """Give a shard's validator; its definitions are read when it is first asked for."""
        made = self._made.get(shard)
        if made is not None:
            return made
        before = self._changes.get(shard, 0)
        own = [one for one in self._stored(shard) if not self._deployed.knows(one)]
        made = self._deployed.with_definitions(own) if own else self._deployed
        with self._lock:
            # A definition stored in between is not among those that were read.
            if self._changes.get(shard, 0) == before:
                self._made[shard] = made
        return made

    def committed(self, shard: int, types: Iterable[str]) -> None:
        """Learn that resources of these types were written or deleted in a shard."""
        if DEFINITIONS.isdisjoint(types):
            return
        with self._lock:
            self._changes[shard] = self._changes.get(shard, 0) + 1
            self._made.pop(shard, None)
