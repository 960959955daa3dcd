"""What an expression may ask of its surroundings; all of it is handed in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.fhir.fhirpath.errors import TooManySteps
from gateway.fhir.fhirpath.model import Model
from gateway.fhir.fhirpath.values import Collection, Node

Resolver = Callable[[str], dict[str, Any] | None]
Membership = Callable[[str, Any], bool | None]
Conformance = Callable[[Node, str], bool | None]

CONSTANTS = {
    "ucum": "http://unitsofmeasure.org",
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
}


@dataclass(slots=True)
class Context:
    """The surroundings of one resource.

    ``resource`` is ``%resource`` (the contained one inside a contained resource), ``root`` is
    ``%rootResource``. ``resolve`` finds what a reference names, ``member_of`` asks a value set
    (None: cannot be said), ``conforms_to`` a profile, ``html`` the narrative's rules; ``now`` is
    the moment of ``now()`` and ``today()``. Whatever is None answers empty.
    """

    model: Model
    resource: Any = None
    root: Any = None
    resolve: Resolver | None = None
    member_of: Membership | None = None
    conforms_to: Conformance | None = None
    html: Callable[[str], bool] | None = None
    now: datetime | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)


MAX_STEPS = 1_000_000
"""So many items may one evaluation touch: a stored profile's expression may be hostile."""
FREE_SIZE = 64
"""Collections up to this size cost nothing by themselves: what loops over them is counted."""


class Env:
    """The state of one evaluation: ``$this``, ``$index``, ``$total`` and defined variables."""

    __slots__ = ("context", "defined", "index", "origin", "steps", "this", "total")

    def __init__(self, context: Context, origin: Collection) -> None:
        self.context = context
        self.origin = origin
        self.this = origin
        self.index: int | None = None
        self.total: Collection = []
        self.defined: dict[str, Collection] = {}
        self.steps = 0

    def spend(self, steps: int) -> None:
        """Count the items that are about to be touched; raise TooManySteps."""
        self.steps += steps
        if self.steps > MAX_STEPS:
            raise TooManySteps(MAX_STEPS)

    def charge(self, found: Collection) -> None:
        """Count a result that is larger than its cause: many items, or one long text."""
        size = len(found)
        if size > FREE_SIZE:
            self.spend(size)
        elif size == 1 and type(found[0]) is str and len(found[0]) > _LONG_TEXT:
            self.spend(len(found[0]) // FREE_SIZE)


_LONG_TEXT = 1_000
