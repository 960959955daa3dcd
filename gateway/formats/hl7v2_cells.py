"""The cells of HL7 v2: texts with their places, cut once from a segment for all who ask.

Most segments are plain: nothing repeats, no escapes, no subcomponents, NFKC already (parts of a
text in NFKC are in NFKC). Their cells are cut right out of the line; others take the way of
``Value``, which knows every level.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

import msgspec

from gateway.formats.hl7v2_values import NULL, Segment, Value, path_of
from gateway.records import Node, Place, Selector


class Cell(msgspec.Struct, eq=False, gc=False):
    """A text of a segment; ``numbers`` are field, repetition, component, subcomponent."""

    text: str
    name: str
    line: int
    numbers: tuple[int, int, int, int]
    is_read: bool = False
    known: Place | None = None

    @property
    def place(self) -> Place:
        """The path of the part that the text was cut from, and the segment's line."""
        if self.known is None:
            self.known = Place(path_of(self.name, *self.numbers), self.line)
        return self.known


def cells_of(segment: Segment, numbers: tuple[int, ...]) -> Sequence[Cell]:
    """Give the cells at field, component and subcomponent, one of each repetition."""
    known: Sequence[Cell] | None = segment.cells.get(numbers)
    if known is None:
        known = segment.cells[numbers] = _look(segment, numbers)
    return known


def kept(segment: Segment, key: Hashable, find: Callable[[], Iterable[Node]]) -> Sequence[Cell]:
    """Give the cells of values that are found once from a segment."""
    known: Sequence[Cell] | None = segment.cells.get(key)
    if known is None:
        known = segment.cells[key] = wrapped(find())
    return known


_Part = tuple[Selector, int, tuple[int, int, int, int]]
_Field = tuple[int, Mapping[Selector, tuple[()]], tuple[_Part, ...]]


class Filling:
    """Looks at all plain paths of a resource's rules at once, when its segment is met.

    ``paths`` are the segment's name, empty for a relative path, and the numbers of field and
    component. What is not plain is left to be looked at when it is asked for.
    """

    def __init__(self, paths: Mapping[Selector, tuple[str, tuple[int, ...]]]) -> None:
        self._paths = {select: path for select, path in paths.items() if len(path[1]) < 3}
        self._plans: dict[str, tuple[_Field, ...]] = {}
        self._names = tuple(dict.fromkeys(name for name, _ in self._paths.values() if name))

    def __call__(self, looks: dict[Selector, Sequence[Cell]], anchor: Node, root: Node) -> None:
        """Fill what is looked at from an anchor."""
        if isinstance(anchor, Segment):
            self._fill(looks, anchor, f"{anchor.name}.")
        elif anchor is root:
            named: Callable[[str], list[Segment]] = root.named  # type: ignore[attr-defined]
            for name in self._names:
                found = named(name)
                if len(found) == 1:
                    self._fill(looks, found[0], name)

    def _plan(self, name: str) -> tuple[_Field, ...]:
        """Group the paths that mean a segment by field; ``OBX.`` asks for relative ones, too."""
        names = {name.rstrip("."), ""} if name.endswith(".") else {name}
        by_field: dict[int, list[_Part]] = {}
        for select, (owner, numbers) in self._paths.items():
            if owner in names:
                component = numbers[1] if len(numbers) == 2 else 1
                place = (numbers[0], 0, component, 0)
                by_field.setdefault(numbers[0], []).append((select, component, place))
        return tuple(
            (field, dict.fromkeys([select for select, _, _ in parts], ()), tuple(parts))
            for field, parts in by_field.items()
        )

    def _fill(self, looks: dict[Selector, Sequence[Cell]], segment: Segment, name: str) -> None:
        plan = self._plans.get(name)
        if plan is None:
            plan = self._plans[name] = self._plan(name)
        fields, line, owner = segment.fields, segment.number, segment.name
        count, mark, is_plain = len(fields), segment.delimiters.component, segment.is_plain
        for field, nothing, parts in plan:
            if field >= count or not (raw := fields[field]):
                looks.update(nothing)
            elif (not is_plain and not segment.is_plain_text(raw)) or segment.is_declaration(field):
                continue
            elif mark in raw:
                pieces = ["", *raw.split(mark)]
                for select, component, numbers in parts:
                    piece = pieces[component] if component < len(pieces) else ""
                    text = piece.strip()
                    is_told = text and piece != NULL
                    looks[select] = (Cell(text, owner, line, numbers),) if is_told else ()
            else:
                text = raw.strip()
                found = (Cell(text, owner, line, (field, 0, 0, 0)),) if text and raw != NULL else ()
                for select, component, _ in parts:
                    looks[select] = found if component < 2 else ()


def wrapped(nodes: Iterable[Node]) -> Sequence[Cell]:
    """Make cells of the values among some nodes."""
    return [
        Cell(text, node.segment.name, node.segment.number, node.numbers)
        for node in nodes
        if isinstance(node, Value) and (text := node.text) is not None
    ]


def _look(segment: Segment, numbers: tuple[int, ...]) -> Sequence[Cell]:
    fields, field = segment.fields, numbers[0]
    if field >= len(fields) or not (raw := fields[field]):
        return ()
    if len(numbers) > 2 or not segment.is_plain or segment.is_declaration(field):
        return wrapped(segment.at(numbers))
    mark = segment.delimiters.component
    component = 0
    if mark in raw:
        component = numbers[1] if len(numbers) == 2 else 1
        pieces = raw.split(mark, component)
        if component > len(pieces):
            return ()
        raw = pieces[component - 1]
    elif len(numbers) == 2 and numbers[1] != 1:
        return ()
    text = raw.strip()
    if not text or raw == NULL:
        return ()
    return (Cell(text, segment.name, segment.number, (field, 0, component, 0)),)
