"""What a channel's options say about its files of rows, and the columns of a header."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from gateway.errors import GatewayError
from gateway.formats.reading import text_option
from gateway.formats.text import normalise
from gateway.records import Channel, Json, Place

Line = tuple[int, list[str] | None, str]
"""Line number, cells, and for a line that cannot be read None with the reason."""

ROUNDED = "\0rounded"
"""A number that Excel has rounded; no cell can hold this text."""
BROKEN = "\0broken"
"""A formula without a result."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What the channel's options say about its files."""

    delimiter: str
    quote: str | None
    header: tuple[str, ...] | None
    names: Mapping[str, str]
    kind: str
    key: tuple[str, ...]
    control_id: str | None
    skip: int
    header_rows: int
    sheet: str | None
    children: Mapping[str, tuple[str, str]]
    dates: frozenset[str]


def columns_of(lines: Iterator[Line], layout: Layout) -> dict[str, int]:
    """Read the header; raise GW-2502…2505 where it does not name the columns."""
    names, number = _written(lines, layout)
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


def _written(lines: Iterator[Line], layout: Layout) -> tuple[Sequence[str], int]:
    """Give the names as the file writes them; a header of several lines is joined by ``/``."""
    if layout.header is not None:
        return layout.header, 1
    found: list[list[str]] = []
    number = 1
    for _ in range(layout.header_rows):
        number, cells, reason = next(lines, (number, None, ""))
        if reason:
            raise GatewayError("GW-2502", where=Place("", number), reason=reason)
        if cells is None:
            raise GatewayError("GW-2504", where=Place("", number))
        found.append(cells)
    width = max(len(cells) for cells in found)
    padded = [cells + [""] * (width - len(cells)) for cells in found]
    for upper, lower in pairwise(padded):
        _spread(upper, lower)
    stacked = zip(*padded, strict=True)
    names = ["/".join(_distinct(name.strip() for name in names)) for names in stacked]
    return names, number


def _spread(upper: list[str], lower: list[str]) -> None:
    """Let a merged cell of a header stand above all the columns below it."""
    for index in range(1, len(upper)):
        if not upper[index].strip() and lower[index].strip():
            upper[index] = upper[index - 1]


def _distinct(names: Iterator[str]) -> list[str]:
    made: list[str] = []
    for name in names:
        if name and (not made or made[-1] != name):
            made.append(name)
    return made


def layout_of(channel: Channel) -> Layout:
    """Read a channel's options; raise GW-2003 for one that cannot be."""
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
    return Layout(
        delimiter=delimiter,
        quote=quote,
        header=_names("header", options.get("header")) or None,
        names=_synonyms(options.get("synonyms")),
        kind=text_option(channel, "kind") or text_option(channel, "table") or "rows",
        key=_names("key", options.get("key")),
        control_id=text_option(channel, "control_id"),
        skip=_count("skip", options.get("skip"), 0),
        header_rows=_count("header_rows", options.get("header_rows"), 1) or 1,
        sheet=text_option(channel, "sheet"),
        children=_children(options.get("children")),
        dates=frozenset(_names("dates", options.get("dates"))),
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


def _count(option: str, value: Json, default: int) -> int:
    if value is None:
        return default
    if isinstance(value, bool) or not str(value).isdecimal() or int(str(value)) > 100:
        raise GatewayError("GW-2003", option=option, reason="a number of lines expected")
    return int(str(value))


def _children(value: Json) -> dict[str, tuple[str, str]]:
    """Read ``{name: {sheet: …, key: …}}``: the child tables of a workbook."""
    made: dict[str, tuple[str, str]] = {}
    for name, given in value.items() if isinstance(value, Mapping) else ():
        key = given.get("key") if isinstance(given, Mapping) else None
        if not isinstance(key, str) or not key:
            raise GatewayError("GW-2003", option="children", reason="{name: {sheet, key}} expected")
        made[name] = str(given.get("sheet") or name), key
    if value is not None and not isinstance(value, Mapping):
        raise GatewayError("GW-2003", option="children", reason="{name: {sheet, key}} expected")
    return made
