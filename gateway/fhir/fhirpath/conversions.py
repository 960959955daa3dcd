"""Conversions between types (N1, 5.5), each with its ``convertsTo`` question, and the clock."""

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from gateway.fhir.fhirpath.context import Env
from gateway.fhir.fhirpath.errors import EvaluationError
from gateway.fhir.fhirpath.quantities import CALENDAR_UNITS, Quantity, convert
from gateway.fhir.fhirpath.registry import eager
from gateway.fhir.fhirpath.temporal import Kind, Temporal, parse_temporal
from gateway.fhir.fhirpath.values import Collection, Node, is_number, single

_TRUE = frozenset({"true", "t", "yes", "y", "1", "1.0"})
_FALSE = frozenset({"false", "f", "no", "n", "0", "0.0"})
_INTEGER = re.compile(r"[+-]?\d+")
_DECIMAL = re.compile(r"[+-]?\d+(\.\d+)?")
_QUANTITY = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(?:'([^']+)'|([a-zA-Z]+))?")


def _to_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if is_number(value) and value in (0, 1):
        return bool(value)
    text = value.lower() if isinstance(value, str) else ""
    return True if text in _TRUE else False if text in _FALSE else None


def _to_integer(value: Any) -> Any:
    if isinstance(value, (bool, int)):
        return int(value)
    if isinstance(value, str) and _INTEGER.fullmatch(value) and len(value) < 40:
        return int(value)
    return None


def _to_decimal(value: Any) -> Any:
    if isinstance(value, (bool, int)):
        return Decimal(int(value))
    if isinstance(value, Decimal):
        return value
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        try:
            return Decimal(value)
        except InvalidOperation:
            return None
    return None


def _to_string(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Temporal):
        return value.text.removeprefix("T") if value.kind == "time" else value.text
    return None if isinstance(value, (dict, list)) else str(value)


def _to_quantity(value: Any) -> Any:
    if isinstance(value, Quantity):
        return value
    if isinstance(value, bool) or is_number(value):
        return Quantity(Decimal(int(value) if isinstance(value, bool) else value), "1")
    match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    if match[3] is not None:
        unit = CALENDAR_UNITS.get(match[3])
        return unit and Quantity(Decimal(match[1]), unit, True)
    return Quantity(Decimal(match[1]), match[2] or "1")


def _to_moment(kind: Kind) -> Callable[[Any], Any]:
    def converted(value: Any) -> Any:
        if isinstance(value, Temporal):
            if value.kind == kind:
                return value
            if kind == "date" and value.kind == "dateTime":
                return parse_temporal(value.text[:10], "date")
            if kind == "dateTime" and value.kind == "date":
                return parse_temporal(value.text, "dateTime")
            return None
        if not isinstance(value, str) or (kind == "date" and "T" in value):
            return None
        try:
            return parse_temporal(value, kind)
        except EvaluationError:
            return None

    return converted


def _register(name: str, apply: Callable[[Any], Any]) -> None:
    def to(_: Env, focus: Collection, *unit: Collection) -> Collection:
        value = single(focus)
        result = None if value is None else apply(value)
        if unit and isinstance(result, Quantity):
            wanted = single(unit[0])
            result = convert(result, wanted) if isinstance(wanted, str) else None
        return [] if result is None else [result]

    def converts(env: Env, focus: Collection, *unit: Collection) -> Collection:
        return [bool(to(env, focus, *unit))] if focus else []

    most = 1 if name == "Quantity" else 0
    eager("to" + name, 0, most)(to)
    eager("convertsTo" + name, 0, most)(converts)


_register("Boolean", _to_boolean)
_register("Integer", _to_integer)
_register("Long", _to_integer)
_register("Decimal", _to_decimal)
_register("String", _to_string)
_register("Quantity", _to_quantity)
_register("Date", _to_moment("date"))
_register("DateTime", _to_moment("dateTime"))
_register("Time", _to_moment("time"))


def _clock(env: Env) -> datetime:
    if env.context.now is None:
        raise EvaluationError("no clock was given")
    return env.context.now


@eager("now")
def now(env: Env, _: Collection) -> Collection:
    """Give the moment that the caller passed in."""
    return [parse_temporal(_clock(env).isoformat(timespec="milliseconds"), "dateTime")]


@eager("today")
def today(env: Env, _: Collection) -> Collection:
    """Give the day that the caller passed in."""
    return [parse_temporal(_clock(env).date().isoformat(), "date")]


@eager("timeOfDay")
def time_of_day(env: Env, _: Collection) -> Collection:
    """Give the time of day that the caller passed in."""
    return [parse_temporal(_clock(env).time().isoformat(timespec="milliseconds"), "time")]


@eager("getValue")
def get_value(_: Env, focus: Collection) -> Collection:
    """Give the System value of a primitive."""
    if len(focus) != 1:
        return []
    value = single(focus)
    is_complex = type(focus[0]) is Node and isinstance(value, (dict, list))
    return [] if value is None or is_complex else [value]
