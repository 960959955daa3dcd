"""The HL7 v2 path dialect of mappings: ``[group/]SEG-field[repetition].component.subcomponent``.

- ``PID-3`` gives every non-empty repetition, ``PID-3[2].1`` the first component of the second.
- ``PID-3[type=NI].1`` keeps the repetitions whose part has a value; the part is a component
  number (``[5=NI]``, ``[4.2=…]``) or a name that the field's data type gives it.
- ``OBX`` gives segments, ``OBX[3.1=8480-6]-5`` those whose field has a value, ``IN1[2]-3`` the
  second. Which segments a name means beside an anchor is told in ``hl7v2_groups``: from the
  message all, from an OBR its own OBX, from an OBX its own OBR, ORC and PID.
- ``ORDER_OBSERVATION/OBX-5``: within the group around the anchor, or within all such groups;
  ``OBR/NTE-3``: the comments that hang on the request itself.
- ``.1`` is relative: the component of a field anchor, the subcomponent of a component anchor, the
  field of a segment anchor (``.3.1`` is then ``SEG-3.1``); ``.`` alone is the anchor.
- Empty values are absent. Values in brackets may be quoted (``[3='a]b']``).
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from gateway.formats.hl7v2 import Message
from gateway.formats.hl7v2_cells import Cell, Filling, cells_of, kept, wrapped
from gateway.formats.hl7v2_groups import GROUPS
from gateway.formats.hl7v2_values import Segment, Value
from gateway.records import Format, Node, PathError, Selector

_PARTS_BY_TYPE: dict[str, dict[str, tuple[int, ...]]] = {
    "CX": {"type": (5,), "assigner": (4,), "system": (4,)},
    "XPN": {"type": (7,), "use": (7,), "representation": (8,)},
    "XAD": {"type": (7,), "use": (7,)},
    "XTN": {"use": (2,), "type": (3,)},
    "XCN": {"type": (13,), "assigner": (9,)},
    "CWE": {"system": (3,), "code": (1,)},
}
_FIELDS_BY_TYPE = {
    "CX": (
        "PID-2 PID-3 PID-4 PID-18 PID-21 PV1-5 PV1-19 PV1-50 MRG-1 MRG-2 MRG-3 MRG-4 "
        "MRG-5 MRG-6 NK1-33 GT1-2 IN1-49 IN2-6 PRD-7 "
    ),
    "XPN": ("PID-5 PID-6 PID-9 NK1-2 NK1-30 GT1-3 GT1-4 IN1-16 MRG-7 PRD-2 "),
    "XAD": ("PID-11 NK1-4 GT1-5 IN1-5 IN1-19 PRD-3 ORC-22 ORC-24 "),
    "XTN": (
        "PID-13 PID-14 PID-40 NK1-5 NK1-6 NK1-40 GT1-6 GT1-7 IN1-7 PRD-5 ORC-14 ORC-23 OBR-17 "
    ),
    "XCN": (
        "PV1-7 PV1-8 PV1-9 PV1-17 PV1-52 ORC-10 ORC-11 ORC-12 OBR-10 OBR-16 OBR-28 OBX-16 "
        "DG1-16 FT1-20 FT1-21 PR1-8 PR1-11 PR1-12 TXA-9 EVN-5 AIP-3 "
    ),
    "CWE": (
        "OBR-4 OBX-3 OBX-5 OBX-6 DG1-3 AL1-3 PR1-3 FT1-7 FT1-25 PID-10 PID-22 NK1-3 RXA-5 "
        "RXE-2 SPM-4 RF1-10 "
    ),
}
_TYPES = {field: name for name, fields in _FIELDS_BY_TYPE.items() for field in fields.split()}
_SEGMENT: Final = re.compile(r"[A-Z][A-Z0-9]{2}(?![A-Za-z0-9_])")
_GROUP: Final = re.compile(r"([A-Z][A-Z0-9_]*)/")
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,3}")
_PLAIN: Final = re.compile(
    r"-([1-9][0-9]{0,3})(?:\.([1-9][0-9]{0,3})){0,1}(?:\.([1-9][0-9]{0,3}))?"
)
_PREDICATE: Final = re.compile(
    r"""\[\s*(?:(?P<ordinal>[1-9]\d{0,3})|(?P<part>[A-Za-z]+|\d+(?:\.\d+)*)\s*=\s*"""
    r"""(?:'(?P<single>[^']*)'|"(?P<double>[^"]*)"|(?P<plain>[^\]'"]*?)))\s*\]"""
)

