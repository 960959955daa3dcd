"""Read delimited rows (CSV, TSV, exports of database views), one record per row or per key.

Rows stream: a file of a million rows is never held as rows. Channel options:

- ``delimiter`` (``,`` unless said; ``tab``); ``quote`` (``"``; ``none``: quotes are plain text)
- ``header``: the column names, where the file has no header row
- ``synonyms``: {column: [other names it has in files]}
- ``table`` (or ``kind``): the kind of the records, ``rows`` unless said
- ``key``: a column or several; neighbouring rows with the same values there are one record, whose
  first row answers plain column names and whose rows are ``rows()``
- ``control_id``: the column that names the record
- ``skip``: lines above the header (a title); ``header_rows``: lines of a header with merged cells,
  whose names are joined as ``患者/姓名``
- of a workbook (.xlsx, see ``rows_excel``) also ``sheet``, ``dates`` (columns that hold the days of
  Excel as plain numbers) and ``children``: {name: {sheet, key}}, further sheets whose rows belong
  to the record of the same number

A row whose number of cells is not the header's raises GW-2501 at its turn and the next row can
still be read. Blank lines are skipped; a file in which nothing else follows the header raises
GW-2506 at the first of them. Paths (``RowPaths``): a column's name gives its cell, of
the anchor row or of the record's first row; ``rows()`` gives the rows, ``rows()/COLUMN`` a
column's cells; ``rows(明细)`` and ``rows(明细)/COLUMN`` are those of a child table. Empty cells are
absent.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, groupby

from gateway.errors import GatewayError
from gateway.formats.reading import Records, demand_size
from gateway.formats.rows_excel import Workbook, is_workbook
from gateway.formats.rows_layout import BROKEN, ROUNDED, Layout, Line, columns_of, layout_of
from gateway.formats.text import decide_charset, demand_decodable, normalise
from gateway.records import (
    Envelope,
    Format,
    Node,
    Parsed,
    PathError,
    Place,
    Selector,
)

MAX_BYTES = 2 * 1024 * 1024 * 1024
_ROWS = "rows()"
_CHILD = re.compile(r"rows\(([^()]+)\)(?:/(.+))?", re.DOTALL)
_SPACES = " \t\u00a0\u3000"


class Cell:
    """A cell of a row."""

    __slots__ = ("column", "line", "raw_text")

    def __init__(self, raw: str, column: str, line: int) -> None:
        self.raw_text = raw
        self.column = column
        self.line = line

    @property
    def text(self) -> str | None:
        """The cell's text, None when blank."""
        return normalise(self.raw_text)

    @property
    def place(self) -> Place:
        """The column's name and the line on which the row begins."""
        return Place(self.column, self.line)


class Looked:
    """The text of a cell that a mapping looked at."""

    __slots__ = ("_column", "_line", "is_read", "text")

    def __init__(self, text: str, column: str, line: int) -> None:
        self.text = text
        self._column = column
        self._line = line
        self.is_read = False

    @property
    def place(self) -> Place:
        """The column's name and the line on which the row begins."""
        return Place(self._column, self._line)


class Row:
    """A row, and the first of the rows that make up its record; ``table`` names a child table."""

    __slots__ = ("cells", "children", "columns", "line", "rows", "table")

    def __init__(
        self, columns: Mapping[str, int], cells: list[str], line: int, table: str = ""
    ) -> None:
        self.columns = columns
        self.cells = cells
        self.line = line
        self.table = table
        self.rows: tuple[Row, ...] = (self,)
        self.children: Mapping[str, Sequence[Row]] = {}

    @property
    def text(self) -> None:
        """None: a row is a group of cells."""

    @property
    def raw_text(self) -> None:
        """None: a row is a group of cells."""

    @property
    def place(self) -> Place:
        """The line on which the row begins."""
        return Place(self.table, self.line)

    def cell(self, column: str) -> Cell | None:
        """Give a column's cell, None when there is no such column or the cell is blank."""
        index = self.columns.get(column)
        if index is None or not (raw := self.cells[index]) or raw.isspace():
            return None
        return Cell(raw, f"{self.table}/{column}" if self.table else column, self.line)

    def leaves(self) -> Iterator[Cell]:
        """Yield the cells of all rows of the record that are not blank."""
        for row in chain(self.rows, *self.children.values()):
            for column in row.columns:
                if cell := row.cell(column):
                    yield cell


