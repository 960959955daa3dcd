"""A fast yes for invariants: closures on plain JSON objects, without nodes and collections.

Covers the forms most constraints have: presence, comparison with constants, boolean operators. An
answer is True (certainly kept), False or None (open); whoever gets anything but True asks the
whole engine, which alone decides. Names that could be choice elements are looked up by their keys.
"""

from collections.abc import Callable
from decimal import Decimal
from operator import ge, gt, le, lt
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
_NUMBERS = (int, Decimal)
_ORDERS: dict[str, Callable[[Any, Any], Any]] = {"<": lt, "<=": le, ">": gt, ">=": ge}
_TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "startsWith": str.startswith,
    "endsWith": str.endswith,
}
_DAY = len("2024-01-31")
_SECONDS = len("2024-01-31T08:00:00+08:00")


def fast_predicate(expression: str) -> Fast | None:
    """Compile what can be; None when the expression needs the whole engine."""
    try:
        return _predicate(parse(expression))
    except FhirPathError:
        return None


def fast_path(expression: str) -> Find | None:
    """Compile a path of names; None when the expression is more than that.

    The closure gives the plain values, or None where only the whole engine can answer.
    """
    try:
        return _find(parse(expression))
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
        if tree.operator in ("or", "implies") and (left or right):
            left, right = left or _open, right or _open
        if left is None or right is None:
            return None
        return _LOGIC[tree.operator](left, right)
    if tree.operator in ("=", "!="):
        return _comparison(tree)
    if tree.operator in _ORDERS:
        return _ordered(tree)
    return None


def _open(_value: Any) -> bool | None:
    """Stand for a part that only the engine can answer."""
    return None


def _ordered(tree: Binary) -> Fast | None:
    left, right = _find(tree.left), _find(tree.right)
    limit = _constant(tree.right)
    if left is None or (right is None and type(limit) is not int):
        return None
    accept = _ORDERS[tree.operator]

    def compare(value: Any) -> bool | None:
        ours = left(value)
        theirs = [limit] if right is None else right(value)
        if not ours or not theirs or len(ours) != 1 or len(theirs) != 1:
            return None
        first, second = ours[0], theirs[0]
        if type(first) in _NUMBERS and type(second) in _NUMBERS:
            return bool(accept(first, second))
        if type(first) is str and type(second) is str and _is_alike(first, second):
            return bool(accept(first, second))
        return None

    return compare


def _is_alike(first: str, second: str) -> bool:
    """Say whether two texts are dates of one precision and zone, which order as texts do."""
    if not (first[:4].isdigit() and second[:4].isdigit()):
        return False
    if len(first) != len(second) or len(first) > _SECONDS:
        return False
    return len(first) <= _DAY or first[_SECONDS - 6 :] == second[_SECONDS - 6 :] != ""


def _and(left: Fast, right: Fast) -> Fast:
    def decide(value: Any) -> bool | None:
        ours = left(value)
        if ours is False:
            return False
        theirs = right(value)
        return theirs if ours or theirs is False else None

    return decide


def _or(left: Fast, right: Fast) -> Fast:
    def decide(value: Any) -> bool | None:
        ours = left(value)
        if ours:
            return True
        theirs = right(value)
        return theirs if ours is False or theirs else None

    return decide


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
    if find is None:
        return None
    if call.name in _TEXT_TESTS and len(call.arguments) == 1:
        return _text_test(find, _TEXT_TESTS[call.name], _constant(call.arguments[0]))
    if call.arguments:
        return None
    if call.name == "exists":
        return lambda value: None if (found := find(value)) is None else bool(found)
    if call.name == "empty":
        return lambda value: None if (found := find(value)) is None else not found
    if call.name == "hasValue":
        return lambda value: None if (found := find(value)) is None else _is_single_value(found)
    return None


def _text_test(find: Find, test: Callable[[str, str], bool], constant: Any) -> Fast | None:
    if type(constant) is not str:
        return None

    def decide(value: Any) -> bool | None:
        found = find(value)
        if not found or len(found) != 1 or type(found[0]) is not str:
            return None
        return test(found[0], constant)

    return decide


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
            return _where(left, tree.right)
    if isinstance(tree, Call) and tree.name == "where":
        return _where(lambda value: [value], tree)
    return None


def _where(left: Find, call: Call) -> Find | None:
    criterion = _criterion(call.arguments[0]) if len(call.arguments) == 1 else None
    return _filtered(left, criterion or _open)


def _criterion(tree: Tree) -> Fast | None:
    """Compile what ``where`` asks: there, empty counts as no, through ``and`` and ``or`` alike."""
    if isinstance(tree, Binary) and tree.operator in ("and", "or"):
        left, right = _criterion(tree.left), _criterion(tree.right)
        return _LOGIC[tree.operator](left, right) if left and right else None
    if isinstance(tree, Binary) and tree.operator == "=":
        find, constant = _find(tree.left), _constant(tree.right)
        if find is not None and type(constant) is str:
            return _equals_text(find, constant)
    return _predicate(tree)


def _equals_text(find: Find, constant: str) -> Fast:
    def decide(value: Any) -> bool | None:
        found = find(value)
        if found is None or len(found) > 1:
            return None
        return bool(found) and found[0] == constant

    return decide


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
