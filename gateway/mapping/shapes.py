"""The elements of R4 as a mapping sees them: name, type, how often, which children.

Read from the StructureDefinitions through a small Protocol, one type at a time and only when a
mapping names it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

STRINGS = frozenset(
    {"string", "code", "markdown", "uri", "url", "canonical", "oid", "uuid", "id", "base64Binary"}
)
NUMBERS = frozenset({"decimal", "integer", "positiveInt", "unsignedInt"})
TIMES = frozenset({"date", "dateTime", "instant", "time"})
PRIMITIVES = STRINGS | NUMBERS | TIMES | {"boolean", "xhtml"}


class Structures(Protocol):
    """What is needed of the R4 definitions (``gateway.fhir.definitions``)."""

    @property
    def resource_types(self) -> frozenset[str]:
        """Name the resource types."""

    def structure(self, name: str) -> dict[str, Any] | None:
        """Give a StructureDefinition with its snapshot."""

    def code_system(self, url: str) -> dict[str, Any] | None:
        """Give a CodeSystem."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element: ``shape`` names its children's shape; ``targets`` what a Reference may name."""

    name: str
    path: str
    type: str
    is_many: bool
    is_required: bool
    shape: str
    targets: tuple[str, ...] = ()
    choice: str | None = None

    @property
    def is_primitive(self) -> bool:
        """Say whether it holds a single value."""
        return self.type in PRIMITIVES


_MAX_SYSTEMS = 4096


def _codes(concepts: Iterable[dict[str, Any]]) -> Iterator[str]:
    for concept in concepts:
        yield concept["code"]
        yield from _codes(concept.get("concept", ()))


class Shapes:
    """Elements by shape: a type name (``Patient``, ``HumanName``) or an inner path."""

    def __init__(self, structures: Structures) -> None:
        self._structures = structures
        self._made: dict[str, Mapping[str, Element]] = {}
        self._codes: dict[str, frozenset[str] | None] = {}

    @property
    def resource_types(self) -> frozenset[str]:
        """Name the resource types of R4."""
        return self._structures.resource_types

    def codes_of(self, system: str) -> frozenset[str] | None:
        """Give the codes of a code system that R4 brings complete, else None."""
        if system not in self._codes:
            if len(self._codes) >= _MAX_SYSTEMS:
                self._codes.clear()
            found = self._structures.code_system(system)
            is_complete = found is not None and found.get("content") == "complete"
            codes = frozenset(_codes(found.get("concept", ()))) if found and is_complete else None
            self._codes[system] = codes or None
        return self._codes[system]

    def elements(self, shape: str) -> Mapping[str, Element]:
        """Give the elements of a shape by name; empty when there is no such shape."""
        known = self._made.get(shape)
        if known is None:
            self._load(shape.partition(".")[0])
            known = self._made.setdefault(shape, {})
        return known

    def _load(self, type_: str) -> None:
        definition = self._structures.structure(type_)
        if definition is None:
            return
        made: dict[str, dict[str, Element]] = {type_: {}}
        for item in definition["snapshot"]["element"]:
            path = str(item["path"])
            parent, _, name = path.rpartition(".")
            if not parent or ":" in str(item.get("id", "")):
                continue
            for element in _elements(path, name, item):
                made.setdefault(parent, {})[element.name] = element
        self._made.update(made)


def _elements(path: str, name: str, item: Mapping[str, Any]) -> list[Element]:
    many = item.get("max", "1") not in ("0", "1")
    required = int(item.get("min", 0)) > 0
    reference = item.get("contentReference")
    if reference:
        shape = str(reference).rpartition("#")[2]
        return [Element(name, path, "BackboneElement", many, required, shape)]
    types = item.get("type") or []
    is_choice = name.endswith("[x]")
    made = []
    for entry in types:
        code = _code(str(entry["code"]))
        own = name[:-3] + code[0].upper() + code[1:] if is_choice else name
        shape = path if code in ("BackboneElement", "Element") else code
        targets = tuple(str(t).rpartition("/")[2] for t in entry.get("targetProfile", ()))
        choice = name if is_choice else None
        made.append(Element(own, path, code, many, required, shape, targets, choice))
    return made if is_choice else made[:1]


def _code(code: str) -> str:
    """Turn a FHIRPath system type (of ids and extension URLs) into the primitive it stands for."""
    if code.startswith("http://hl7.org/fhirpath/System."):
        return code.rpartition(".")[2].lower()
    return code
