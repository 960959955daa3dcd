"""Search expressions become routes: which keys lead to a value, and of which type it is.

The definitions tell at compile time which key a step means (``value as Quantity`` is
``valueQuantity``), so that nothing but dictionary look-ups is left for the resource itself. A
route bears any shape of content: what does not fit leads nowhere.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from gateway.fhir import references
from gateway.fhir.definitions import load
from gateway.fhir.elements import Element, shape
from gateway.fhir.search_paths import (
    Cast,
    Compare,
    Condition,
    Exists,
    Extension,
    Index,
    Member,
    Path,
    Resolves,
    SearchExpressionError,
    Step,
    Where,
)
from gateway.records import Json

Sink = Callable[[Json], None]
Visit = Callable[[Json, Sink], None]
Wrap = Callable[[Visit], Visit]
Test = Callable[[Json], bool]

_ABSTRACT = ("Resource", "DomainResource")


@dataclass(frozen=True, slots=True)
class Route:
    """A way to values of one type.

    ``wraps`` are its steps; a number keeps one item of all that was found so far. ``first_key`` is
    the resource's key that it begins with, None when it leads to the resource itself.
    """

    wraps: tuple[Wrap | int, ...]
    type: str
    shape: str | None
    first_key: str | None = None
    required: str | None = None

    def visit(self) -> Visit:
        """Compile to a function that hands each value of a resource to a sink."""
        visit: Visit = _arrive
        for number in range(len(self.wraps) - 1, -1, -1):
            wrap = self.wraps[number]
            if isinstance(wrap, int):
                before = replace(self, wraps=self.wraps[:number]).visit()
                return _nth(before, wrap, visit)
            visit = wrap(visit)
        return visit


def routes(path: Path, type_: str, start: Route | None = None) -> list[Route]:
    """Compile a path for one resource type; none when the path is another type's.

    With ``start`` the path is relative to what that route leads to (a composite's components).
    Raises SearchExpressionError for elements that the type has not.
    """
    found = [Route((), type_, type_)] if start is None else [start]
    for number, step in enumerate(path):
        if number == 0 and isinstance(step, Member) and start is None and _is_type(step.name):
            if step.name not in (type_, *_ABSTRACT):
                return []
            continue
        found = [after for route in found for after in _advance(route, step)]
    return found


def condition(tests: Condition, type_: str, shape_: str | None) -> Test:
    """Compile a condition about values of one type."""
    compiled = [_test(test, type_, shape_) for test in tests]
    if len(compiled) == 1:
        return compiled[0]
    return lambda value: all(test(value) for test in compiled)


def _is_type(name: str) -> bool:
    return name[0].isupper()


def _arrive(value: Json, sink: Sink) -> None:
    sink(value)


def _advance(route: Route, step: Step) -> list[Route]:
    if isinstance(step, Member):
        return _members(route, step.name)
    if isinstance(step, Cast):
        return [route] if _is_a(route.type, step.type) else []
    if isinstance(step, Index):
        return [replace(route, wraps=(*route.wraps, step.position))]
    if isinstance(step, Extension):
        first = route.first_key if route.wraps else "extension"
        wraps = (*route.wraps, _extensions(step.url))
        return [Route(wraps, "Extension", "Extension", first)]
    if isinstance(step, Where) and _applies(step.condition, route.type):
        kept = _where(condition(step.condition, route.type, route.shape))
        return [replace(route, wraps=(*route.wraps, kept))]
    return []


@cache
def _is_a(type_: str, wanted: str) -> bool:
    """Say whether a type is another one or derived from it, as canonical is from uri."""
    # R4 writes DateTime in one place where dateTime is meant.
    if type_.lower() == wanted.lower():
        return True
    structure = load().structure(type_)
    parent = structure.get("baseDefinition") if structure else None
    return parent is not None and _is_a(parent.rpartition("/")[2], wanted)


def _applies(tests: Condition, type_: str) -> bool:
    return type_ == "Reference" or not any(isinstance(test, Resolves) for test in tests)


def _members(route: Route, name: str) -> list[Route]:
    if route.shape is None:
        raise SearchExpressionError(f"{route.type} has no element {name}")
    elements = [e for e in shape(route.shape).values() if name in (e.name, e.key)]
    if not elements:
        raise SearchExpressionError(f"{route.shape} has no element {name}")
    return [_member(route, element) for element in elements]


def _member(route: Route, element: Element) -> Route:
    first = element.key if not route.wraps else route.first_key
    wraps = (*route.wraps, _key(element.key))
    return Route(wraps, element.type, element.shape, first, element.required)


def _key(key: str) -> Wrap:
    def wrap(next_: Visit) -> Visit:
        def visit(value: Any, sink: Sink) -> None:
            member = value.get(key) if isinstance(value, dict) else None
            if isinstance(member, list):
                for item in member:
                    if item is not None:
                        next_(item, sink)
            elif member is not None:
                next_(member, sink)

        return visit

    return wrap


def _nth(before: Visit, position: int, after: Visit) -> Visit:
    def visit(value: Json, sink: Sink) -> None:
        found: list[Json] = []
        before(value, found.append)
        if position < len(found):
            after(found[position], sink)

    return visit


def _where(test: Test) -> Wrap:
    def wrap(next_: Visit) -> Visit:
        def visit(value: Json, sink: Sink) -> None:
            if test(value):
                next_(value, sink)

        return visit

    return wrap


def _extensions(url: str) -> Wrap:
    into = _key("extension")

    def wrap(next_: Visit) -> Visit:
        return into(_where(lambda e: isinstance(e, dict) and e.get("url") == url)(next_))

    return wrap


def _test(test: Exists | Compare | Resolves, type_: str, shape_: str | None) -> Test:
    if isinstance(test, Resolves):
        return lambda value: target_type(value) == test.type
    start = None if shape_ is None or shape_ == type_ else Route((), type_, shape_)
    found = [route.visit() for route in routes(test.path, type_, start)]
    if isinstance(test, Exists):
        return lambda value: bool(_values(found, value))
    constant, is_negated = test.constant, test.is_negated
    if is_negated:
        return lambda value: any(item != constant for item in _values(found, value))
    return lambda value: _values(found, value) == [constant]


def _values(visits: list[Visit], value: Json) -> list[Json]:
    values: list[Json] = []
    for visit in visits:
        visit(value, values.append)
    return values


def target_type(reference: Json) -> str | None:
    """Give the type that a Reference points to, from its literal or its ``type``."""
    if not isinstance(reference, dict):
        return None
    literal = reference.get("reference")
    target = references.split(literal) if isinstance(literal, str) else None
    if target is not None:
        return target.type
    stated = reference.get("type")
    return stated if isinstance(stated, str) else None
