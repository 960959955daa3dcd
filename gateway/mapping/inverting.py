"""Value functions, code tables and datatype maps backwards: an element's value as native text."""

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gateway.mapping import packaged
from gateway.mapping.nodes import Node, Scalar, Table
from gateway.mapping.nodes import Sequence as Listed
from gateway.mapping.program import MappingProgram
from gateway.mapping.shapes import TIMES
from gateway.mapping.ways import Way
from gateway.mapping.writable import joined
from gateway.mapping.writing import Cells, Native, text_of

_V3 = "urn:hl7-org:v3"
_TIME_FUNCTIONS = ("date", "dateTime", "instant", "time")
# What a resource that stands behind a reference says, as the datatype maps name it.
_RESOURCE_PARTS = {"Identifier": "identifier", "HumanName": "name"}


class Inverter:
    """Inverts values for one mapping; ``fill`` puts channel options into constants."""

    def __init__(self, program: MappingProgram, fill: Callable[[str], str]) -> None:
        self._program = program
        self._fill = fill
        is_v3 = program.format == "xml" and _V3 in _declared(program).values()
        self._has_digits = program.format == "hl7v2" or is_v3

    def native(self, way: Way, value: Any) -> Native | None:
        """Invert function and table; None where the value has no native text."""
        if isinstance(value, dict):
            original = self._original(way.codes, value.get("coding"))
            if original is not None:
                return original
            value = _plain_part(value, way)
        if value is None or isinstance(value, list | dict):
            return None
        if way.codes is not None:
            return self._source_code(way.codes, str(value))
        if way.function:
            return self._inverted(way.function, way.argument, text_of(value))
        if way.kind in TIMES:
            return self._moment(text_of(value))
        return value if self._program.format == "json" else text_of(value)

    def _moment(self, text: str) -> str:
        return digits(text) if self._has_digits else text

    def _inverted(self, function: str, argument: Node | None, text: str) -> str | None:
        if function in _TIME_FUNCTIONS:
            return self._moment(text)
        if function == "template" and isinstance(argument, Scalar):
            return _untemplated(self._fill(argument.text), text)
        if function == "prefix" and isinstance(argument, Scalar):
            return text.removeprefix(argument.text)
        if function == "base64":
            return base64.b64decode(text).decode("utf-8", errors="replace")
        if function == "urn":
            return text.removeprefix("urn:oid:").removeprefix("urn:uuid:")
        if function == "boolean" and isinstance(argument, Table):
            listed = argument.get(text)
            first = listed.items[0] if isinstance(listed, Listed) and listed.items else listed
            return first.text if isinstance(first, Scalar) else None
        if function == "coding-system":
            names = [n for n, url in self._program.systems.items() if self._fill(url) == text]
            return names[-1] if names else text.removeprefix("urn:oid:")
        return text

    def _original(self, codes: Node | None, codings: Any) -> str | None:
        """Give the original code that stands beside what it was translated to.

        Of several codes that become one, the inverse of the table knows only the preferred.
        """
        table = self._program.tables.get(codes.text) if isinstance(codes, Scalar) else None
        if table is None or not isinstance(codings, list):
            return None
        for beside in codings:
            row = table.find(str(beside.get("code")), beside.get("system"))
            others = [one for one in codings if one is not beside]
            if row and any(
                (one.get("code"), one.get("system")) == (row.target, row.system) for one in others
            ):
                return row.source
        return None

    def _source_code(self, codes: Node, target: str) -> str | None:
        table = self._program.tables.get(codes.text) if isinstance(codes, Scalar) else None
        if isinstance(codes, Table):
            pairs = {v.text: k for k, v in codes.entries.items() if isinstance(v, Scalar)}
            return pairs.get(target)
        inverse = table.inverse() if table else None
        if inverse is None:
            return None
        return next((source for (_, code), source in inverse.items() if code == target), None)

    def written(self, path: str, rule: Table, value: Any) -> Cells:
        """Give what a ``back:`` rule writes: one text, or the parts of a datatype."""
        use = packaged.datatypes(self._program.format).get(rule.text("use") or "")
        if use is not None and isinstance(value, dict):
            return self._parts(path, use, value)
        if isinstance(value, dict):
            first = _first(value.get("coding"))
            value = value.get("code") or (first or {}).get("code") or value.get("value")
        if value is None or isinstance(value, list | dict):
            return {}
        codes, function = rule.get("codes"), rule.text("as") or ""
        text = text_of(value)
        made = self._source_code(codes, text) if codes else None
        if codes is None:
            is_time = re.match(r"\d{4}-\d\d-\d\d", text) and not function
            made = self._moment(text) if is_time else self._inverted(function, None, text)
        return {} if made is None else {path: made}

    def _parts(self, path: str, use: Mapping[str, Node], value: dict[str, Any]) -> Cells:
        """Write the parts of a datatype, of a resource those of its identifier and name."""
        cells: Cells = {}
        for type_, fields in use.items():
            part = _first(value.get(_RESOURCE_PARTS.get(type_, "")))
            if "resourceType" not in value:
                part = value
            if not isinstance(part, dict) or not isinstance(fields, Table):
                continue
            for names, source in _simple(fields):
                found: Any = part
                for name in names:
                    found = _first(found).get(name) if isinstance(_first(found), dict) else None
                for number, source_path in enumerate(source):
                    whole = joined(path, source_path, self._program.format)
                    one = found[number : number + 1] if isinstance(found, list) else [found][:1]
                    is_leaf = one and one[0] is not None and not isinstance(one[0], dict | list)
                    if whole and is_leaf and (number == 0 or isinstance(found, list)):
                        cells.setdefault(whole, text_of(one[0]))
        return cells