class RowReader:
    """Reads delimited rows and workbooks."""

    format: Format = "rows"

    def read(self, envelope: Envelope) -> Iterable[Parsed]:
        """Give the records as they stream; raise GW-2501…2508 with the line, GW-26xx."""
        raw = envelope.raw
        demand_size(raw, MAX_BYTES)
        layout = layout_of(envelope.channel)
        if is_workbook(raw):
            book = Workbook(raw, layout)
            children = {name: _child(book, name, layout) for name in layout.children}
            return Records(_readings(book.lines(layout.sheet), "utf-8", layout, children))
        codec = decide_charset(raw, envelope.channel.charset, None, Place("", 1))
        demand_decodable(raw, codec)
        if codec == "utf-8":
            codec = "utf-8-sig"
        text = io.TextIOWrapper(io.BytesIO(raw), encoding=codec, newline="")
        return Records(_readings(_lines(text, layout), codec.removesuffix("-sig"), layout, {}))


Children = Mapping[str, Mapping[str, Sequence[Row]]]


def _child(book: Workbook, name: str, layout: Layout) -> dict[str, list[Row]]:
    """Read a child table whole: its rows by the number that they share with their record."""
    sheet, key = layout.children[name]
    lines = (line for line in book.lines(sheet) if not _is_blank(line[1]))
    columns = columns_of(lines, replace(layout, header=None, key=(key,), control_id=None, skip=0))
    made: dict[str, list[Row]] = {}
    for number, cells, reason in lines:
        if cells is None:
            raise _unreadable(Place(name, number), reason)
        if len(cells) > len(columns):
            raise GatewayError(
                "GW-2501", where=Place(name, number), found=len(cells), expected=len(columns)
            )
        row = Row(columns, _fitted(cells, columns), number, name)
        cell = row.cell(key)
        made.setdefault((cell.text if cell else None) or "", []).append(row)
    return made


def _readings(
    found: Iterator[Line], codec: str, layout: Layout, children: Children
) -> Iterator[Callable[[], Parsed]]:
    for _ in range(layout.skip):
        next(found, None)
    blank: list[int] = []
    lines = _filled(found, blank)
    columns = columns_of(lines, layout)
    blank.clear()
    ordinal = -1
    told = {name: set[str]() for name in children}
    for ordinal, rows in enumerate(_grouped(lines, columns, layout.key)):
        for name, numbers in told.items():
            numbers.add(_number_of(rows[0][1], columns, layout.children[name][1]))
        yield partial(_parsed, rows, columns, codec, layout, ordinal, children)
    if ordinal < 0 and blank:
        yield partial(_refuse_blank, blank[0])
    for name, table in children.items():
        for number in table.keys() - told[name]:
            yield partial(_refuse_orphan, name, table[number][0].line)


def _number_of(cells: list[str] | None, columns: Mapping[str, int], key: str) -> str:
    """Give the number of a record as its child tables tell it."""
    index = columns.get(key, len(cells or ()))
    return (normalise(cells[index]) or "") if cells and index < len(cells) else ""


def _refuse_orphan(table: str, line: int) -> Parsed:
    raise GatewayError("GW-2510", where=Place(table, line), table=table)


def _refuse_blank(line: int) -> Parsed:
    raise GatewayError("GW-2506", where=Place("", line))


def _filled(lines: Iterator[Line], blank: list[int]) -> Iterator[Line]:
    """Leave out blank lines; the first that holds more than a line break is noted."""
    for line in lines:
        if not _is_blank(line[1]):
            yield line
        elif not blank and line[1]:
            blank.append(line[0])


def _is_blank(cells: list[str] | None) -> bool:
    # Control characters count as white space in Python, but nobody meant them as a blank line.
    return cells is not None and not any(cell.strip(_SPACES) for cell in cells)


def _fitted(cells: list[str], columns: Mapping[str, int]) -> list[str]:
    """Give a sheet's row as many cells as the header has: a workbook leaves out the last ones."""
    return [*cells, *[""] * (len(columns) - len(cells))]


