"""The operators between two collections, with FHIRPath's three values (N1, section 6)."""

from collections.abc import Callable
from decimal import Decimal, DivisionByZero, InvalidOperation, localcontext
from typing import Any

from gateway.fhir.fhirpath import values
from gateway.fhir.fhirpath.errors import EvaluationError
from gateway.fhir.fhirpath.quantities import Quantity, convert
from gateway.fhir.fhirpath.temporal import Temporal, shift
from gateway.fhir.fhirpath.values import Collection, is_number, single, single_boolean

Operator = Callable[[Collection, Collection, int], Collection]


def _answer(verdict: bool | None) -> Collection:
    return [] if verdict is None else [verdict]


def _equals(left: Collection, right: Collection, _: int) -> Collection:
    return _answer(values.equal_collections(left, right))


def _differs(left: Collection, right: Collection, _: int) -> Collection:
    same = values.equal_collections(left, right)
    return [] if same is None else [not same]


def _equivalent(left: Collection, right: Collection, _: int) -> Collection:
    return [values.equivalent_collections(left, right)]


def _not_equivalent(left: Collection, right: Collection, _: int) -> Collection:
    return [not values.equivalent_collections(left, right)]


def _ordered(accept: Callable[[int], bool]) -> Operator:
    def compare(left: Collection, right: Collection, column: int) -> Collection:
        if not left or not right:
            return []
        if len(left) > 1 or len(right) > 1:
            raise EvaluationError("one value is expected on each side", column)
        order = values.order(left[0], right[0], column)
        return [] if order is None else [accept(order)]

    return compare


def _union(left: Collection, right: Collection, _: int) -> Collection:
    return values.distinct([*left, *right])


def _is_in(left: Collection, right: Collection, column: int) -> Collection:
    if not left:
        return []
    if len(left) > 1:
        raise EvaluationError("one value is expected before 'in'", column)
    return [any(values.equal(left[0], other) is True for other in right)]


def _contains(left: Collection, right: Collection, column: int) -> Collection:
    return _is_in(right, left, column)


def _and(left: Collection, right: Collection, column: int) -> Collection:
    ours, theirs = single_boolean(left, column), single_boolean(right, column)
    if ours is False or theirs is False:
        return [False]
    return [] if ours is None or theirs is None else [True]


def _or(left: Collection, right: Collection, column: int) -> Collection:
    ours, theirs = single_boolean(left, column), single_boolean(right, column)
    if ours or theirs:
        return [True]
    return [] if ours is None or theirs is None else [False]


def _xor(left: Collection, right: Collection, column: int) -> Collection:
    ours, theirs = single_boolean(left, column), single_boolean(right, column)
    return [] if ours is None or theirs is None else [ours != theirs]


def _implies(left: Collection, right: Collection, column: int) -> Collection:
    ours, theirs = single_boolean(left, column), single_boolean(right, column)
    if ours is False or theirs is True:
        return [True]
    if ours is True:
        return _answer(theirs)
    return []


def _concatenate(left: Collection, right: Collection, column: int) -> Collection:
    texts = [single(side, column) for side in (left, right)]
    for text in texts:
        if text is not None and not isinstance(text, (str, Temporal)):
            raise EvaluationError("'&' joins texts", column)
    return ["".join(text.text if isinstance(text, Temporal) else text or "" for text in texts)]


def _arithmetic(apply: Callable[[Any, Any, int], Any]) -> Operator:
    def calculate(left: Collection, right: Collection, column: int) -> Collection:
        ours, theirs = single(left, column), single(right, column)
        if ours is None or theirs is None:
            return []
        try:
            with localcontext() as exact:
                exact.prec = 60
                result = apply(ours, theirs, column)
        except (InvalidOperation, DivisionByZero, OverflowError) as err:
            raise EvaluationError("the result is out of range", column) from err
        return [] if result is None else [result]

    return calculate


def _demand_numbers(ours: Any, theirs: Any, column: int) -> None:
    if not (is_number(ours) and is_number(theirs)):
        raise EvaluationError("numbers are expected here", column)


