"""The way back: a bundle becomes the native record of a receiving hospital (rows, HL7 v2).

The receiver's template gives the skeleton: the header row of a CSV, the segments of a message. What
the way back did not read of the bundle is reported with its pointer.
"""

import base64
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from gateway.errors import GatewayError
from gateway.fhir import codec, fhirpath
from gateway.mapping.nodes import Scalar, Table
from gateway.mapping.nodes import Sequence as Listed
from gateway.mapping.program import MappingProgram
from gateway.mapping.run import OPTION
from gateway.mapping.tables import CodeTable
from gateway.mapping.ways import Step, Way, ways_of
from gateway.records import Json, Resource

Cells = dict[tuple[str, int], str]
"""Native path and repetition (from 0) → text."""

_HL7_PATH = re.compile(r"([A-Z][A-Z0-9]{2})-(\d+)(?:\.(\d+))?(?:\.(\d+))?\Z")
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


class Renderer:
    """Renders bundles through one mapping's rules that work backwards."""

    def __init__(self, program: MappingProgram, model: fhirpath.Model) -> None:
        if program.tree is None or program.format not in ("rows", "hl7v2"):
            raise GatewayError("GW-3107", what=program.id, format=program.format)
        self._program = program
        self._tables: Mapping[str, CodeTable] = program.tables
        self._model = model
        self.ways = ways_of(program.tree, program.format)
        self._options: Mapping[str, Json] = {**program.options, **program.samples.options}

    def render(self, bundle: Resource, template: str | None = None) -> tuple[str, list[str]]:
        """Give the native text and the pointers of the elements that nothing rendered.

        Raises GW-3107 where the bundle holds several resources that one rule stands for.
        """
        cells: Cells = {}
        read: set[str] = set()
        resources = [entry["resource"] for entry in bundle.get("entry", ())]
        for way in self.ways:
            if way.label == "both":
                self._forwarded(way, resources, cells, read)
            elif way.label == "back":
                self._back(way, bundle, cells)
        known = {f"{one['resourceType']}/{one.get('id')}" for one in resources}
        left = [
            pointer
            for pointer, value in _leaves(resources)
            if pointer not in read and value not in known
        ]
        return self._written(cells, template), left

    def _written(self, cells: Cells, template: str | None) -> str:
        if self._program.format == "rows":
            return write_row(cells, template)
        return write_message(cells, template)

    def _forwarded(
        self, way: Way, resources: Sequence[Resource], cells: Cells, read: set[str]
    ) -> None:
        found = [(n, r) for n, r in enumerate(resources) if r["resourceType"] == way.type]
        if len(found) > 1:
            raise GatewayError(
                "GW-3107", what=f"{len(found)} x {way.type}", format=self._program.format
            )
        for index, resource in found:
            start = f"/entry/{index}/resource"
            for repetition, value, pointer in self._values(resource, way.steps, start, 0):
                if not way.path:
                    if isinstance(way.argument, Scalar) and _text(value) == self._filled(
                        way.argument.text
                    ):
                        read.add(pointer)
                    continue
                text = self._native(way, value)
                if text is not None:
                    cells.setdefault((way.path, repetition), text)
                    read.update(below for below, _ in _below(value, pointer))

    def _values(
        self, value: Any, steps: Sequence[Step], pointer: str, repetition: int
    ) -> Iterator[tuple[int, Any, str]]:
        if not steps:
            yield repetition, value, pointer
            return
        step, rest = steps[0], steps[1:]
        inner = value.get(step.name) if isinstance(value, dict) else None
        if inner is None:
            return
        pointer = f"{pointer}/{step.name}"
        if not isinstance(inner, list):
            if self._holds(inner, step):
                yield from self._values(inner, rest, pointer, repetition)
            return
        fitting = [(n, item) for n, item in enumerate(inner) if self._holds(item, step)]
        for number, (index, item) in enumerate(fitting if step.is_each else fitting[:1]):
            place = number if step.is_each else repetition
            yield from self._values(item, rest, f"{pointer}/{index}", place)

    def _holds(self, item: Any, step: Step) -> bool:
        """Say whether an entry holds the constants that the rule writes beside its value."""
        if not step.constants:
            return True
        return isinstance(item, dict) and all(
            str(_first(item.get(name))) == self._filled(text) for name, text in step.constants
        )

    def _filled(self, text: str) -> str:
        return OPTION.sub(lambda found: str(self._options.get(found[1], found[0])), text)

    def _native(self, way: Way, value: Any) -> str | None:
        """Invert function and table; None where the value has no native text."""
        if isinstance(value, dict):
            value = _plain_part(value, way)
        if value is None or isinstance(value, list | dict):
            return None
        if way.codes is not None:
            return self._source_code(way, str(value))
        text = _text(value)
        argument = way.argument
        if way.function == "prefix" and isinstance(argument, Scalar):
            return text.removeprefix(argument.text)
        if way.function == "base64":
            return base64.b64decode(text).decode("utf-8", errors="replace")
        if way.function == "urn":
            return text.removeprefix("urn:oid:").removeprefix("urn:uuid:")
        if way.function == "boolean" and isinstance(argument, Table):
            listed = argument.get(text)
            return (
                listed.items[0].text
                if isinstance(listed, Listed) and isinstance(listed.items[0], Scalar)
                else None
            )
        if way.function == "coding-system":
            names = [n for n, url in self._program.systems.items() if self._filled(url) == text]
            return names[-1] if names else None
        return _digits(text) if self._is_time(way) else text

    def _is_time(self, way: Way) -> bool:
        if self._program.format != "hl7v2":
            return False
        last = way.steps[-1].name
        return way.function in ("date", "dateTime", "instant") or bool(
            re.search(r"(date|Date|DateTime|time|Time|start|end|issued|authoredOn)\Z", last)
        )

    def _source_code(self, way: Way, target: str) -> str | None:
        table = self._tables.get(way.codes.text) if isinstance(way.codes, Scalar) else None
        if isinstance(way.codes, Table):
            pairs = {v.text: k for k, v in way.codes.entries.items() if isinstance(v, Scalar)}
            return pairs.get(target)
        inverse = table.inverse() if table else None
        if inverse is None:
            return None
        return next((source for (_, code), source in inverse.items() if code == target), None)

    def _back(self, way: Way, bundle: Resource, cells: Cells) -> None:
        node = way.codes
        if isinstance(node, Scalar):
            cells[way.path, 0] = self._filled(node.text)
            return
        constant = node.text("const") if isinstance(node, Table) else None
        if constant is not None:
            cells[way.path, 0] = self._filled(constant)
            return
        expression = node.text("from") if isinstance(node, Table) else None
        if expression is None:
            return
        type_, dot, rest = expression.partition(".")
        path = f"Bundle.entry.resource.ofType({type_}){dot}{rest}"
        context = fhirpath.Context(
            self._model, resource=bundle, root=bundle, resolve=_resolver(bundle)
        )
        found = fhirpath.compile(path).evaluate(bundle, context)
        if found and not isinstance(found[0], list | dict):
            cells[way.path, 0] = _text(found[0])


