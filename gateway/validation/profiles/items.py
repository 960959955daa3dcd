"""The values of an element in a resource, each with its type and place."""

from dataclasses import dataclass
from typing import Any

from gateway.fhir.fhirpath import Model, Node
from gateway.records import Resource
from gateway.validation.places import Trail


@dataclass(slots=True)
class Item:
    """One value: its JSON, its ``_name`` sibling, its FHIR type, its place."""

    value: Any
    extra: Any
    type: str
    trail: Trail

    @property
    def node(self) -> Node:
        """The value as FHIRPath sees it."""
        return Node(self.value, self.type, self.extra)

    def inner(self) -> Resource | None:
        """Give the object whose members are this element's children."""
        if type(self.value) is dict:
            return self.value
        return self.extra if type(self.extra) is dict else None


def type_of(value: Any, stated: str) -> str:
    """Give the type of a value: a resource says its own."""
    named = value.get("resourceType") if type(value) is dict else None
    return named if type(named) is str else stated


def gather(owner: Resource, owner_type: str, name: str, trail: Trail, model: Model) -> list[Item]:
    """Give the values of a member; of a choice, those of whatever type stands."""
    return gather_keys(owner, model.chosen(owner_type, name), name, trail)


def gather_keys(
    owner: Resource, keys: dict[str, tuple[str, str]], name: str, trail: Trail
) -> list[Item]:
    """Give the values of a member whose keys and types are known (``Model.chosen``)."""
    if len(keys) == 2:
        key, type_ = next(iter(keys.values()))
        value = owner.get(key)
        if type(value) is dict and type_ != "Resource":
            # The usual case by far; an object has no sibling.
            return [Item(value, None, type_, (trail, name, None))]
        pairs = [(key, type_)]
    else:
        # Dozens of types are possible; what stands is soon seen.
        pairs = list({keys[given]: None for given in owner if given in keys})
    found: list[Item] = []
    for key, type_ in pairs:
        value, extra = owner.get(key), owner.get("_" + key)
        if value is None and extra is None:
            continue
        step = name if len(keys) == 2 else f"{name}.ofType({type_})"
        _add(found, value, extra, type_, (trail, step))
    return found


def _add(found: list[Item], value: Any, extra: Any, type_: str, place: tuple[Trail, str]) -> None:
    trail, step = place
    if type(value) is list and extra is None and type_ != "Resource":
        found.extend(
            Item(one, None, type_, (trail, step, index))
            for index, one in enumerate(value)
            if one is not None
        )
        return
    if type(value) is not list and type(extra) is not list:
        found.append(Item(value, extra, type_of(value, type_), (trail, step, None)))
        return
    values = value if type(value) is list else []
    extras = extra if type(extra) is list else []
    for index in range(max(len(values), len(extras))):
        one = values[index] if index < len(values) else None
        more = extras[index] if index < len(extras) else None
        if one is not None or more is not None:
            found.append(Item(one, more, type_of(one, type_), (trail, step, index)))


def meets_pattern(value: Any, pattern: Any) -> bool:
    """Say whether a value holds everything of a pattern (R4, ElementDefinition.pattern)."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(
            key in value and meets_pattern(value[key], inner) for key, inner in pattern.items()
        )
    if isinstance(pattern, list):
        return isinstance(value, list) and all(
            any(meets_pattern(one, inner) for one in value) for inner in pattern
        )
    return bool(value == pattern) and isinstance(value, bool) == isinstance(pattern, bool)


def missing_of(value: Any, pattern: Any, name: str = "") -> str:
    """Name the first member of a pattern that a value lacks, by path only."""
    if isinstance(pattern, dict) and isinstance(value, dict):
        for key, inner in pattern.items():
            if not meets_pattern(value.get(key), inner):
                step = f"{name}.{key}" if name else key
                return missing_of(value[key], inner, step) if key in value else step
    return name or "value"
