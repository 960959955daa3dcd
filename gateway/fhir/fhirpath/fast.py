"""A fast yes for invariants: closures on plain JSON objects, without nodes and collections.

Covers the forms most constraints have: presence, comparison with constants, boolean operators. An
answer is True (certainly kept), False or None (open); whoever gets anything but True asks the
whole engine, which alone decides. Names that could be choice elements are looked up by their keys.
"""

from collections.abc import Callable
from typing import Any

from gateway.fhir.fhirpath.errors import FhirPathError
from gateway.fhir.fhirpath.navigation import CHOICE_SUFFIXES
from gateway.fhir.fhirpath.syntax import Binary, Call, Dot, External, Literal, Name, Tree, parse

Fast = Callable[[Any], bool | None]
Find = Callable[[Any], list[Any] | None]

_CONSTANTS = {
    "ucum": "http://unitsofmeasure.org",
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
}
_MISSING = object()


def fast_predicate(expression: str) -> Fast | None:
    """Compile what can be; None when the expression needs the whole engine."""
    try:
        return _predicate(parse(expression))
    except FhirPathError:
        return None


def _predicate(tree: Tree) -> Fast | None:
    if isinstance(tree, Binary):
        return _binary(tree)
    if isinstance(tree, Dot) and isinstance(tree.right, Call):
        return _called(tree.left, tree.right)
    if isinstance(tree, Literal) and tree.values == (True,):
        return lambda _value: True
    return None


def _binary(tree: Binary) -> Fast | None:
    if tree.operator in ("and", "or", "xor", "implies"):
        left, right = _predicate(tree.left), _predicate(tree.right)
        if left is None or right is None:
            return None
        return _LOGIC[tree.operator](left, right)
    if tree.operator in ("=", "!="):
        return _comparison(tree)
    return None


def _and(left: Fast, right: Fast) -> Fast:
    return lambda value: True if left(value) is True and right(value) is True else None


def _or(left: Fast, right: Fast) -> Fast:
    return lambda value: True if left(value) is True or right(value) is True else None


def _implies(left: Fast, right: Fast) -> Fast:
    return lambda value: True if left(value) is False or right(value) is True else None


def _xor(left: Fast, right: Fast) -> Fast:
    def decide(value: Any) -> bool | None:
        ours, theirs = left(value), right(value)
        return None if ours is None or theirs is None else ours != theirs

    return decide


_LOGIC: dict[str, Callable[[Fast, Fast], Fast]] = {
    "and": _and,
    "or": _or,
    "xor": _xor,
    "implies": _implies,
}


def _comparison(tree: Binary) -> Fast | None:
    ours, theirs = _predicate(tree.left), _predicate(tree.right)
    if ours is not None and theirs is not None:
        differ = _xor(ours, theirs)
        if tree.operator == "!=":
            return differ
        return lambda value: None if (found := differ(value)) is None else not found
    find, constant = _find(tree.left), _constant(tree.right)
    if find is None or not isinstance(constant, str):
        return None
    wanted = tree.operator == "="

    def compare(value: Any) -> bool | None:
        found = find(value)
        if not found or len(found) != 1 or type(found[0]) is not str:
            return None
        return (found[0] == constant) is wanted

    return compare


def _constant(tree: Tree) -> Any:
    if isinstance(tree, Literal) and len(tree.values) == 1:
        return tree.values[0]
    return _CONSTANTS.get(tree.name) if isinstance(tree, External) else None


def _called(left: Tree, call: Call) -> Fast | None:
    if call.name == "not" and not call.arguments:
        inner = _predicate(left)
        return inner and (lambda value: None if (found := inner(value)) is None else not found)
    find = _find(left)
    if find is None or call.arguments:
        return None
    if call.name == "exists":
        return lambda value: None if (found := find(value)) is None else bool(found)
    if call.name == "empty":
        return lambda value: None if (found := find(value)) is None else not found
    if call.name == "hasValue":
        return lambda value: None if (found := find(value)) is None else _is_single_value(found)
    return None


def _is_single_value(found: list[Any]) -> bool:
    return len(found) == 1 and type(found[0]) not in (dict, list)


def _find(tree: Tree) -> Find | None:
    """Compile a path of names, with ``where`` on constants; None for anything else.

    A result of None means: ask the engine (extensions on primitives, unexpected JSON).
    """
    if isinstance(tree, Name):
        return _member(tree.name) if tree.name[:1].islower() else None
    if isinstance(tree, Dot):
        left = _find(tree.left)
        if left is None:
            return None
        if isinstance(tree.right, Name):
            return _through(left, _member(tree.right.name))
        if isinstance(tree.right, Call) and tree.right.name == "where":
            criterion = _predicate(tree.right.arguments[0]) if tree.right.arguments else None
            return criterion and _filtered(left, criterion)
    return None


def _member(name: str) -> Find:
    extra = "_" + name
    keys = tuple(name + suffix for suffix in CHOICE_SUFFIXES)

    def find(value: Any) -> list[Any] | None:
        if type(value) is not dict or extra in value:
            return None
        found = value.get(name, _MISSING)
        if found is _MISSING:
            for key in value:
                if key[: len(name)] == name and key in keys:
                    return [value[key]]
                if key[:1] == "_" and key[1 : len(name) + 1] == name:
                    return None
            return []
        return found if type(found) is list else [found]

    return find


def _through(left: Find, right: Find) -> Find:
    def find(value: Any) -> list[Any] | None:
        found = left(value)
        if not found:
            return found
        if len(found) == 1:
            return right(found[0])
        total: list[Any] = []
        for item in found:
            inner = right(item)
            if inner is None:
                return None
            total.extend(inner)
        return total

    return find


def _filtered(left: Find, criterion: Fast) -> Find:
    def find(value: Any) -> list[Any] | None:
        found = left(value)
        if not found:
            return found
        kept: list[Any] = []
        for item in found:
            verdict = criterion(item)
            if verdict is None:
                return None
            if verdict:
                kept.append(item)
        return kept

    return find
