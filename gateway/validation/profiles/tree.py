"""A profile as a sparse tree: only the elements that it constrains, slices under their element.

Made from the snapshot or, without one, from the differential laid over the base profile's tree;
what merely repeats the base type is pruned, so that no defect is reported twice.
"""

import copy
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

from gateway.fhir.fhirpath.model import BACKBONES, Model, capitalized, type_code
from gateway.records import Resource
from gateway.validation.artefacts import Artefacts

_EXTENSION = "http://hl7.org/fhir/StructureDefinition/"
_MIN_LENGTH = "http://hl7.org/fhir/StructureDefinition/minLength"


class ProfileError(ValueError):
    """A profile whose tree cannot be made."""


@dataclass(slots=True)
class Part:
    """One element of a profile, or one slice of it.

    ``type_`` is the FHIR type (or anonymous path) whose children the part's children are; None for
    a choice that is still open. ``most`` None means any number.
    """

    name: str
    type_: str | None = None
    is_choice: bool = False
    least: int = 0
    most: int | None = None
    types: list[Resource] | None = None
    fixed: Any = None
    pattern: Any = None
    lowest: tuple[str, Any] | None = None
    highest: tuple[str, Any] | None = None
    max_length: int | None = None
    min_length: int | None = None
    must_have_value: bool = False
    value_alternatives: tuple[str, ...] = ()
    binding: Resource | None = None
    constraints: list[Resource] = field(default_factory=list)
    slicing: Resource | None = None
    slices: dict[str, "Part"] = field(default_factory=dict)
    children: dict[str, "Part"] = field(default_factory=dict)
    extensions: list[Resource] = field(default_factory=list)

    def profiles(self) -> tuple[str, ...]:
        """Name the profiles that the part's type must meet (one of them)."""
        return tuple(url for entry in self.types or () for url in entry.get("profile", ()))


