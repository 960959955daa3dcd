"""Turn the indexer's rows into rows of the index tables, without the version's key."""

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Table

from gateway.fhir.search_values import fold
from gateway.records import IndexRow
from gateway.store.keys import bounded, parameter_number, space_number, text_number
from gateway.store.schema import date_index, exact_index, number_index, string_index

Flat = tuple[Table, tuple[Any, ...]]
TEXT, IDENTIFIER = ":text", ":identifier"
# The store answers these from the version itself.
_OWN = ("_id", "_lastUpdated")


def flatten(rows: Iterable[IndexRow]) -> tuple[dict[Table, tuple[tuple[Any, ...], ...]], int]:
    """Give distinct rows by table: (param, values…, group); and how many there are."""
    tables: dict[Table, dict[tuple[Any, ...], None]] = {}
    for row in rows:
        if row.parameter.endswith(_OWN):
            continue
        for table, values in _FLATTEN[row.kind](row):
            tables.setdefault(table, {})[(*values, row.group)] = None
    flat = {table: tuple(found) for table, found in tables.items()}
    return flat, sum(len(found) for found in flat.values())


def _token(row: IndexRow) -> list[Flat]:
    system, code, text = row.values
    flat: list[Flat] = []
    if code:
        number = parameter_number(row.parameter)
        flat.append((exact_index, (number, bounded(code), space_number(system))))
    if text:
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


def _number(row: IndexRow) -> list[Flat]:
    low, high = row.values
    return [(number_index, (parameter_number(row.parameter), float(low), float(high), "", 0))]


def _quantity(row: IndexRow) -> list[Flat]:
    low, high, system, code = row.values
    unit = bounded(code or "")
    number = parameter_number(row.parameter)
    return [(number_index, (number, float(low), float(high), unit, space_number(system)))]


def _reference(row: IndexRow) -> list[Flat]:
    type_, id_, text = row.values
    number = parameter_number(row.parameter)
    flat: list[Flat] = []
    if id_:
        flat.append((exact_index, (number, bounded(id_), space_number(type_))))
    if text:
        flat.append((exact_index, (number, bounded(text), 0)))
        system, bar, value = text.rpartition("|")
        if bar:
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
    "quantity": _quantity,
    "reference": _reference,
    "uri": _uri,
}
