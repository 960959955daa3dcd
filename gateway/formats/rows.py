"""Read delimited rows (CSV, TSV, exports of database views), one record per row or per key.

Rows stream: a file of a million rows is never held as rows. Channel options:

- ``delimiter`` (``,`` unless said; ``tab``); ``quote`` (``"``; ``none``: quotes are plain text)
- ``header``: the column names, where the file has no header row
- ``synonyms``: {column: [other names it has in files]}
- ``table`` (or ``kind``): the kind of the records, ``rows`` unless said
- ``key``: a column or several; neighbouring rows with the same values there are one record, whose
  first row answers plain column names and whose rows are ``rows()``
- ``control_id``: the column that names the record

A row whose number of cells is not the header's raises GW-2501 at its turn and the next row can
still be read. Blank lines are skipped. Paths (``RowPaths``): a column's name gives its cell, of
the anchor row or of the record's first row; ``rows()`` gives the rows, ``rows()/COLUMN`` a
column's cells. Empty cells are absent.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

from gateway.errors import GatewayError
from gateway.formats.reading import Records, demand_size, text_option
from gateway.formats.text import decide_charset, demand_decodable, normalise
from gateway.records import (
    Channel,
    Envelope,
    Format,
    Json,
    Node,
    Parsed,
    PathError,
    Place,
    Selector,
)

MAX_BYTES = 2 * 1024 * 1024 * 1024
_ROWS = "rows()"


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


class Row:
    """A row, and the first of the rows that make up its record."""

    __slots__ = ("cells", "columns", "line", "rows")

    def __init__(self, columns: Mapping[str, int], cells: list[str], line: int) -> None:
        self.columns = columns
        self.cells = cells
        self.line = line
        self.rows: tuple[Row, ...] = (self,)

    @property
    def text(self) -> None:
        """None: a row is a group of cells."""

    @property
    def raw_text(self) -> None:
        """None: a row is a group of cells."""

    @property
    def place(self) -> Place:
        """The line on which the row begins."""
        return Place("", self.line)

    def cell(self, column: str) -> Cell | None:
        """Give a column's cell, None when there is no such column or the cell is blank."""
        index = self.columns.get(column)
        if index is None or not (raw := self.cells[index]) or raw.isspace():
            return None
        return Cell(raw, column, self.line)

    def leaves(self) -> Iterator[Cell]:
        """Yield the cells of all rows of the record that are not blank."""
        for row in self.rows:
            for column in row.columns:
                if cell := row.cell(column):
                    yield cell


@dataclass(frozen=True, slots=True)
class _Layout:
    """What the channel's options say about its files."""

    delimiter: str
    quote: str | None
    header: tuple[str, ...] | None
    names: Mapping[str, str]
    kind: str
    key: tuple[str, ...]
    control_id: str | None


class RowReader:
    """Reads delimited rows."""

    format: Format = "rows"

    def read(self, envelope: Envelope) -> Iterable[Parsed]:
        """Give the records as they stream; raise GW-2501…2505 with the line, GW-26xx."""
        raw = envelope.raw
        demand_size(raw, MAX_BYTES)
        layout = _layout(envelope.channel)
        codec = decide_charset(raw, envelope.channel.charset, None, Place("", 1))
        demand_decodable(raw, codec)
        if codec == "utf-8":
            codec = "utf-8-sig"
        text = io.TextIOWrapper(io.BytesIO(raw), encoding=codec, newline="")
        return Records(_readings(text, codec.removesuffix("-sig"), layout))


def _readings(
    text: io.TextIOWrapper, codec: str, layout: _Layout
) -> Iterator[Callable[[], Parsed]]:
    lines = _lines(text, layout)
    columns = _columns(lines, layout)
    for ordinal, rows in enumerate(_grouped(lines, columns, layout.key)):
        yield partial(_parsed, rows, columns, codec, layout, ordinal)


_Line = tuple[int, list[str] | None, str]


def _lines(text: io.TextIOWrapper, layout: _Layout) -> Iterator[_Line]:
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
        if any(cells) and not all(not cell or cell.isspace() for cell in cells):
            yield line, cells, ""