def _simple(fields: Table, before: tuple[str, ...] = ()) -> Iterator[tuple[list[str], list[str]]]:
    """Give (element names, paths) of the plain parts of a datatype map."""
    for name, node in fields.entries.items():
        names = [*before, *name.split(".")]
        items = node.items if isinstance(node, Listed) else [node]
        paths = [item.text for item in items if isinstance(item, Scalar)]
        if len(paths) == len(items) and all(path.startswith(".") for path in paths):
            yield names, paths


def _declared(program: MappingProgram) -> Mapping[str, str]:
    source = program.tree.get("source") if program.tree else None
    prefixes = source.get("prefixes") if isinstance(source, Table) else None
    items = prefixes.entries.items() if isinstance(prefixes, Table) else ()
    return {name: node.text for name, node in items if isinstance(node, Scalar)}


def _untemplated(template: str, text: str) -> str | None:
    start, _, end = template.partition("{1}")
    is_made = text.startswith(start) and text.endswith(end) and len(text) > len(start) + len(end)
    return text[len(start) : len(text) - len(end)] if is_made else None


def _plain_part(value: dict[str, Any], way: Way) -> Any:
    """Give the part of an object that the native text was read into."""
    if way.codes is not None:
        first = _first(value.get("coding"))
        return value.get("code") or (first.get("code") if isinstance(first, dict) else None)
    if way.function == "quantity":
        parts = (
            value.get("comparator", ""),
            text_of(value.get("value", "")),
            value.get("unit", ""),
        )
        return f"{parts[0]}{parts[1]} {parts[2]}".strip()
    return value.get("value" if way.function == "money" else "text")


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def digits(text: str) -> str:
    """Write a FHIR date or time as HL7 does: digits, then the offset."""
    date, mark, clock = text.partition("T")
    if not mark and re.match(r"\d\d:\d\d", date):
        return date.replace(":", "")
    found = re.fullmatch(r"([\d:.]+)(Z|[+-]\d\d:\d\d)?", clock) if mark else None
    if found is None:
        return date.replace("-", "")
    offset = (found[2] or "").replace(":", "").replace("Z", "+0000")
    return date.replace("-", "") + found[1].replace(":", "") + offset
