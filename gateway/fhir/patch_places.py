"""Where in a resource a FHIRPath Patch operation applies.

FHIRPath answers with elements, not with places. An object is found again by its identity; of a
primitive, the last name of the path says which member of which object it is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from gateway.fhir import fhirpath
from gateway.fhir.definitions import load
from gateway.fhir.elements import Element, shape
from gateway.fhir.fhirpath import Context, FhirPathError, Model, Node
from gateway.records import Json, Resource

_NAME = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*(\[\s*([0-9]+)\s*\])?\s*\Z", re.ASCII)


class PatchError(Exception):
    """Why an operation cannot be applied, in both languages."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


@dataclass(frozen=True, slots=True)
class Spot:
    """A member of an object, or with ``index`` one item of it."""

    holder: Resource
    key: str
    elements: tuple[Element, ...]
    index: int | None = None

    @property
    def is_list(self) -> bool:
        """Whether the element repeats."""
        return self.elements[0].is_list

    @property
    def is_present(self) -> bool:
        """Whether any form of the element is there."""
        return any(e.key in self.holder or f"_{e.key}" in self.holder for e in self.elements)

    @property
    def length(self) -> int:
        """The number of items, those with extensions only included."""
        return max(len(self.holder.get(key, ())) for key in (self.key, f"_{self.key}"))

    def renamed(self, key: str) -> "Spot":
        """Give the same member under the key of another form of a choice."""
        return replace(self, key=key)

    def put(self, value: Json, extra: Json) -> None:
        """Set a member that does not repeat."""
        for name, content in ((self.key, value), (f"_{self.key}", extra)):
            if content is not None:
                self.holder[name] = content
            else:
                self.holder.pop(name, None)

    def insert(self, index: int, value: Json, extra: Json) -> None:
        """Insert an item before ``index``."""
        values, extras = self._lists()
        values.insert(index, value)
        extras.insert(index, extra)
        self._settle(values, extras)

    def move(self, source: int, destination: int) -> None:
        """Take the item out and put it back at ``destination``."""
        values, extras = self._lists()
        values.insert(destination, values.pop(source))
        extras.insert(destination, extras.pop(source))
        self._settle(values, extras)

    def remove(self) -> None:
        """Remove the item, or the member."""
        if self.index is None:
            self.put(None, None)
            return
        values, extras = self._lists()
        del values[self.index], extras[self.index]
        self._settle(values, extras)

    def replace(self, key: str, value: Json, extra: Json) -> None:
        """Put another value in its place; a choice may change its type."""
        if self.index is None:
            self.put(None, None)
            self.renamed(key).put(value, extra)
            return
        values, extras = self._lists()
        values[self.index], extras[self.index] = value, extra
        self._settle(values, extras)

    def _lists(self) -> tuple[list[Json], list[Json]]:
        size = self.length
        values, extras = (list(self.holder.get(key, ())) for key in (self.key, f"_{self.key}"))
        return (
            values + [None] * (size - len(values)),
            extras + [None] * (size - len(extras)),
        )

    def _settle(self, values: list[Json], extras: list[Json]) -> None:
        for key, items in ((self.key, values), (f"_{self.key}", extras)):
            if any(item is not None for item in items):
                self.holder[key] = items
            else:
                self.holder.pop(key, None)


@dataclass(frozen=True, slots=True)
class Found:
    """The one element that a path names, and its place unless it is the resource itself."""

    node: Node
    spot: Spot | None

    def demand_spot(self) -> Spot:
        """Give the place; raise PatchError for the resource itself."""
        if self.spot is None:
            raise PatchError("path 指向整个资源", "its path names the whole resource")
        return self.spot


@cache
def _model() -> Model:
    return Model(load())


def _nodes(resource: Resource, path: str) -> list[Node]:
    try:
        context = Context(_model(), resource=resource, root=resource)
        found = fhirpath.compile(path).nodes(resource, context)
    except FhirPathError as err:
        raise PatchError("path 不是 FHIRPath", "its path is no FHIRPath") from err
    if not all(isinstance(one, Node) for one in found):
        raise PatchError(
            "path 得出计算值而非元素", "its path computes a value instead of naming an element"
        )
    return found


def target(resource: Resource, path: str) -> Found | None:
    """Find the one element of a path; None when there is none, PatchError for several."""
    found = _nodes(resource, path)
    if not found:
        return None
    if len(found) > 1:
        raise PatchError("path 找到多个元素", "its path finds several elements")
    [node] = found
    if node.value is resource:
        return Found(node, None)
    if isinstance(node.value, dict):
        return Found(node, _of_object(resource, node.value))
    return Found(node, _of_primitive(resource, path, node))


def _of_object(resource: Resource, value: Resource) -> Spot:
    for holder, type_ in _objects(resource, resource["resourceType"]):
        for key, member in holder.items():
            if member is value:
                return Spot(holder, key, _elements(type_, key=key))
            if isinstance(member, list):
                for index, item in enumerate(member):
                    if item is value:
                        return Spot(holder, key, _elements(type_, key=key), index)
    raise PatchError("path 未指向资源内的元素", "its path names no element of the resource")


def _objects(value: Resource, type_: str) -> Iterator[tuple[Resource, str]]:
    yield value, type_
    try:
        elements = shape(type_)
    except KeyError:
        return
    for key, member in value.items():
        element = elements.get(key.removeprefix("_"))
        for item in member if isinstance(member, list) else [member]:
            if element is not None and isinstance(item, dict):
                inner = "Element" if key.startswith("_") else element.shape or element.type
                yield from _objects(item, item.get("resourceType", inner))


