"""What FHIRPath must know of FHIR: the type of each element, and which types derive from which."""

from typing import Any, Protocol

Children = dict[str, tuple[tuple[str, str], ...]]
"""Element name → its JSON keys with their types (several for a choice element)."""

BACKBONES = frozenset({"BackboneElement", "Element"})
_SYSTEM = "http://hl7.org/fhirpath/System."


class Structures(Protocol):
    """Gives StructureDefinitions with snapshots by type name (``gateway.fhir.definitions``)."""

    def structure(self, name: str, /) -> dict[str, Any] | None:
        """Give the definition of a type, or None."""


def capitalized(text: str) -> str:
    """Raise the first letter: the suffix of a choice element's JSON key."""
    return text[:1].upper() + text[1:]


class Model:
    """Types of elements, read lazily from the definitions.

    A type is named as FHIR names it (``Patient``, ``HumanName``, ``code``); an anonymous type by
    its path (``Patient.contact``).
    """

    def __init__(self, structures: Structures) -> None:
        self._structures = structures
        self._children: dict[str, Children] = {}
        self._bases: dict[str, tuple[str, ...]] = {}
        self._chosen: dict[tuple[str, str], dict[str, tuple[str, str]]] = {}

    def children(self, type_: str) -> Children:
        """Give the elements of a type by name; empty for an unknown type."""
        found = self._children.get(type_)
        if found is None:
            root = type_.partition(".")[0]
            self._read(root)
            found = self._children.setdefault(type_, {})
        return found

    def chosen(self, type_: str, name: str) -> dict[str, tuple[str, str]]:
        """Give the keys of an element, with and without underscore, each as (key, type)."""
        found = self._chosen.get((type_, name))
        if found is None:
            keys = self.children(type_).get(name) or ((name, "string"),)
            found = {given: pair for pair in keys for given in (pair[0], "_" + pair[0])}
            self._chosen[type_, name] = found
        return found

    def definition(self, type_: str, name: str | None = None) -> dict[str, Any] | None:
        """Give the ElementDefinition of a type, or of one of its elements, or None."""
        structure = self._structures.structure(type_.partition(".")[0]) or {}
        path = type_ if name is None else f"{type_}.{name}"
        for element in structure.get("snapshot", {}).get("element", ()):
            if element["path"].removesuffix("[x]") == path:
                found: dict[str, Any] = element
                return found
        return None

    def is_known(self, type_: str) -> bool:
        """Say whether the definitions have this type."""
        return self._structures.structure(type_) is not None

    def bases(self, type_: str) -> tuple[str, ...]:
        """Give the type and all it derives from."""
        found = self._bases.get(type_)
        if found is None:
            found = self._read_bases(type_)
            self._bases[type_] = found
        return found

    def is_a(self, type_: str, wanted: str) -> bool:
        """Say whether a type is the wanted one or derives from it."""
        return type_ == wanted or wanted in self.bases(type_)

    def _read_bases(self, type_: str) -> tuple[str, ...]:
        if "." in type_:
            return (type_, "BackboneElement", "Element")
        chain: list[str] = []
        name = type_
        while name and name not in chain:
            chain.append(name)
            structure = self._structures.structure(name)
            parent = (structure or {}).get("baseDefinition", "")
            name = parent.rpartition("/")[2]
        return tuple(chain)

    def _read(self, root: str) -> None:
        structure = self._structures.structure(root)
        if structure is None or structure.get("derivation") == "constraint":
            return
        elements = structure.get("snapshot", {}).get("element", [])
        tables: dict[str, Children] = {root: {}}
        for element in elements[1:]:
            path: str = element["path"]
            owner, _, name = path.rpartition(".")
            table = tables.setdefault(owner, {})
            table[name.removesuffix("[x]")] = _keys(element, path, name)
        for owner, table in tables.items():
            self._children.setdefault(owner, table)


def type_code(entry: dict[str, Any]) -> str:
    """Give a type's FHIR name, also where ids and urls are declared with FHIRPath's own types."""
    code: str = entry.get("code", "")
    if code.startswith(_SYSTEM):
        for extension in entry.get("extension", ()):
            if extension.get("url", "").endswith("structuredefinition-fhir-type"):
                named: str = extension.get("valueUrl") or extension.get("valueUri") or "string"
                return named
        return code.removeprefix(_SYSTEM).lower()
    return code


def _keys(element: dict[str, Any], path: str, name: str) -> tuple[tuple[str, str], ...]:
    if "contentReference" in element:
        return ((name, element["contentReference"].rpartition("#")[2]),)
    types = [type_code(entry) for entry in element.get("type", ())]
    if name.endswith("[x]"):
        stem = name[:-3]
        return tuple((stem + capitalized(code), code) for code in types)
    code = types[0] if types else "string"
    return ((name, path if code in BACKBONES else code),)
