"""Read workbooks (.xlsx) row by row, each cell as the text that its author sees.

A day or time is a number with a date format: it is read as ``2026-11-02`` or ``2026-11-02
09:30:00``. A number keeps the decimal places of its format (``72.50``). Excel keeps fifteen digits:
a longer whole number (an ID card typed as a number) was rounded when it was typed, so its row is
refused with GW-2507. Formulas give the value that was saved with them; a row with one that has
none, or that came to an error, is refused with GW-2509. A cell merged over several rows of the body
stands in each of them.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from gateway.errors import GatewayError
from gateway.formats.rows_layout import BROKEN, ROUNDED, Layout, Line
from gateway.formats.rows_sheets import Merges, scanned
from gateway.records import Place

MAX_UNPACKED_BYTES = 500 * 1024 * 1024
MAX_TEXTS_BYTES = 100 * 1024 * 1024
"""Of the texts that the sheets share, which are held in memory."""
_MAX_RATIO = 100
_SMALL_BYTES = 20 * 1024 * 1024
_DIGITS = 15
_PLACES = re.compile(r"0\.(0+)(?![#?0])")


# What openpyxl lets through where a part of the archive is missing, cut off or not what it says.
_FAULTS = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


def is_workbook(raw: bytes) -> bool:
    """Say whether a message is a zip archive with a workbook in it."""
    return raw.startswith(b"PK\x03\x04") and b"xl/" in raw


class Workbook:
    """One workbook; its sheets stream."""

    def __init__(self, raw: bytes, layout: Layout) -> None:
        import openpyxl  # Half a second that only those wait who read a workbook.

        _demand_unpackable(raw)
        self._layout = layout
        try:
            self._book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
        except _FAULTS as err:
            raise GatewayError("GW-2508", where=Place("", 1)) from err

    def lines(self, sheet: str | None) -> Iterator[Line]:
        """Yield the rows of a sheet (the first one unless named); raise GW-2505 for no such."""
        if not self._book.sheetnames:
            raise GatewayError("GW-2508", where=Place("", 1))
        name = sheet or self._book.sheetnames[0]
        if name not in self._book.sheetnames:
            raise GatewayError("GW-2505", where=Place(name), column=name, option="sheet")
        return self._lines(self._book[name])

    def _lines(self, sheet: Any) -> Iterator[Line]:
        try:
            sheet.reset_dimensions()
            rows = enumerate(sheet.iter_rows(), 1)
        except _FAULTS as err:
            # A sheet that holds a chart has no rows.
            raise GatewayError("GW-2508", where=Place(str(sheet.title), 1)) from err
        heads = _Heads(self._layout)
        merges, unsaved = Merges([]), frozenset[int]()
        number = 0
        while True:
            try:
                if not number:
                    merges, unsaved = scanned(sheet)
                number, row = next(rows, (0, None))
                texts = [
                    _text(cell, self._book.epoch, is_day=index in heads.days)
                    for index, cell in enumerate(row or ())
                ]
            except _FAULTS as err:
                raise GatewayError("GW-2508", where=Place("", number + 1)) from err
            if row is None:
                return
            cells = ["" if text in (ROUNDED, BROKEN) else text for text in texts]
            if not heads.take(number, cells):
                cells = merges.filled(number, cells)
            heads.fit(cells)
            reason = next((one for one in (ROUNDED, BROKEN) if one in texts), "")
            if number in unsaved:
                reason = reason or BROKEN
            yield number, None if reason else cells, reason


class _Heads:
    """What the header has told so far: how wide the rows are and which columns hold days."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._count = 0
        self._width = 0
        self.days: set[int] = set()

    def take(self, number: int, cells: list[str]) -> bool:
        """Learn from a row of the header; False for any other row."""
        layout = self._layout
        if not any(cells) or number <= layout.skip or self._count >= layout.header_rows:
            return self._count < layout.header_rows
        self._count += 1
        self.days |= {i for i, name in enumerate(cells) if name.strip() in layout.dates}
        self._width = max(self._width, len(cells))
        return True

    def fit(self, cells: list[str]) -> None:
        """Bring a row to the header's width; what stands beyond it stays."""
        while len(cells) > self._width and not cells[-1]:
            cells.pop()
        cells += [""] * (self._width - len(cells))


def _demand_unpackable(raw: bytes) -> None:
    """Refuse an archive that unpacks to more than memory should hold."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError) as err:
        raise GatewayError("GW-2508", where=Place("", 1)) from err
    size = sum(one.file_size for one in parts)
    texts = sum(one.file_size for one in parts if one.filename.endswith("sharedStrings.xml"))
    # No workbook that a person filled in packs to a hundredth.
    likely = max(_SMALL_BYTES, len(raw) * _MAX_RATIO)
    for found, limit in ((size, min(MAX_UNPACKED_BYTES, likely)), (texts, MAX_TEXTS_BYTES)):
        if found > limit:
            raise GatewayError("GW-2001", where=Place("", 1), size=found, limit=limit)


def _text(cell: Any, epoch: datetime, *, is_day: bool) -> str:
    """Give a cell's text; ROUNDED for more digits than Excel keeps, BROKEN for an error."""
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "e":
        return BROKEN
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _day(value, epoch) if is_day else _number(value, str(cell.number_format or ""))
    if isinstance(value, datetime):
        is_whole = not (value.hour or value.minute or value.second)
        return f"{value:%Y-%m-%d}" if is_whole else f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, date):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, time):
        return f"{value:%H:%M:%S}"
    if isinstance(value, timedelta):
        return str(value)
    return str(value)


def _day(value: float, epoch: datetime) -> str:
    from openpyxl.utils.datetime import from_excel  # As above.

    found = from_excel(value, epoch)
    if isinstance(found, datetime) and (found.hour or found.minute or found.second):
        return f"{found:%Y-%m-%d %H:%M:%S}"
    return f"{found:%Y-%m-%d}" if isinstance(found, date) else str(found)


def _number(value: float, layout: str) -> str:
    number = Decimal(repr(value))
    if number == number.to_integral_value():
        whole = f"{int(number)}"
        if len(whole.lstrip("-")) > _DIGITS:
            return ROUNDED
        number = Decimal(whole)
    places = _PLACES.search(layout)
    exponent = number.as_tuple().exponent
    if places and "%" not in layout and isinstance(exponent, int) and -exponent < len(places[1]):
        number = number.quantize(Decimal(1).scaleb(-len(places[1])))
    return f"{number:f}"