def _of_primitive(resource: Resource, path: str, node: Node) -> Spot:
    """Find a primitive by the last name of its path and, in a list, by its index or value."""
    parent, name, position = _split(path)
    holders = _nodes(resource, parent) if parent else _nodes(resource, "$this")
    matching = []
    for holder in holders:
        if isinstance(holder.value, dict):
            spot = member_spot(Found(holder, None), name)
            matching += [one for one in _items(spot) if _is(one, node)]
    if position is not None and len(holders) == 1:
        matching = [one for one in matching if one.index == position]
    if len(matching) != 1:
        raise PatchError(
            "path 未指明是哪一个相同的值",
            "its path does not say which of several equal values is meant",
        )
    return matching[0]


def _items(spot: Spot) -> list[Spot]:
    if not spot.is_list:
        return [spot]
    return [replace(spot, index=index) for index in range(spot.length)]


def _is(spot: Spot, node: Node) -> bool:
    value, extra = spot.holder.get(spot.key), spot.holder.get(f"_{spot.key}")
    if spot.index is not None:
        value, extra = (
            one[spot.index] if isinstance(one, list) and spot.index < len(one) else None
            for one in (value, extra)
        )
    return value is node.value and extra is node.extra


def _split(path: str) -> tuple[str, str, int | None]:
    """Split off the last name of a path; functions behind it are left out."""
    rest = path.strip()
    while rest:
        end = _last_dot(rest)
        found = _NAME.match(rest[end + 1 :])
        if found:
            position = int(found[3]) if found[3] else None
            return rest[:end] if end > 0 else "", found[1], position
        rest = rest[:end] if end > 0 else ""
    raise PatchError("path 未以元素名结尾", "its path does not end with an element's name")


def _last_dot(path: str) -> int:
    """Give the position of the last dot outside of brackets and quotes; -1 when there is none."""
    depth, last, quote = 0, -1, ""
    for position, sign in enumerate(path):
        if quote:
            quote = "" if sign == quote and path[position - 1] != "\\" else quote
        elif sign in "'\"`":
            quote = sign
        elif sign in "([":
            depth += 1
        elif sign in ")]":
            depth -= 1
        elif sign == "." and depth == 0:
            last = position
    return last


def member_spot(parent: Found, name: str) -> Spot:
    """Give the place of a member of an object, by its element's name (``value`` of a choice)."""
    if not isinstance(parent.node.value, dict):
        raise PatchError(
            "path 指向基本类型，没有该子元素",
            "its path names a primitive, which has no such elements",
        )
    holder: Resource = parent.node.value
    elements = _elements(parent.node.type, name=name)
    there = [e.key for e in elements if e.key in holder or f"_{e.key}" in holder]
    return Spot(holder, there[0] if there else elements[0].key, elements)


def list_spot(resource: Resource, path: str) -> Spot:
    """Give the place of a list, by a path that names the whole of it."""
    parent, name, position = _split(path)
    holders = _nodes(resource, parent) if parent else _nodes(resource, "$this")
    if position is not None or len(holders) != 1:
        raise PatchError("path 未指向一个列表", "its path does not name one list")
    spot = member_spot(Found(holders[0], None), name)
    if not spot.is_list:
        raise PatchError(
            "path 指向不可重复的元素", "its path names an element that does not repeat"
        )
    return spot


def _elements(
    type_: str, *, name: str | None = None, key: str | None = None
) -> tuple[Element, ...]:
    """Give the forms of an element by its name or by the key of one of them."""
    try:
        elements = shape(type_)
    except KeyError as err:
        raise PatchError(
            "path 指向类型未知的内容", "its path leads into content of unknown type"
        ) from err
    wanted = name
    if key is not None and key in elements:
        wanted = elements[key].name
    found = tuple(e for e in elements.values() if wanted in (e.name, e.key))
    if not found:
        raise PatchError("没有该名称的元素", "there is no element of that name")
    return found


def value_spot(part: Json, spot: Spot) -> tuple[str, Json, Json]:
    """Give the key, value and ``_`` sibling that a ``value`` part states for an element."""
    if not isinstance(part, dict):
        raise PatchError("缺少 value", "it has no value")
    if isinstance(part.get("resource"), dict):
        return spot.key, part["resource"], None
    if isinstance(part.get("part"), list):
        return spot.key, _built(part["part"], spot.elements[0]), None
    keys = {key.removeprefix("_") for key in part if key.removeprefix("_").startswith("value")}
    if len(keys) != 1:
        raise PatchError("缺少 value", "it has no value")
    stated = keys.pop()
    key = _form(spot, stated.removeprefix("value"))
    return key, part.get(stated), part.get(f"_{stated}")


def _form(spot: Spot, suffix: str) -> str:
    """Choose the form of a choice by the value's type; other elements have one form."""
    if len(spot.elements) == 1:
        return spot.key
    for element in spot.elements:
        if element.type[0].upper() + element.type[1:] == suffix:
            return element.key
    raise PatchError(
        "value 的类型不适用于该元素", "its value has a type that the element does not take"
    )


def _built(parts: list[Json], element: Element) -> Resource:
    """Build a backbone element from named parts."""
    built: Resource = {}
    for part in parts:
        if not isinstance(part, dict) or element.shape is None:
            raise PatchError(
                "value 的各部分与元素不符", "its value is built of parts that do not fit"
            )
        elements = _elements(element.shape, name=str(part.get("name")))
        spot = Spot(built, elements[0].key, elements)
        key, value, extra = value_spot(part, spot)
        spot = spot.renamed(key)
        if spot.is_list:
            spot.insert(spot.length, value, extra)
        else:
            spot.put(value, extra)
    return built