def _plain_part(value: Resource, way: Way) -> Any:
    """Give the part of an object that the native text was read into."""
    if way.codes is not None:
        first = _first(value.get("coding"))
        return value.get("code") or (first.get("code") if isinstance(first, dict) else None)
    if way.function == "quantity":
        parts = (value.get("comparator", ""), _text(value.get("value", "")), value.get("unit", ""))
        return f"{parts[0]}{parts[1]} {parts[2]}".strip()
    return value.get("value" if way.function == "money" else "text")


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return codec.plain(value) if isinstance(value, Decimal) else str(value)


def _digits(text: str) -> str:
    """Write a FHIR date or time as HL7 v2 does: digits, then the offset."""
    date, mark, clock = text.partition("T")
    found = re.fullmatch(r"([\d:.]+)(Z|[+-]\d\d:\d\d)?", clock) if mark else None
    if found is None:
        return date.replace("-", "")
    offset = (found[2] or "").replace(":", "").replace("Z", "+0000")
    return date.replace("-", "") + found[1].replace(":", "") + offset


def _resolver(bundle: Resource) -> Any:
    known = {
        f"{entry['resource']['resourceType']}/{entry['resource'].get('id')}": entry["resource"]
        for entry in bundle.get("entry", ())
    }
    return known.get


def _leaves(resources: Sequence[Resource]) -> Iterator[tuple[str, Any]]:
    """Give pointer and value of every leaf but types, ids and meta."""
    for index, resource in enumerate(resources):
        for name, inner in resource.items():
            if name not in ("resourceType", "id", "meta"):
                yield from _below(inner, f"/entry/{index}/resource/{name}")


def _below(value: Any, pointer: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _below(inner, f"{pointer}/{name}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _below(inner, f"{pointer}/{index}")
    else:
        yield pointer, value


def write_row(cells: Cells, template: str | None) -> str:
    """Write a CSV of one row; the template's header row gives the columns and their order."""
    names = [path for path, repetition in cells if repetition == 0]
    if template is not None:
        names = next(csv.reader(io.StringIO(template)), [])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(names)
    writer.writerow([cells.get((name, 0), "") for name in names])
    return text.getvalue()


def write_message(cells: Cells, template: str | None) -> str:
    """Write an HL7 v2 message; the template's segments are kept, what was rendered replaces."""
    segments = [line.split("|") for line in re.split(r"[\r\n]+", template or "") if line]
    for segment in segments:
        if segment[0] == "MSH":
            segment.insert(1, "|")
    if not any(segment[0] == "MSH" for segment in segments):
        segments.insert(0, ["MSH", "|", "^~\\&"])
    for (path, repetition), text in cells.items():
        found = _HL7_PATH.match(path)
        if found is None:
            continue
        name, field, component, sub = found.groups()
        segment = next((s for s in segments if s[0] == name), None)
        if segment is None:
            segment = [name]
            segments.append(segment)
        _put(segment, (int(field), repetition, int(component or 1), int(sub or 1)), text)
    for segment in segments:
        if segment[0] == "MSH":
            del segment[1]
    return "\r".join("|".join(segment) for segment in segments) + "\r"


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