def _columns(lines: Iterator[_Line], layout: _Layout) -> dict[str, int]:
    names: Sequence[str] | None = layout.header
    number = 1
    if names is None:
        number, names, reason = next(lines, (1, None, ""))
        if reason:
            raise GatewayError("GW-2502", where=Place("", number), reason=reason)
        if names is None:
            raise GatewayError("GW-2504", where=Place("", number))
    columns: dict[str, int] = {}
    for index, name in enumerate(names):
        written = normalise(name) or f"column {index + 1}"
        column = layout.names.get(written.casefold(), written)
        if column in columns:
            raise GatewayError("GW-2503", where=Place(column, number), column=column)
        columns[column] = index
    for option, needed in (("key", layout.key), ("control_id", (layout.control_id,))):
        for column_needed in needed:
            if column_needed and column_needed not in columns:
                raise GatewayError(
                    "GW-2505", where=Place("", number), column=column_needed, option=option
                )
    return columns


def _grouped(
    lines: Iterator[_Line], columns: Mapping[str, int], key: tuple[str, ...]
) -> Iterator[list[_Line]]:
    if not key:
        for line in lines:
            yield [line]
        return
    indexes = [columns[column] for column in key]

    def key_of(line: _Line) -> tuple[object, ...]:
        cells = line[1]
        if cells is None or len(cells) != len(columns):
            return ("line", line[0])
        return tuple(normalise(cells[index]) for index in indexes)

    for _, rows in groupby(lines, key_of):
        yield list(rows)


def _parsed(
    lines: list[_Line], columns: Mapping[str, int], codec: str, layout: _Layout, ordinal: int
) -> Parsed:
    rows: list[Row] = []
    for number, cells, reason in lines:
        if cells is None:
            raise GatewayError("GW-2502", where=Place("", number), reason=reason)
        if len(cells) != len(columns):
            raise GatewayError(
                "GW-2501", where=Place("", number), found=len(cells), expected=len(columns)
            )
        rows.append(Row(columns, cells, number))
    root = rows[0]
    root.rows = tuple(rows)
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


def _layout(channel: Channel) -> _Layout:
    options = channel.options
    delimiter = {"tab": "\t", "\\t": "\t"}.get(
        given := text_option(channel, "delimiter") or ",", given
    )
    quote: str | None = text_option(channel, "quote") or '"'
    if quote == "none":
        quote = None
    for option, mark in (("delimiter", delimiter), ("quote", quote)):
        if mark is not None and (len(mark) != 1 or mark in "\r\n"):
            raise GatewayError("GW-2003", option=option, reason="one character expected")
    return _Layout(
        delimiter=delimiter,
        quote=quote,
        header=_names("header", options.get("header")) or None,
        names=_synonyms(options.get("synonyms")),
        kind=text_option(channel, "kind") or text_option(channel, "table") or "rows",
        key=_names("key", options.get("key")),
        control_id=text_option(channel, "control_id"),
    )


def _names(option: str, value: Json) -> tuple[str, ...]:
    if value is None:
        return ()
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise GatewayError("GW-2003", option=option, reason="column names expected")
    return tuple(names)


def _synonyms(value: Json) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise GatewayError("GW-2003", option="synonyms", reason="{column: [names]} expected")
    return {
        (normalise(name) or "").casefold(): column
        for column, names in value.items()
        for name in (column, *_names("synonyms", names))
    }


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
        if column.startswith(f"{_ROWS}/"):
            inner = column.removeprefix(f"{_ROWS}/").strip()
            if not inner:
                raise PathError("a column name is missing", len(column) + 1)
            return partial(_column_of_rows, inner)
        return partial(_cell, column)


def _rows(anchor: Node, root: Node) -> Sequence[Node]:  # noqa: ARG001
    return root.rows if isinstance(root, Row) else ()


def _column_of_rows(column: str, anchor: Node, root: Node) -> Sequence[Node]:  # noqa: ARG001
    rows = root.rows if isinstance(root, Row) else ()
    return [cell for row in rows if (cell := row.cell(column))]


def _cell(column: str, anchor: Node, root: Node) -> Sequence[Node]:
    row = anchor if isinstance(anchor, Row) else root
    cell = row.cell(column) if isinstance(row, Row) else None
    return (cell,) if cell else ()