class Trees:
    """Makes the trees of profiles, once each."""

    def __init__(self, artefacts: Artefacts, model: Model) -> None:
        self._artefacts = artefacts
        self._model = model
        self._trees: dict[str, Part] = {}
        self._elements: dict[str, dict[str, Resource]] = {}
        self._making: set[str] = set()
        self._lock = RLock()

    def tree(self, url: str) -> Part | None:
        """Give the tree of a profile; None when it is not loaded; raise ProfileError."""
        found = self._trees.get(url)
        if found is not None:
            return found
        with self._lock:
            definition = self._artefacts.structure(url)
            if definition is None:
                return None
            if url in self._making:
                raise ProfileError("its base definitions form a circle")
            self._making.add(url)
            try:
                found = self._trees[url] = self._make(definition)
            finally:
                self._making.discard(url)
        return found

    def _make(self, definition: Resource) -> Part:
        type_ = str(definition.get("type", "")).rpartition("/")[2]
        if not is_constraint(definition):
            return Part(type_, type_)
        elements = _elements(definition, "snapshot")
        if elements:
            root = Part(type_, type_)
        else:
            url = str(definition.get("baseDefinition", ""))
            parent = self.tree(url)
            if parent is None:
                raise ProfileError(f"its base {url} is not known")
            root = copy.deepcopy(parent)
            elements = _elements(definition, "differential")
        names = _Names()
        for element in elements:
            segments = names.of(element)
            if segments:
                self._apply(root, segments, element)
        return root

    def _apply(self, root: Part, segments: list[tuple[str, str]], element: Resource) -> None:
        part = root
        parent: Resource | None = self.element(root.type_ or "", "")
        is_slice = False
        for name, slice_name in segments[1:]:
            found = self._child(part, name)
            if found is None:
                # An element that the type does not have is the definition's own defect.
                return
            part, parent = found
            is_slice = False
            for one in slice_name.split("/") if slice_name else ():
                part = self._slice(part, one)
                is_slice = True
        _merge(part, element, parent or {}, self._keys(part), is_slice=is_slice)
        if (
            part.types
            and len(part.types) == 1
            and (part.is_choice or part.type_ in (None, "Resource"))
        ):
            part.type_ = type_code(part.types[0])

    def _child(self, part: Part, name: str) -> tuple[Part, Resource | None] | None:
        stem = name.removesuffix("[x]")
        owner = part.type_ or ""
        parent = self.element(owner, stem)
        found = part.children.get(stem)
        if found is None and parent is None:
            chosen = self._choice(owner, stem)
            whole = self._child(part, chosen[0]) if chosen is not None else None
            if whole is None:
                return None
            return self._slice(whole[0], stem), whole[1]
        if found is None:
            found = Part(stem, self._type_of(owner, stem, parent))
            found.is_choice = bool(parent and parent["path"].endswith("[x]"))
            part.children[stem] = found
        return found, parent

    def _slice(self, part: Part, name: str) -> Part:
        found = part.slices.get(name)
        if found is None:
            found = Part(part.name, part.type_, part.is_choice)
            part.slices[name] = found
            if part.is_choice and part.slicing is None:
                part.slicing = {
                    "discriminator": [{"type": "type", "path": "$this"}],
                    "rules": "open",
                }
            code = self._chosen(part, name)
            if code is not None:
                found.type_ = code
                found.types = [{"code": code}]
        return found

    def _chosen(self, part: Part, slice_name: str) -> str | None:
        """Read the type out of a slice's name such as ``valueQuantity``."""
        suffix = slice_name.removeprefix(part.name)
        if not part.is_choice or suffix == slice_name or not suffix:
            return None
        for code in (suffix, suffix[:1].lower() + suffix[1:]):
            if self._model.is_known(code):
                return code
        return None

    def _choice(self, owner: str, key: str) -> tuple[str, str] | None:
        for stem, keys in self._model.children(owner).items():
            for candidate, code in keys:
                if candidate == key and len(keys) > 1:
                    return stem, code
        return None

    def _type_of(self, owner: str, stem: str, parent: Resource | None) -> str | None:
        keys = self._model.children(owner).get(stem, ())
        if parent is None or len(keys) != 1:
            return None
        return keys[0][1]

    def element(self, owner: str, name: str) -> Resource | None:
        """Give the base definition of a type's element, of the type itself without a name."""
        index = self._elements.get(owner.partition(".")[0])
        if index is None:
            root = owner.partition(".")[0]
            structure = self._artefacts.structure(root) if root else None
            index = {
                element["path"].removesuffix("[x]"): element
                for element in (_elements(structure, "snapshot") if structure else ())
            }
            self._elements[root] = index
        return index.get(f"{owner}.{name}" if name else owner)

    def _keys(self, part: Part) -> set[str]:
        """Name the constraints that the part's type brings along."""
        if part.type_ is None:
            return set()
        element = self.element(part.type_, "") or {}
        return {constraint.get("key", "") for constraint in element.get("constraint", ())}


def is_constraint(definition: Resource) -> bool:
    """Say whether a definition constrains a type instead of making one."""
    parent = str(definition.get("baseDefinition", "")).rpartition("/")[2]
    # A profile that calls itself a specialization of its own type is a constraint all the same.
    return definition.get("derivation") == "constraint" or parent == definition.get("type")


def _elements(definition: Resource, view: str) -> list[Resource]:
    found = definition.get(view)
    listed = found.get("element") if isinstance(found, dict) else None
    if not isinstance(listed, list):
        return []
    return [one for one in listed if isinstance(one, dict) and isinstance(one.get("path"), str)]


class _Names:
    """Reads where an element stands: from its id, or from path and sliceName in document order."""

    def __init__(self) -> None:
        self._current: dict[str, str] = {}

    def of(self, element: Resource) -> list[tuple[str, str]]:
        id_ = element.get("id")
        path: str = element["path"]
        if (
            isinstance(id_, str)
            and id_.count(".") == path.count(".")
            and ("sliceName" not in element or ":" in id_)
        ):
            return [_cut(segment) for segment in id_.split(".")]
        stated = element.get("sliceName")
        for known in list(self._current):
            if known.startswith(path + ".") or (known == path and not stated):
                del self._current[known]
        if isinstance(stated, str):
            self._current[path] = stated
        names = path.split(".")
        return [
            (name, self._current.get(".".join(names[: position + 1]), ""))
            for position, name in enumerate(names)
        ]


