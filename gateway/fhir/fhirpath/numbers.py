"""Functions on numbers (N1, 5.7), and the boundaries and precision of values."""

import math
from collections.abc import Callable
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from gateway.fhir.fhirpath.context import Env
from gateway.fhir.fhirpath.errors import EvaluationError
from gateway.fhir.fhirpath.quantities import Quantity
from gateway.fhir.fhirpath.registry import eager
from gateway.fhir.fhirpath.temporal import Temporal, parse_temporal
from gateway.fhir.fhirpath.values import Collection, is_number, single

_DIGITS = 8


def _number(items: Collection) -> Any:
    value = single(items)
    if value is None or is_number(value) or isinstance(value, Quantity):
        return value
    raise EvaluationError("a number is expected here")


def _tidy(value: float) -> Decimal:
    if math.isnan(value) or math.isinf(value):
        raise EvaluationError("the result is out of range")
    return Decimal(repr(value))


def _on_number(name: str, apply: Callable[[Any], Any]) -> None:
    def call(_: Env, focus: Collection) -> Collection:
        value = _number(focus)
        if value is None:
            return []
        try:
            result = apply(value)
        except (InvalidOperation, OverflowError, TypeError) as err:
            raise EvaluationError(f"{name}() cannot take this number") from err
        return [] if result is None else [result]

    eager(name)(call)


def _absolute(value: Any) -> Any:
    if isinstance(value, Quantity):
        return Quantity(abs(value.value), value.unit, value.is_calendar)
    return abs(value)


_on_number("abs", _absolute)
_on_number("ceiling", lambda value: int(Decimal(value).to_integral_value(ROUND_CEILING)))
_on_number("floor", lambda value: int(Decimal(value).to_integral_value(ROUND_FLOOR)))
_on_number("truncate", int)
_on_number("exp", lambda value: Decimal(value).exp())
_on_number("ln", lambda value: Decimal(value).ln() if value > 0 else None)
_on_number("sqrt", lambda value: Decimal(value).sqrt() if value >= 0 else None)


@eager("log", 1)
def log(_: Env, focus: Collection, radix: Collection) -> Collection:
    """Give the logarithm to a base."""
    value, of = _number(focus), _number(radix)
    if value is None or of is None or value <= 0 or of <= 0 or of == 1:
        return []
    return [_tidy(math.log(value, of))]


@eager("power", 1)
def power(_: Env, focus: Collection, exponent: Collection) -> Collection:
    """Raise to a power; empty when the result is no real number."""
    value, by = _number(focus), _number(exponent)
    if value is None or by is None or abs(by) > 1000:
        return []
    if isinstance(value, int) and isinstance(by, int) and by >= 0:
        return [value**by]
    if (value < 0 and by != int(by)) or (value == 0 and by < 0):
        return []
    return [Decimal(value) ** Decimal(by)]


@eager("round", 0, 1)
def round_(_: Env, focus: Collection, digits: Collection | None = None) -> Collection:
    """Round half up to so many decimals."""
    value, places = _number(focus), _number(digits or []) or 0
    if value is None:
        return []
    if not 0 <= places <= 28:
        raise EvaluationError("round() takes 0 to 28 decimals")
    return [Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)]


@eager("precision")
def precision(_: Env, focus: Collection) -> Collection:
    """Count the digits that a value states."""
    value = single(focus)
    if isinstance(value, Temporal):
        return [sum(character.isdigit() for character in value.text.partition("+")[0])]
    if is_number(value):
        exponent = Decimal(value).as_tuple().exponent
        return [max(0, -exponent) if isinstance(exponent, int) else 0]
    return []


@eager("lowBoundary", 0, 1)
def low_boundary(_: Env, focus: Collection, digits: Collection | None = None) -> Collection:
    """Give the least value that would be written like this one."""
    return _boundary(single(focus), _number(digits or []), is_low=True)


@eager("highBoundary", 0, 1)
def high_boundary(_: Env, focus: Collection, digits: Collection | None = None) -> Collection:
    """Give the greatest value that would be written like this one."""
    return _boundary(single(focus), _number(digits or []), is_low=False)


def _boundary(value: Any, digits: Any, *, is_low: bool) -> Collection:
    if isinstance(value, Quantity):
        edge = _decimal_boundary(value.value, digits, is_low)
        return [] if edge is None else [Quantity(edge, value.unit, value.is_calendar)]
    if is_number(value):
        edge = _decimal_boundary(Decimal(value), digits, is_low)
        return [] if edge is None else [edge]
    if isinstance(value, Temporal):
        return [_moment_boundary(value, is_low=is_low)]
    return []


def _decimal_boundary(value: Decimal, digits: Any, is_low: bool) -> Decimal | None:
    places = _DIGITS if digits is None else int(digits)
    if not 0 <= places <= 28:
        return None
    exponent = value.as_tuple().exponent
    half = Decimal(5).scaleb((exponent if isinstance(exponent, int) else 0) - 1)
    edge = value - half if is_low else value + half
    return edge.quantize(Decimal(1).scaleb(-places), ROUND_FLOOR if is_low else ROUND_CEILING)


def _moment_boundary(moment: Temporal, *, is_low: bool) -> Temporal:
    if moment.kind == "time":
        filled = moment.text.removeprefix("T")
        missing = ("00:00:00.000" if is_low else "23:59:59.999")[len(filled) :]
        return parse_temporal(filled + missing, "time")
    year = int(moment.parts[0])
    month = int(moment.parts[1]) if len(moment.parts) > 1 else (1 if is_low else 12)
    if len(moment.parts) > 2:
        day = int(moment.parts[2])
    elif is_low:
        day = 1
    else:
        following = date(year + month // 12, month % 12 + 1, 1) if year < 9999 else None
        day = (following - timedelta(days=1)).day if following else 31
    text = f"{year:04d}-{month:02d}-{day:02d}"
    if moment.kind == "date":
        return parse_temporal(text, "date")
    clock = moment.text[11:23] if len(moment.parts) > 3 else ""
    clock = clock.partition("+")[0].partition("-")[0].removesuffix("Z")
    clock += ("00:00:00.000" if is_low else "23:59:59.999")[len(clock) :]
    zone = _zone_text(moment, is_low=is_low)
    return parse_temporal(f"{text}T{clock}{zone}", "dateTime")


def _zone_text(moment: Temporal, *, is_low: bool) -> str:
    if moment.zone is None:
        return "+14:00" if is_low else "-12:00"
    size = abs(moment.zone)
    sign = "-" if moment.zone < 0 else "+"
    return f"{sign}{size // 60:02d}:{size % 60:02d}" if moment.zone else "Z"