def _lines(text: io.TextIOWrapper, layout: Layout) -> Iterator[Line]:
    """Yield (line, cells, ""), or (line, None, reason) for a row that cannot be read."""
    reader = csv.reader(
        text,
        delimiter=layout.delimiter,
        quotechar=layout.quote,
        quoting=csv.QUOTE_MINIMAL if layout.quote else csv.QUOTE_NONE,
        strict=True,
    )
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            # The texts of csv.Error are fixed and quote nothing from the file.
            yield line, None, str(error)
            continue
        if cells is None:
            return
        yield line, cells, ""


def _grouped(
    lines: Iterator[Line], columns: Mapping[str, int], key: tuple[str, ...]
) -> Iterator[list[Line]]:
    if not key:
        for line in lines:
            yield [line]
        return
    indexes = [columns[column] for column in key]

    def key_of(line: Line) -> tuple[object, ...]:
        cells = line[1]
        if cells is None or len(cells) != len(columns):
            return ("line", line[0])
        return tuple(normalise(cells[index]) for index in indexes)

    for _, rows in groupby(lines, key_of):
        yield list(rows)


def _parsed(
    lines: list[Line],
    columns: Mapping[str, int],
    codec: str,
    layout: Layout,
    ordinal: int,
    children: Children,
) -> Parsed:
    rows: list[Row] = []
    for number, cells, reason in lines:
        if cells is None:
            raise _unreadable(Place("", number), reason)
        if len(cells) != len(columns):
            raise GatewayError(
                "GW-2501", where=Place("", number), found=len(cells), expected=len(columns)
            )
        rows.append(Row(columns, cells, number))
    root = rows[0]
    root.rows = tuple(rows)
    root.children = {name: _own(root, table, layout, name) for name, table in children.items()}
    control = root.cell(layout.control_id) if layout.control_id else None
    return Parsed(
        format="rows",
        kind=layout.kind,
        root=root,
        charset=codec,
        leaves=root.leaves,
        ordinal=ordinal,
        control_id=control.text if control else None,
    )


def _unreadable(where: Place, reason: str) -> GatewayError:
    numbers = {ROUNDED: "GW-2507", BROKEN: "GW-2509"}
    return GatewayError(numbers.get(reason, "GW-2502"), where=where, reason=reason)


def _own(root: Row, table: Mapping[str, Sequence[Row]], layout: Layout, name: str) -> Sequence[Row]:
    cell = root.cell(layout.children[name][1])
    return table.get((cell.text if cell else None) or "", ()) if cell else ()


class RowPaths:
    """Compiles column names."""

    format: Format = "rows"

    def compile(self, path: str, prefixes: Mapping[str, str]) -> Selector:  # noqa: ARG002
        """Compile a column name, ``rows()`` or ``rows()/column``; raise PathError when empty."""
        column = normalise(path)
        if column is None:
            raise PathError("a column name is missing")
        if column == _ROWS:
            return _rows
        if found := _CHILD.fullmatch(column):
            return partial(_child_rows, found[1], (found[2] or "").strip())
        if column.startswith(f"{_ROWS}/"):
            inner = column.removeprefix(f"{_ROWS}/").strip()
            if not inner:
                raise PathError("a column name is missing", len(column) + 1)
            return partial(_column_of_rows, inner)
        select = partial(_cell, column)
        select.cells = partial(_looked, column)  # type: ignore[attr-defined]  # a partial takes them
        return select


def _rows(anchor: Node, root: Node) -> Sequence[Node]:  # noqa: ARG001
    return root.rows if isinstance(root, Row) else ()


def _child_rows(name: str, column: str, anchor: Node, root: Node) -> Sequence[Node]:  # noqa: ARG001
    rows = root.children.get(name, ()) if isinstance(root, Row) else ()
    return [cell for row in rows if (cell := row.cell(column))] if column else rows


def _column_of_rows(column: str, anchor: Node, root: Node) -> Sequence[Node]:  # noqa: ARG001
    rows = root.rows if isinstance(root, Row) else ()
    return [cell for row in rows if (cell := row.cell(column))]


def _cell(column: str, anchor: Node, root: Node) -> Sequence[Node]:
    row = anchor if isinstance(anchor, Row) else root
    cell = row.cell(column) if isinstance(row, Row) else None
    return (cell,) if cell else ()


def _looked(column: str, anchor: Node, root: Node) -> Sequence[Looked]:
    row = anchor if isinstance(anchor, Row) else root
    cell = row.cell(column) if isinstance(row, Row) else None
    text = cell.text if cell else None
    return (Looked(text, cell.column, cell.line),) if cell and text is not None else ()
