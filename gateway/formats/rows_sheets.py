"""What openpyxl does not tell while it streams a sheet: merged cells, formulas without a result."""

import re
from collections.abc import Iterator
from typing import Any

_CHUNK_BYTES = 1 << 20
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]{1,3})(\d{1,7}):[A-Z]{1,3}(\d{1,7})"')
_FORMULA = re.compile(
    rb"<(?:\w+:)?c\s([^>]*)>\s*<(?:\w+:)?f(?:\s[^>]*)?(?:/>|>[^<]*</(?:\w+:)?f>)"
    rb"\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_ROW = re.compile(rb'\sr="[A-Z]{1,3}(\d{1,7})"')
_ENDS = (b"</row>", b"</c>", b">")


class Merges:
    """The cells that are merged over several rows: each row shows the value of the first."""

    def __init__(self, ranges: list[tuple[int, int, int]]) -> None:
        """Take (column from 0, first row, last row)."""
        self._last = {(column, first): last for column, first, last in ranges if last > first}
        self._columns = {column for column, _ in self._last}
        self._open: dict[int, tuple[int, str]] = {}

    def filled(self, number: int, cells: list[str]) -> list[str]:
        """Give a row with the values of merged cells that reach down to it; rows come in order."""
        for column in self._columns:
            last = self._last.get((column, number))
            if last is not None and column < len(cells):
                self._open[column] = last, cells[column]
                continue
            until, text = self._open.get(column, (0, ""))
            if number <= until:
                cells += [""] * (column + 1 - len(cells))
                cells[column] = cells[column] or text
        return cells


def scanned(sheet: Any) -> tuple[Merges, frozenset[int]]:
    """Give a sheet's merged cells and the rows that hold a formula without a saved result."""
    ranges: list[tuple[int, int, int]] = []
    rows: set[int] = set()
    with sheet._get_source() as source:
        for piece in _pieces(source):
            for column, first, last in _MERGED.findall(piece):
                ranges.append((_index(column), int(first), int(last)))
            if b"<f" in piece or b":f" in piece:
                rows |= _unsaved(piece)
    return Merges(ranges), frozenset(rows)


def _index(letters: bytes) -> int:
    """Count a column's letters from 0: A, B … Z, AA."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


def _unsaved(piece: bytes) -> set[int]:
    # A formula may come to an empty text; that is told by the type.
    cells = [found for found in _FORMULA.findall(piece) if b't="str"' not in found]
    return {int(row[1]) for one in cells if (row := _ROW.search(b" " + one))}


def _pieces(source: Any) -> Iterator[bytes]:
    """Yield the XML in pieces that end with a whole element."""
    held = b""
    while chunk := source.read(_CHUNK_BYTES):
        held += chunk
        end = next((at + len(mark) for mark in _ENDS if (at := held.rfind(mark)) >= 0), 0)
        yield held[:end]
        held = held[end:]
    yield held
