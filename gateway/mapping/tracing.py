"""Lineage and coverage while a record is mapped: numbers and names first, texts when asked.

A rule that gives a value notes three things in a list: the pointer that it stands under, its
leaves (made once by the compiler) and what was read. Rows and places are written out when
somebody reads them: most of a record's hundreds nobody ever looks at.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from gateway.records import Lineage, LineageKind, Node, Parsed, Place, Selector


class Cell(Protocol):
    """A value that has text, looked at once; ``is_read`` when a rule or condition used it."""

    text: str
    is_read: bool

    @property
    def place(self) -> Place:
        """Where it stands."""


Sources = tuple[Cell, ...]
"""What a text was read from."""


class Seen:
    """The cell of a node whose format gives no cells by itself."""

    __slots__ = ("_node", "is_read", "text")

    def __init__(self, node: Node, text: str) -> None:
        self._node = node
        self.text = text
        self.is_read = False

    @property
    def place(self) -> Place:
        """Where the node stands."""
        return self._node.place


class Leaf(NamedTuple):
    """What a lineage row says in every record; ``suffix`` follows the pointer of the rule."""

    suffix: str
    kind: LineageKind
    rule: str
    code_row: str | None = None


Leaves = tuple[Leaf, ...]
Noted = list[Any]
"""Pointer, leaves and sources in turns: three entries for each note."""
STRIDE = 3


def place_of(sources: Sources) -> Place:
    """Give the first place (a text joined from constants alone has none)."""
    return sources[0].place if sources else _NOWHERE


_NOWHERE = Place("")


def single(noted: Noted, start: int = 0) -> Iterator[tuple[str, Leaf, Sources]]:
    """Give each leaf noted from an entry on, with its whole pointer."""
    turns = iter(noted[start:] if start else noted)
    for pointer, leaves, sources in zip(turns, turns, turns, strict=True):
        for leaf in leaves:
            yield pointer + leaf.suffix, leaf, sources


def rewrite(noted: Noted, start: int, kept: Iterable[tuple[str, Leaf, Sources]]) -> None:
    """Replace what was noted from an entry on; pointers are whole."""
    made = [entry for pointer, leaf, sources in kept for entry in (pointer, bare(leaf), sources)]
    noted[start:] = made


@lru_cache(maxsize=16384)
def bare(leaf: Leaf) -> Leaves:
    """Give the note of a leaf whose pointer is whole."""
    return (leaf._replace(suffix=""),)


def leaves_of(made: Any, suffix: str, kind: LineageKind, rule: str) -> Leaves:
    """Give the leaves of a value that a function made whole."""
    return _leaves(_shape(made) if isinstance(made, dict) else None, suffix, kind, rule)


Shape = tuple[tuple[str, "Shape | None"], ...]
"""The names of an object with the shapes of what stands there, None for a leaf."""


def _shape(made: dict[str, Any]) -> Shape:
    return tuple(
        [(name, _shape(inner) if isinstance(inner, dict) else None) for name, inner in made.items()]
    )


@lru_cache(maxsize=4096)
def _leaves(shape: Shape | None, pointer: str, kind: LineageKind, rule: str) -> Leaves:
    if shape is None:
        return (Leaf(pointer, kind, rule),)
    parts = [_leaves(inner, f"{pointer}/{name}", kind, rule) for name, inner in shape]
    return tuple(leaf for leaves in parts for leaf in leaves)


def rows(noted: Noted) -> tuple[Lineage, ...]:
    """Write lineage rows."""
    known: dict[Sources, tuple[Place, ...]] = {(): ()}
    made: list[Lineage] = []
    turns = iter(noted)
    for pointer, leaves, sources in zip(turns, turns, turns, strict=True):
        places = known.get(sources)
        if places is None:
            places = known[sources] = tuple([cell.place for cell in sources])
        for suffix, kind, rule, code_row in leaves:
            made.append(Lineage(pointer + suffix, kind, places, rule, code_row))
    return tuple(made)


class Trace:
    """What was noted of one record (``records.Trace``); it lets go of the record once told."""

    __slots__ = ("_ignored", "_lineage", "_looks", "_noted", "_parsed", "_unread")

    def __init__(
        self,
        parsed: Parsed,
        noted: Noted,
        looks: Iterable[Iterable[Sequence[Cell]]],
        ignored: tuple[Selector, ...],
    ) -> None:
        self._parsed: Parsed | None = parsed
        self._noted = noted
        self._looks = looks
        self._ignored = ignored
        self._lineage: tuple[Lineage, ...] | None = None
        self._unread: tuple[Place, ...] | None = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Trace):
            return NotImplemented
        return (self.lineage, self.unread) == (other.lineage, other.unread)

    __hash__ = None  # type: ignore[assignment]  # equal by what it tells, which is large

    @property
    def lineage(self) -> tuple[Lineage, ...]:
        """One row for each leaf of the resources."""
        if self._lineage is None:
            self._lineage = rows(self._noted)
            self._noted = []
        return self._lineage

    @property
    def unread(self) -> tuple[Place, ...]:
        """Every value of the source that no rule read and ``ignore`` does not name."""
        if self._unread is None:
            assert self._parsed is not None  # noqa: S101 - let go of below only
            read = {
                cell.place
                for looks in self._looks
                for cells in looks
                for cell in cells
                if cell.is_read
            }
            self._unread = _unread(self._parsed, read, self._ignored)
            self._parsed, self._looks = None, ()
        return self._unread


def _unread(parsed: Parsed, read: set[Place], ignored: tuple[Selector, ...]) -> tuple[Place, ...]:
    root = parsed.root
    if parsed.unread:
        nodes = [
            node for select in ignored for node in getattr(select, "ignoring", select)(root, root)
        ]
        return tuple(parsed.unread(read, nodes))
    left = [place for leaf in parsed.leaves() if (place := leaf.place) not in read]
    if not left or not ignored:
        return tuple(left)
    spots = [_spot(node) for select in ignored for node in select(root, root)]
    exact = set(spots)
    return tuple(
        place
        for place in left
        if (place.path, place.line) not in exact
        and not any(_covers(path, line, place) for path, line in spots)
    )


def _spot(node: Node) -> tuple[str, int | None]:
    """Give the path of a whole node (a field, not its first component) and its line."""
    path: Any = getattr(node, "path", None)
    place = node.place
    return (path if isinstance(path, str) else place.path), place.line


_BOUNDARY = frozenset("-.[/@")


def _covers(path: str, line: int | None, place: Place) -> bool:
    """Say whether a place lies inside an ignored node."""
    inner = place.path
    if (
        not path
        or not inner.startswith(path)
        or len(inner) == len(path)
        or inner[len(path)] not in _BOUNDARY
    ):
        return False
    # The path of a segment or cell does not tell it from its namesakes; the line does.
    return path[0] in "/$" or line == place.line
