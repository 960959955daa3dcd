"""Writers of line formats: cells by whole path become rows or an HL7 v2 message."""

import csv
import io
import re
from decimal import Decimal
from typing import Any

from gateway.fhir import codec
from gateway.mapping.program import MappingProgram

Native = str | int | bool | Decimal
Cells = dict[str, Native]
"""Whole native path, repetitions counted from 1 → what stands there."""

_HL7_PATH = re.compile(
    r"([A-Z][A-Z0-9]{2})(?:\[(\d+)\])?-(\d+)(?:\[(\d+)\])?(?:\.(\d+))?(?:\.(\d+))?\Z"
)
_ROW_PATH = re.compile(r"rows\(\)\[(\d+)\]/(.+)\Z", re.DOTALL)
# The escape character itself comes first: what the others write contains it.
_ESCAPES = (
    ("\\", "\\E\\"),
    ("|", "\\F\\"),
    ("^", "\\S\\"),
    ("~", "\\R\\"),
    ("&", "\\T\\"),
    ("\r\n", "\\.br\\"),
    ("\n", "\\.br\\"),
    ("\r", "\\.br\\"),
)


def text_of(value: Any) -> str:
    """Write a value as text, decimals with their scale."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return codec.plain(value) if isinstance(value, Decimal) else str(value)


def write_rows(cells: Cells, template: str | None, program: MappingProgram) -> str:
    """Write a CSV; the template's header row gives the columns and their order.

    A record of several rows repeats the columns that tell its rows belong together.
    """
    options = program.samples.options
    given = options.get("delimiter")
    delimiter = {"tab": "\t", "\\t": "\t"}.get(str(given), given) if given else ","
    rows: dict[int, dict[str, str]] = {1: {}}
    for path, value in cells.items():
        found = _ROW_PATH.match(path)
        number, name = (int(found[1]), found[2]) if found else (1, path)
        rows.setdefault(number, {})[name] = text_of(value)
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    if template is not None:
        reader = csv.reader(io.StringIO(template), delimiter=str(delimiter))
        names = next(reader, [])
    key = options.get("key") or []
    for name in [key] if isinstance(key, str) else key:
        for row in rows.values():
            row.setdefault(name, rows[1].get(name, ""))
    text = io.StringIO()
    writer = csv.writer(text, delimiter=str(delimiter), lineterminator="\r\n")
    writer.writerow(names)
    for number in sorted(rows):
        writer.writerow([rows[number].get(name, "") for name in names])
    return text.getvalue()


def write_message(cells: Cells, template: str | None, program: MappingProgram) -> str:
    """Write an HL7 v2 message; the template's segments are kept, what was rendered replaces."""
    del program
    segments = [line.split("|") for line in re.split(r"[\r\n]+", template or "") if line]
    for segment in segments:
        if segment[0] == "MSH":
            segment.insert(1, "|")
    if not any(segment[0] == "MSH" for segment in segments):
        segments.insert(0, ["MSH", "|", "^~\\&"])
    for path, value in cells.items():
        found = _HL7_PATH.match(path)
        if found is None:
            continue
        name, ordinal, *numbers = found.groups()
        segment = _segment(segments, name, int(ordinal or 1))
        field, repetition, component, sub = (int(number or 1) for number in numbers)
        _put(segment, (field, repetition - 1, component, sub), text_of(value))
    for segment in segments:
        if segment[0] == "MSH":
            del segment[1]
    return "\r".join("|".join(segment) for segment in segments) + "\r"


def _segment(segments: list[list[str]], name: str, ordinal: int) -> list[str]:
    """Give a segment by its ordinal; a new one follows the last of its name, else the message."""
    alike = [index for index, one in enumerate(segments) if one[0] == name]
    while len(alike) < ordinal:
        at = alike[-1] + 1 if alike else len(segments)
        segments.insert(at, [name])
        alike.append(at)
    return segments[alike[ordinal - 1]]


def _put(segment: list[str], at: tuple[int, int, int, int], text: str) -> None:
    field, repetition, component, sub = at
    segment += [""] * (field + 1 - len(segment))
    for mark, escape in _ESCAPES:
        text = text.replace(mark, escape)
    parts = segment[field].split("~")
    parts += [""] * (repetition + 1 - len(parts))
    components = parts[repetition].split("^")
    components += [""] * (component - len(components))
    subs = components[component - 1].split("&")
    subs += [""] * (sub - len(subs))
    subs[sub - 1] = text
    components[component - 1] = "&".join(subs)
    parts[repetition] = "^".join(components)
    segment[field] = "~".join(parts)
