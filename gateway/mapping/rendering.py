"""The way back: a bundle becomes the native record of a receiving hospital.

Rows, HL7 v2, XML and JSON. The receiver's template gives the skeleton: the header row of a CSV, the
segments of a message, the elements of a document. What the way back did not read of the bundle is
reported with its pointer, and written where a ``back:`` rule says ``rest``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from gateway.errors import GatewayError
from gateway.fhir import fhirpath
from gateway.mapping.inverting import Inverter
from gateway.mapping.nodes import Scalar, Table
from gateway.mapping.program import MappingProgram
from gateway.mapping.run import OPTION
from gateway.mapping.ways import Pairs, Stand, Step, Way, stands_of, ways_of
from gateway.mapping.writable import filled
from gateway.mapping.writing import Cells, Native, text_of, write_message, write_rows
from gateway.mapping.writing_trees import write_json, write_xml
from gateway.records import Format, Json, Resource

Counts = tuple[int, ...]
_NONE: Mapping[str, Native] = MappingProxyType({})
_WRITERS: Mapping[Format, Callable[[Cells, str | None, MappingProgram], str]] = {
    "rows": write_rows,
    "hl7v2": write_message,
    "xml": write_xml,
    "json": write_json,
}


class Renderer:
    """Renders bundles through one mapping's rules that work backwards."""

    def __init__(
        self,
        program: MappingProgram,
        model: fhirpath.Model,
        options: Mapping[str, Json] | None = None,
    ) -> None:
        """Take the mapping, and the options of a channel where there is one."""
        if program.tree is None or program.shapes is None or program.format not in _WRITERS:
            raise GatewayError("GW-3107", what=program.id, format=program.format)
        self._program = program
        self._model = model
        self.ways = ways_of(program.tree, program.format, program.shapes)
        self._stands = stands_of(program.tree)
        given = program.samples.options if options is None else options
        self._options: Mapping[str, Json] = {**program.options, **given}
        self._inverter = Inverter(program, self._filled)

    def render(
        self, bundle: Resource, template: str | None = None, given: Mapping[str, Native] = _NONE
    ) -> tuple[str, list[str]]:
        """Give the native text and the pointers of the elements that nothing rendered.

        ``given`` are native paths with what stands there unless a ``back:`` rule says otherwise.
        Raises GW-3107 where the bundle holds several resources that one rule stands for.
        """
        cells: Cells = dict(given)
        read: set[str] = set()
        resources = [one["resource"] for one in bundle.get("entry", ()) if "resource" in one]
        # What a value says stands before what a condition supposes.
        for way in sorted(self.ways, key=lambda one: bool(one.writes)):
            if way.label == "both":
                self._forwarded(way, resources, cells, read)
        for way in self.ways:
            if way.label == "back":
                self._back(way, bundle, cells)
        known = {f"{one['resourceType']}/{one.get('id')}" for one in resources}
        left = [
            (pointer, value)
            for pointer, value in _leaves(resources)
            if pointer not in read and value not in known
        ]
        self._note(resources, left, cells)
        text = _WRITERS[self._program.format](cells, template, self._program)
        return text, [pointer for pointer, _ in left]

    def _forwarded(
        self, way: Way, resources: Sequence[Resource], cells: Cells, read: set[str]
    ) -> None:
        for counts, index, resource in self._found(way, resources):
            start = f"/entry/{index}/resource"
            for places, value, pointer in self._values(resource, way.steps, start, counts):
                if not self._may_hold(way.writes, places, cells):
                    continue
                if not way.path:
                    if isinstance(way.argument, Scalar) and text_of(value) == self._filled(
                        way.argument.text
                    ):
                        read.add(pointer)
                        self._hold(way.writes, places, cells)
                    continue
                native = self._inverter.native(way, value)
                if native is not None and way.function == "magnitude":
                    native = _compared(resource, pointer, native, read)
                if native is not None:
                    cells.setdefault(self._path(way.path, places), native)
                    self._hold(way.writes, places, cells)
                    read.update(below for below, _ in _below(value, pointer))

    def _path(self, path: str, places: Counts) -> str:
        return filled(path, places, 0 if self._program.format == "json" else 1)

    def _may_hold(self, writes: Pairs, places: Counts, cells: Cells) -> bool:
        """Say whether a rule's condition does not contradict what is written already."""
        return all(
            text_of(cells.get(self._path(path, places), text)) == text for path, text in writes
        )

    def _hold(self, writes: Pairs, places: Counts, cells: Cells) -> None:
        for path, text in writes:
            cells.setdefault(self._path(path, places), text)

    def _found(self, way: Way, resources: Sequence[Resource]) -> list[tuple[Counts, int, Resource]]:
        """Find the resources that a rule stands for, each with its repetitions."""
        stand = self._stands[way.resource]
        found = [(n, one) for n, one in enumerate(resources) if self._is_of(stand, one)]
        above = self._counts_above(stand, resources)
        if not stand.is_each and len(found) > 1:
            what = f"{len(found)} x {way.type}"
            raise GatewayError("GW-3107", what=what, format=self._program.format)
        if not stand.is_each:
            return [(above, index, one) for index, one in found]
        return [((*above, number), index, one) for number, (index, one) in enumerate(found)]

    def _counts_above(self, stand: Stand, resources: Sequence[Resource]) -> Counts:
        """Give the repetitions of what a resource stands under, which must be one."""
        parent = self._stands.get(stand.under or "")
        if parent is None:
            return ()
        count = sum(self._is_of(parent, one) for one in resources)
        if count > 1:
            what = f"{stand.type} under {count} x {parent.type}"
            raise GatewayError("GW-3107", what=what, format=self._program.format)
        return (*self._counts_above(parent, resources), *((0,) if parent.is_each else ()))

    def _is_of(self, stand: Stand, resource: Resource) -> bool:
        if resource["resourceType"] != stand.type:
            return False
        alike = sum(one.type == stand.type for one in self._stands.values())
        return alike == 1 or all(
            self._filled(text) in _texts_at(resource, name.split("."))
            for name, text in stand.constants
        )

    def _values(
        self, value: Any, steps: Sequence[Step], pointer: str, counts: Counts
    ) -> Iterator[tuple[Counts, Any, str]]:
        if not steps:
            yield counts, value, pointer
            return
        step, rest = steps[0], steps[1:]
        inner = value.get(step.name) if isinstance(value, dict) else None
        if inner is None:
            return
        pointer = f"{pointer}/{step.name}"
        if not isinstance(inner, list):
            if self._holds(inner, step):
                yield from self._values(inner, rest, pointer, counts)
            return
        fitting = [(n, item) for n, item in enumerate(inner) if self._holds(item, step)]
        chosen = fitting if step.is_each else fitting[step.index : step.index + 1]
        for number, (index, item) in enumerate(chosen):
            places = (*counts, number) if step.is_each else counts
            yield from self._values(item, rest, f"{pointer}/{index}", places)

    def _holds(self, item: Any, step: Step) -> bool:
        """Say whether an entry holds the constants that the rule writes beside its value."""
        if any(self._has(item, other) for other in step.others):
            return False
        return not step.constants or self._has(item, step.constants)

    def _has(self, item: Any, constants: Pairs) -> bool:
        return isinstance(item, dict) and all(
            self._filled(text) in _texts_at(item, name.split(".")) for name, text in constants
        )

    def _filled(self, text: str) -> str:
        return OPTION.sub(lambda found: str(self._options.get(found[1], found[0])), text)

    def _back(self, way: Way, bundle: Resource, cells: Cells) -> None:
        node = way.codes
        constant = node if isinstance(node, Scalar) else None
        if isinstance(node, Table) and isinstance(given := node.get("const"), Scalar):
            constant = given
        if constant is not None:
            cells[way.path] = self._filled(constant.text)
            return
        expression = node.text("from") if isinstance(node, Table) else None
        if expression is None or not isinstance(node, Table):
            return
        type_, dot, rest = expression.partition(".")
        path = f"Bundle.entry.resource.ofType({type_}){dot}{rest}"
        context = fhirpath.Context(
            self._model, resource=bundle, root=bundle, resolve=_resolver(bundle)
        )
        for value in fhirpath.compile(path).evaluate(bundle, context)[:1]:
            cells.update(self._inverter.written(way.path, node, value))

    def _note(
        self, resources: Sequence[Resource], left: list[tuple[str, Any]], cells: Cells
    ) -> None:
        """Write what nothing rendered into the field that a ``rest`` rule names."""
        for way in self.ways:
            start = way.codes.text("rest") if isinstance(way.codes, Table) else None
            if way.label != "back" or start is None or not left:
                continue
            parts = []
            for pointer, value in left:
                _, _, index, _, *steps = pointer.split("/")
                names = ".".join(step for step in steps if not step.isdigit())
                parts.append(f"{resources[int(index)]['resourceType']}.{names}={text_of(value)}")
            cells[way.path] = start + "; ".join(parts)


def _compared(resource: Resource, pointer: str, native: Native, read: set[str]) -> Native:
    """Put the comparator before a result that was read from one text: 0.5 is not <0.5."""
    above, _, _ = pointer.rpartition("/")
    beside: Any = resource
    for step in above.split("/")[4:]:
        beside = beside[int(step)] if step.isdigit() else beside[step]
    sign = beside.get("comparator") if isinstance(beside, dict) else None
    if not isinstance(sign, str) or f"{above}/comparator" in read:
        return native
    read.add(f"{above}/comparator")
    return f"{sign}{native}"


def _texts_at(value: Any, names: Sequence[str]) -> set[str]:
    """Give the texts at a dotted name, through arrays."""
    if isinstance(value, list):
        return {text for item in value for text in _texts_at(item, names)}
    if not names:
        return set() if value is None or isinstance(value, dict) else {text_of(value)}
    return _texts_at(value.get(names[0]), names[1:]) if isinstance(value, dict) else set()


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