def _cut(segment: str) -> tuple[str, str]:
    name, _, slice_name = segment.partition(":")
    return name, slice_name


def _stated(element: Resource, prefix: str) -> tuple[str, Any] | None:
    for key, value in element.items():
        if key.startswith(prefix) and key[len(prefix) : len(prefix) + 1].isupper():
            return key[len(prefix) :], value
    return None


def _merge(
    part: Part, element: Resource, parent: Resource, keys: set[str], *, is_slice: bool
) -> None:
    """Lay an element over a part, leaving out what the base type says already."""
    least, most = element.get("min"), element.get("max")
    if isinstance(least, int) and (is_slice or least > parent.get("min", 0)):
        part.least = max(part.least, least)
    if isinstance(most, str) and most.isdigit() and (is_slice or most != parent.get("max")):
        part.most = int(most)
    types = element.get("type")
    if isinstance(types, list) and (is_slice or not _same_types(types, parent.get("type", []))):
        part.types = types
    for prefix in ("fixed", "pattern"):
        stated = _stated(element, prefix)
        if stated is not None and _stated(parent, prefix) != stated:
            setattr(part, prefix, stated[1])
    part.lowest = _stated(element, "minValue") or part.lowest
    part.highest = _stated(element, "maxValue") or part.highest
    if isinstance(element.get("maxLength"), int):
        part.max_length = element["maxLength"]
    binding = element.get("binding")
    if isinstance(binding, dict) and not _same_binding(binding, parent.get("binding")):
        part.binding = binding
    known = keys | {constraint.get("key", "") for constraint in parent.get("constraint", ())}
    present = {constraint.get("key", "") for constraint in part.constraints}
    part.constraints += [
        constraint
        for constraint in element.get("constraint", ())
        if constraint.get("key", "") not in known | present
    ]
    if isinstance(element.get("slicing"), dict) and element["slicing"].get("discriminator"):
        part.slicing = element["slicing"]
    elif isinstance(element.get("slicing"), dict):
        part.slicing = {**element["slicing"], **(part.slicing or {})}
    _merge_extensions(part, element)


def _merge_extensions(part: Part, element: Resource) -> None:
    for extension in element.get("extension", ()):
        url = str(extension.get("url", ""))
        name = url.rpartition("/")[2].rpartition(".")[2]
        if name == "minLength":
            value = extension.get("valueInteger", extension.get("valueUnsignedInt"))
            part.min_length = value if isinstance(value, int) else None
        elif name == "mustHaveValue":
            part.must_have_value = extension.get("valueBoolean") is True
        elif name == "valueAlternatives":
            listed = extension.get("valueCanonical") or extension.get("valueUri")
            part.value_alternatives += (str(listed),)
        else:
            part.extensions.append(extension)
    if element.get("mustHaveValue") is True:
        part.must_have_value = True
    if isinstance(element.get("valueAlternatives"), list):
        part.value_alternatives = tuple(element["valueAlternatives"])


def _same_types(ours: list[Resource], theirs: list[Resource]) -> bool:
    def read(types: list[Resource]) -> set[tuple[Any, ...]]:
        return {
            (
                type_code(one),
                frozenset(one.get("profile", ())),
                frozenset(url.partition("|")[0] for url in one.get("targetProfile", ())),
                frozenset(one.get("aggregation", ())),
            )
            for one in types
        }

    return read(ours) == read(theirs)


def _same_binding(ours: Resource, theirs: Any) -> bool:
    if not isinstance(theirs, dict):
        return False
    if ours.get("extension", []) != theirs.get("extension", []):
        return False
    urls = [str(one.get("valueSet", "")).partition("|")[0] for one in (ours, theirs)]
    return urls[0] == urls[1] and ours.get("strength") == theirs.get("strength")


__all__ = ["BACKBONES", "Part", "ProfileError", "Trees", "capitalized"]
