"""What an expression may ask of its surroundings; all of it is handed in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

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


class Env:
    """The state of one evaluation: ``$this``, ``$index``, ``$total`` and defined variables."""

    __slots__ = ("context", "defined", "index", "origin", "this", "total")

    def __init__(self, context: Context, origin: Collection) -> None:
        self.context = context
        self.origin = origin
        self.this = origin
        self.index: int | None = None
        self.total: Collection = []
        self.defined: dict[str, Collection] = {}