_Step = Callable[[Sequence[Node]], Sequence[Node]]


class HL7v2Paths:
    """Compiles the paths of HL7 v2."""

    format: Format = "hl7v2"

    def compile(self, path: str, prefixes: Mapping[str, str]) -> Selector:  # noqa: ARG002
        """Compile a path; raise PathError with the column of what does not parse."""
        return _Parser(path).selector()


class _Parser:
    """One pass over a path, from left to right."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.at = 0

    def selector(self) -> Selector:
        """Parse the whole path."""
        if self.path == ".":
            return lambda anchor, root: (anchor,)  # noqa: ARG005
        if self.path.startswith("."):
            numbers = self._dotted(0)
            self._end()
            relative = partial(_relative, numbers)
            # A partial takes attributes.
            relative.cells = partial(_relative_cells, numbers)  # type: ignore[attr-defined]
            relative.together = _together  # type: ignore[attr-defined]
            relative.plain = "", numbers  # type: ignore[attr-defined]
            return relative
        groups = self._groups()
        name = self._match(_SEGMENT, "a segment name such as PID")
        if (numbers := self._plain()) and not groups:
            select = partial(_values, name, numbers)
            select.cells = partial(_cells, name, numbers)  # type: ignore[attr-defined]
            select.together = _together  # type: ignore[attr-defined]
            select.plain = name, numbers  # type: ignore[attr-defined]
            if name == "MSH":
                select.is_absolute = True  # type: ignore[attr-defined]  # a message has one header
            return select
        steps: list[_Step] = []
        if predicate := self._predicate(name):
            steps.append(predicate)
        if self._accept("-"):
            field = int(self._match(_NUMBER, "a field number"))
            steps.append(partial(_fields, field))
            if predicate := self._predicate(f"{name}-{field}"):
                steps.append(predicate)
            if self.path[self.at : self.at + 1] == ".":
                steps.append(partial(_parts, self._dotted(2)))
        self._end()
        absolute = partial(_absolute, groups, name, tuple(steps))
        absolute.cells = partial(  # type: ignore[attr-defined]
            _absolute_cells, self.path, groups, name, tuple(steps)
        )
        return absolute

    def _plain(self) -> tuple[int, ...]:
        """Give the numbers of a path that only numbers follow; nothing for any other."""
        found = _PLAIN.fullmatch(self.path, self.at)
        return tuple(int(number) for number in found.groups() if number) if found else ()

    def _groups(self) -> tuple[str, ...]:
        groups: list[str] = []
        while found := _GROUP.match(self.path, self.at):
            name = found.group(1)
            if name not in GROUPS and not _SEGMENT.fullmatch(name):
                close = difflib.get_close_matches(name, GROUPS, 1)
                hint = f"; did you mean {close[0]}?" if close else ""
                raise self._error(f"there is no group {name}{hint}")
            groups.append(name)
            self.at = found.end()
        return tuple(groups)

    def _dotted(self, limit: int) -> tuple[int, ...]:
        numbers: list[int] = []
        while self._accept("."):
            numbers.append(int(self._match(_NUMBER, "a component number")))
        if limit and len(numbers) > limit:
            raise self._error("a field has components and subcomponents, nothing below them")
        return tuple(numbers)

    def _predicate(self, owner: str) -> _Step | None:
        if self.path[self.at : self.at + 1] != "[":
            return None
        found = _PREDICATE.match(self.path, self.at)
        if found is None:
            raise self._error("expected [2] or [part=value]")
        if ordinal := found["ordinal"]:
            self.at = found.end()
            return partial(_nth, int(ordinal))
        wanted = next(
            one for one in (found["single"], found["double"], found["plain"], "") if one is not None
        )
        part = self._part(owner, found["part"])
        self.at = found.end()
        return partial(_equal, part, wanted)

    def _part(self, owner: str, part: str) -> tuple[int, ...]:
        if part[0].isdigit():
            return tuple(int(number) for number in part.split("."))
        names = _PARTS_BY_TYPE.get(_TYPES.get(owner, ""), {})
        if part not in names:
            known = ", ".join(names) or "none"
            raise self._error(
                f"{owner} has no part named {part} (known: {known}); write its number, as in [5=NI]"
            )
        return names[part]

    def _accept(self, character: str) -> bool:
        if self.path[self.at : self.at + 1] == character:
            self.at += 1
            return True
        return False

    def _match(self, pattern: re.Pattern[str], expected: str) -> str:
        found = pattern.match(self.path, self.at)
        if found is None:
            raise self._error(f"expected {expected}")
        self.at = found.end()
        return found.group()

    def _end(self) -> None:
        if self.at < len(self.path):
            raise self._error(f"cannot read {self.path[self.at :]!r}")

    def _error(self, text: str) -> PathError:
        return PathError(text, self.at + 1)


def _values(name: str, numbers: tuple[int, ...], anchor: Node, root: Node) -> Sequence[Node]:
    """Give the values of a path without groups and conditions, which most paths are."""
    if isinstance(anchor, Value):
        anchor = anchor.segment
    if not isinstance(root, Message):
        return ()
    if not isinstance(anchor, Segment):
        found: Sequence[Segment] = root.named(name)
    elif anchor.name == name:
        return anchor.at(numbers)
    else:
        found = root.tree.find(name, anchor)
    if len(found) == 1:
        return found[0].at(numbers)
    return [value for segment in found for value in segment.at(numbers)]


def _cells(name: str, numbers: tuple[int, ...], anchor: Node, root: Node) -> Sequence[Cell]:
    """Give the cells of a path without groups and conditions."""
    if isinstance(anchor, Value):
        anchor = anchor.segment
    if not isinstance(root, Message):
        return ()
    if not isinstance(anchor, Segment):
        found: Sequence[Segment] = root.named(name)
    elif anchor.name == name:
        return cells_of(anchor, numbers)
    else:
        found = root.tree.find(name, anchor)
    if len(found) == 1:
        return cells_of(found[0], numbers)
    return [cell for segment in found for cell in cells_of(segment, numbers)]


def _together(selects: Iterable[Selector]) -> Filling:
    """Compile the plain ones of some paths to be looked at at once."""
    plain = {select: getattr(select, "plain", None) for select in selects}
    return Filling({select: path for select, path in plain.items() if path})


def _relative_cells(numbers: tuple[int, ...], anchor: Node, root: Node) -> Sequence[Cell]:  # noqa: ARG001
    if isinstance(anchor, Segment):
        return cells_of(anchor, numbers)
    return wrapped(_parts(numbers, (anchor,)))


def _absolute_cells(
    path: str,
    groups: tuple[str, ...],
    name: str,
    steps: tuple[_Step, ...],
    anchor: Node,
    root: Node,
) -> Sequence[Cell]:
    """Give the cells of any other path, from the segment where it means the same if any."""
    home = _home_of(groups, name, anchor, root)
    if isinstance(home, Segment):
        return kept(home, path, lambda: _absolute(groups, name, steps, home, root))
    return wrapped(_absolute(groups, name, steps, home, root)) if home is not None else ()


def _home(name: str, anchor: Node, root: Node) -> Node | None:
    """Give the one segment from which a name means the same, None when it means nothing.

    Where several segments are meant, the anchor must answer for itself.
    """
    start = anchor.segment if isinstance(anchor, Value) else anchor
    if not isinstance(root, Message):
        return anchor
    if not isinstance(start, Segment):
        found: Sequence[Segment] = root.named(name)
    elif start.name == name:
        return start
    else:
        found = root.tree.find(name, start)
    if len(found) > 1:
        return anchor
    return found[0] if found else None


def _home_of(groups: tuple[str, ...], name: str, anchor: Node, root: Node) -> Node | None:
    """Give the one segment that begins the outermost group, from which a path means the same."""
    if not groups:
        return _home(name, anchor, root)
    if not isinstance(root, Message):
        return anchor
    start = anchor.segment if isinstance(anchor, Value) else anchor
    group, tree = groups[0], root.tree
    scope = start if isinstance(start, Segment) else tree.root
    found = tree.heads(group, scope) if group in GROUPS else tree.find(group, scope)
    if len(found) > 1:
        return anchor
    return found[0] if found else None


def _absolute(
    groups: tuple[str, ...], name: str, steps: tuple[_Step, ...], anchor: Node, root: Node
) -> Sequence[Node]:
    if not isinstance(root, Message):
        return ()
    found: Sequence[Node] = _segments(groups, name, anchor, root)
    for step in steps:
        found = step(found)
        if not found:
            break
    return found


def _segments(groups: tuple[str, ...], name: str, anchor: Node, root: Message) -> Sequence[Segment]:
    if isinstance(anchor, Value):
        anchor = anchor.segment
    if not groups:
        if isinstance(anchor, Segment):
            return (anchor,) if anchor.name == name else root.tree.find(name, anchor)
        return root.named(name)
    tree = root.tree
    scopes = [anchor if isinstance(anchor, Segment) else tree.root]
    for group in groups:
        scopes = [
            head
            for scope in scopes
            for head in (tree.heads(group, scope) if group in GROUPS else tree.find(group, scope))
        ]
    found: list[Segment] = []
    for scope in scopes:
        if scope.name == name:
            found.append(scope)
        elif groups[-1] in GROUPS:
            found += tree.below(scope, name)
        else:
            found += tree.hanging(scope, name)
    return found


def _fields(field: int, segments: Sequence[Node]) -> Sequence[Node]:
    if len(segments) == 1 and isinstance(segments[0], Segment):
        return segments[0].values(field)
    return [
        value
        for segment in segments
        if isinstance(segment, Segment)
        for value in segment.values(field)
    ]


def _parts(numbers: tuple[int, ...], nodes: Sequence[Node]) -> Sequence[Node]:
    return [part for node in nodes if (part := _descend(node, numbers)) is not None]


def _descend(node: Node, numbers: tuple[int, ...]) -> Value | None:
    return node.below(numbers) if isinstance(node, Value) else None


def _relative(numbers: tuple[int, ...], anchor: Node, root: Node) -> Sequence[Node]:  # noqa: ARG001
    if isinstance(anchor, Segment):
        return anchor.at(numbers)
    return _parts(numbers, (anchor,))


def _nth(ordinal: int, nodes: Sequence[Node]) -> Sequence[Node]:
    first = nodes[0] if nodes else None
    if isinstance(first, Value):
        # Repetitions are counted as sent, empty ones too, and within each segment.
        return [
            node for node in nodes if isinstance(node, Value) and (node.repetition or 1) == ordinal
        ]
    return nodes[ordinal - 1 : ordinal]


def _equal(part: tuple[int, ...], wanted: str, nodes: Sequence[Node]) -> Sequence[Node]:
    return [node for node in nodes if wanted in _texts(part, node)]


def _texts(part: tuple[int, ...], node: Node) -> list[str]:
    if isinstance(node, Segment):
        values = _parts(part[1:], node.values(part[0]))
    else:
        values = _parts(part, (node,))
    return [value.text or "" for value in values] or [""]
