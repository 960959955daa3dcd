"""Turn the indexer's rows into rows of the index tables, without the version's key."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sqlalchemy import Table

from gateway.fhir.fhirpath.ucum import measure
from gateway.fhir.search_values import fold, precision_bounds
from gateway.fhir.systems import UCUM
from gateway.records import IndexRow
from gateway.store.keys import bounded, parameter_number, space_number, text_number
from gateway.store.schema import (
    date_index,
    exact_index,
    number_index,
    string_index,
)

Flat = tuple[Table, tuple[Any, ...]]
TEXT, IDENTIFIER, CANONICAL = ":text", ":identifier", ":canonical"
# The store answers these from the version itself.
_OWN = ("_id", "_lastUpdated")


def flatten(rows: Iterable[IndexRow]) -> tuple[dict[Table, tuple[tuple[Any, ...], ...]], int]:
    """Give distinct rows by table: (param, values…, group); and how many there are.

    Running texts are not among them: they are packed (``store.texts``).
    """
    tables: dict[Table, dict[tuple[Any, ...], None]] = {}
    measured: dict[int, tuple[tuple[Any, ...], _Measured]] = {}
    for row in rows:
        kind, parameter, values, group = row
        if kind == "text" or parameter.endswith(_OWN):
            continue
        if kind in _OFTEN:
            try:
                flats = _again[parameter, values]
            except KeyError:
                flats = _kept(row)
        elif kind == "quantity":
            # Four parameters ask for the same values. They are kept: no others get their id.
            if id(values) not in measured:
                measured[id(values)] = values, _measure(values)
            flats = _quantity(parameter, measured[id(values)][1])
        else:
            flats = _FLATTEN[kind](row)
        for table, columns in flats:
            found = tables.get(table)
            if found is None:
                found = tables[table] = {}
            found[(*columns, group)] = None
    flat = {table: tuple(found) for table, found in tables.items()}
    return flat, sum(len(found) for found in flat.values())


# Codes, units, organisations and states come again and again: their folding and hashing is kept.
_again: dict[tuple[str, tuple[Any, ...]], list[Flat]] = {}
_KEPT = 20_000
_OFTEN = frozenset({"token", "reference", "uri"})


def _kept(row: IndexRow) -> list[Flat]:
    if len(_again) >= _KEPT:
        _again.clear()
    flats = _again[row.parameter, row.values] = _FLATTEN[row.kind](row)
    return flats


def _is_component(parameter: str) -> bool:
    """Say whether it is a part of a composite, which is asked without any modifier."""
    return "$" in parameter


def _token(row: IndexRow) -> list[Flat]:
    system, code, text = row.values
    flat: list[Flat] = []
    if code:
        number = parameter_number(row.parameter)
        flat.append((exact_index, (number, bounded(code), space_number(system))))
    if text and not _is_component(row.parameter):
        number = parameter_number(row.parameter + TEXT)
        flat.append((string_index, (number, bounded(fold(text)), text_number(text))))
    return flat


def _string(row: IndexRow) -> list[Flat]:
    folded, exact = row.values
    number = parameter_number(row.parameter)
    return [(string_index, (number, bounded(folded), text_number(exact)))]


def _date(row: IndexRow) -> list[Flat]:
    low, high = row.values
    return [(date_index, (parameter_number(row.parameter), low, high))]


def _point(low: Decimal, high: Decimal) -> tuple[Decimal, Decimal]:
    """Give a number for its own precision's range; a search compares with the number itself.

    Section 3.1.1.5.5: only the *searched* number's precision makes a range. What is a range by
    itself (Range, a comparator) stays one.
    """
    if low.is_finite() and high.is_finite():
        exponent = low.as_tuple().exponent
        middle = (low + high) / 2
        if isinstance(exponent, int):
            number = middle.quantize(Decimal(1).scaleb(exponent + 1))
            if number == middle and precision_bounds(number) == (low, high):
                return number, number
    return low, high


def _number(row: IndexRow) -> list[Flat]:
    low, high = _point(*row.values)
    return [(number_index, (parameter_number(row.parameter), float(low), float(high), "", 0))]


_Measured = tuple[tuple[Any, ...], tuple[Any, ...] | None]


def _quantity(parameter: str, measured: _Measured) -> list[Flat]:
    written, same = measured
    flat: list[Flat] = [(number_index, (parameter_number(parameter), *written))]
    if same is not None:
        flat.append((number_index, (parameter_number(parameter + CANONICAL), *same)))
    return flat


def _measure(values: tuple[Any, ...]) -> _Measured:
    """Give a quantity as it was written and in base units, as columns without parameter."""
    low, high, system, code = values
    low, high = _point(low, high)
    written = float(low), float(high), bounded(code or ""), space_number(system)
    numbers = (low,) if low is high else (low, high)
    same = canonical(numbers, code) if system == UCUM and code else None
    return written, (same[0][0], same[0][-1], same[1], 0) if same else None


def canonical(numbers: tuple[Decimal, ...], unit: str) -> tuple[tuple[float, ...], str] | None:
    """Give numbers in the base units of UCUM, and those units; None for a unit not known.

    The factors are exact fractions and each number is rounded once, so that 5 mg and 0.005 g give
    the same double.
    """
    found = measure(unit)
    if found is None:
        return None
    factor, dimension, offset = found
    scaled = tuple(_scaled(number, factor, offset) for number in numbers)
    return scaled, ".".join(f"{name}{power}" for name, power in dimension) or "1"


def _scaled(number: Decimal, factor: Fraction, offset: Fraction) -> float:
    """Give number x factor + offset, rounded once: integers are divided, nothing is shortened."""
    if not number.is_finite():
        return float(number)
    over, under = number.as_integer_ratio()
    over, under = over * factor.numerator, under * factor.denominator
    if offset:
        over, under = (
            over * offset.denominator + offset.numerator * under,
            under * offset.denominator,
        )
    return over / under


def _position(row: IndexRow) -> list[Flat]:
    latitude, longitude = row.values
    number = parameter_number(row.parameter)
    return [(number_index, (number, float(latitude), float(longitude), "", 0))]


def _reference(row: IndexRow) -> list[Flat]:
    type_, id_, text = row.values
    number = parameter_number(row.parameter)
    if id_:
        return [(exact_index, (number, bounded(id_), space_number(type_)))]
    if not text:
        return []
    flat: list[Flat] = [(exact_index, (number, bounded(text), 0))]
    system, bar, value = text.rpartition("|")
    if bar and not _is_component(row.parameter):
        of_identifier = parameter_number(row.parameter + IDENTIFIER)
        flat.append((exact_index, (of_identifier, bounded(value), space_number(system))))
    return flat


def _uri(row: IndexRow) -> list[Flat]:
    return [(exact_index, (parameter_number(row.parameter), bounded(row.values[0]), 0))]


_FLATTEN: dict[str, Callable[[IndexRow], list[Flat]]] = {
    "token": _token,
    "string": _string,
    "date": _date,
    "number": _number,
    "reference": _reference,
    "uri": _uri,
    "position": _position,
}