def _add(ours: Any, theirs: Any, column: int) -> Any:
    if isinstance(ours, str) and isinstance(theirs, str):
        return ours + theirs
    if isinstance(ours, Temporal) and isinstance(theirs, Quantity):
        return _moved(ours, theirs.value, theirs, column)
    if isinstance(ours, Quantity) and isinstance(theirs, Quantity):
        return _summed(ours, theirs, 1)
    _demand_numbers(ours, theirs, column)
    return ours + theirs


def _subtract(ours: Any, theirs: Any, column: int) -> Any:
    if isinstance(ours, Temporal) and isinstance(theirs, Quantity):
        return _moved(ours, -theirs.value, theirs, column)
    if isinstance(ours, Quantity) and isinstance(theirs, Quantity):
        return _summed(ours, theirs, -1)
    _demand_numbers(ours, theirs, column)
    return ours - theirs


def _moved(moment: Temporal, amount: Decimal, by: Quantity, column: int) -> Temporal:
    unit = by.calendar_unit
    if unit is None:
        raise EvaluationError("a date is moved by a duration only", column)
    return shift(moment, amount, unit)


def _summed(ours: Quantity, theirs: Quantity, sign: int) -> Quantity | None:
    other = theirs if ours.unit == theirs.unit else convert(theirs, ours.unit)
    return other and Quantity(ours.value + sign * other.value, ours.unit, ours.is_calendar)


def _multiply(ours: Any, theirs: Any, column: int) -> Any:
    if isinstance(ours, Quantity) and is_number(theirs):
        return Quantity(ours.value * theirs, ours.unit, ours.is_calendar)
    if isinstance(theirs, Quantity) and is_number(ours):
        return Quantity(theirs.value * ours, theirs.unit, theirs.is_calendar)
    if isinstance(ours, Quantity) and isinstance(theirs, Quantity):
        return Quantity(ours.value * theirs.value, _product_unit(ours.unit, theirs.unit, "."))
    _demand_numbers(ours, theirs, column)
    return ours * theirs


def _product_unit(ours: str, theirs: str, sign: str) -> str:
    if theirs == "1":
        return ours
    return theirs if ours == "1" and sign == "." else f"{ours}{sign}{theirs}"


def _divide(ours: Any, theirs: Any, column: int) -> Any:
    if isinstance(ours, Quantity) and isinstance(theirs, Quantity):
        if not theirs.value:
            return None
        same = convert(theirs, ours.unit)
        if same is not None:
            return Quantity(ours.value / same.value, "1")
        return Quantity(ours.value / theirs.value, _product_unit(ours.unit, theirs.unit, "/"))
    if isinstance(ours, Quantity) and is_number(theirs):
        return Quantity(ours.value / theirs, ours.unit, ours.is_calendar) if theirs else None
    _demand_numbers(ours, theirs, column)
    return Decimal(ours) / Decimal(theirs) if theirs else None


def _whole_divide(ours: Any, theirs: Any, column: int) -> Any:
    _demand_numbers(ours, theirs, column)
    return int(Decimal(ours) / Decimal(theirs)) if theirs else None


def _modulo(ours: Any, theirs: Any, column: int) -> Any:
    _demand_numbers(ours, theirs, column)
    if not theirs:
        return None
    rest = Decimal(ours) % Decimal(theirs)
    return int(rest) if isinstance(ours, int) and isinstance(theirs, int) else rest


OPERATORS: dict[str, Operator] = {
    "=": _equals,
    "!=": _differs,
    "~": _equivalent,
    "!~": _not_equivalent,
    "<": _ordered(lambda order: order < 0),
    "<=": _ordered(lambda order: order <= 0),
    ">": _ordered(lambda order: order > 0),
    ">=": _ordered(lambda order: order >= 0),
    "|": _union,
    "in": _is_in,
    "contains": _contains,
    "and": _and,
    "or": _or,
    "xor": _xor,
    "implies": _implies,
    "&": _concatenate,
    "+": _arithmetic(_add),
    "-": _arithmetic(_subtract),
    "*": _arithmetic(_multiply),
    "/": _arithmetic(_divide),
    "div": _arithmetic(_whole_divide),
    "mod": _arithmetic(_modulo),
}
