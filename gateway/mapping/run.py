"""What lives while one record is mapped: frames, reads, lineage rows, findings.

Kept apart from the compiler so that closures touch nothing but these few slots.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.errors import GatewayError, issue
from gateway.records import (
    BusinessKey,
    Issue,
    LineageKind,
    MapContext,
    Node,
    Parsed,
    Place,
    Selector,
)

OPTION = re.compile(r"\{([a-z][a-z0-9_-]*)\}")
"""A channel option named in a constant: ``{uscc}``."""

Trail = tuple[str, LineageKind, tuple[Place, ...], str, str | None]


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a rule stands and what it fills, for run-time findings and lineage."""

    rule: str
    target: str


class Instance:
    """One resource being made: its anchor, its parent, its id and its place in the bundle."""

    __slots__ = ("anchor", "fragment", "id", "keys", "name", "parent", "pointer", "sources", "type")

    def __init__(self, name: str, type_: str, anchor: Node, parent: "Instance | None") -> None:
        self.name = name
        self.type = type_
        self.anchor = anchor
        self.parent = parent
        self.id = ""
        self.fragment: str | None = None
        self.pointer = ""
        self.sources: tuple[Place, ...] = ()
        self.keys: tuple[BusinessKey, ...] = ()


class Run:
    """One record on its way through a program."""

    __slots__ = (
        "_anchors",
        "_filled",
        "_made",
        "_warned",
        "context",
        "everywhere",
        "instances",
        "is_lenient",
        "issues",
        "lineage",
        "options",
        "parsed",
        "read",
        "root",
        "systems",
        "zone",
    )

    def __init__(
        self,
        parsed: Parsed,
        context: MapContext,
        options: Mapping[str, Any],
        systems: Mapping[str, str],
        zone: str | None,
        *,
        is_lenient: bool = False,
    ) -> None:
        self.parsed = parsed
        self.context = context
        self.root = parsed.root
        self.options = options
        self.systems = systems
        self.zone = zone
        self.is_lenient = is_lenient
        self.read: set[Place] = set()
        self.lineage: list[Trail] = []
        self.issues: list[Issue] = []
        self.instances: dict[str, list[Instance]] = {}
        self._anchors: dict[int, tuple[Node, dict[Selector, list[Seen]]]] = {}
        self.everywhere: dict[Selector, list[Seen]] = {}
        self._filled: dict[str, str] = {}
        self._made: dict[str, dict[Place, list[Instance]]] = {}
        self._warned: set[tuple[object, ...]] = set()

    def seen_from(self, anchor: Node) -> "dict[Selector, list[Seen]]":
        """Give what was looked at from a node; the node is kept, so its identity is its own."""
        known = self._anchors.get(id(anchor))
        if known is None:
            known = self._anchors[id(anchor)] = (anchor, {})
        return known[1]

    def made_of(self, name: str, node: Node) -> "list[Instance]":
        """Give the resources of a name that were made from a node; asked once all are made."""
        places = self._made.get(name)
        if places is None:
            places = self._made[name] = {}
            for one in self.instances.get(name, ()):
                places.setdefault(one.anchor.place, []).append(one)
        return places.get(node.place, [])

    def fill(self, text: str, spot: Spot) -> str:
        """Fill ``{name}`` from the channel's options; raise GW-3105 for one that is not set."""
        known = self._filled.get(text)
        if known is None:
            known = OPTION.sub(lambda found: self._option(found[1], spot), text)
            self._filled[text] = known
        return known

    def _option(self, name: str, spot: Spot) -> str:
        value = self.context.member if name == "member" else self.options.get(name)
        if value is None or value == "":
            raise self.refusal("GW-3105", spot, None, option=name)
        return str(value)

    def warn(self, number: str, spot: Spot, place: Place | None, **details: Any) -> None:
        """Note a finding that does not stop the record, once for each rule."""
        seen = (number, spot, *details.values())
        if seen in self._warned:
            return
        self._warned.add(seen)
        self.issues.append(
            issue(number, "warning", place=place, rule=spot.rule, target=spot.target, **details)
        )

    def unreadable(self, spot: Spot, place: Place, function: str) -> None:
        """Park a record for a value that a function cannot read, or leave the value out.

        Raises GW-3103, unless the mapping says ``unreadable: absent``.
        """
        if not self.is_lenient:
            raise self.refusal("GW-3103", spot, place, function=function)
        self.warn("GW-3209", spot, place, function=function, path=place.path)

    def refusal(self, number: str, spot: Spot, place: Place | None, **details: Any) -> GatewayError:
        """Make the error that parks the record, with rule line, target path and source place."""
        return GatewayError(
            number,
            where=place,
            expression=spot.target,
            rule=spot.rule,
            target=spot.target,
            **details,
        )


class Seen:
    """A node that has text, looked at once: rules and conditions ask for the same ones."""

    __slots__ = ("_node", "place", "text")

    def __init__(self, node: Node, text: str) -> None:
        self._node = node
        self.place: Place | None = None
        self.text = text

    def read(self, run: Run) -> Place:
        """Note that the node was read and give its place."""
        place = self.place
        if place is None:
            place = self.place = self._node.place
            run.read.add(place)
        return place


class Frame:
    """Where relative paths start: an anchor, the frame around it, the resource being made."""

    __slots__ = ("_seen", "anchor", "instance", "outer", "run")

    def __init__(
        self, run: Run, anchor: Node, instance: Instance | None, outer: "Frame | None" = None
    ) -> None:
        self.run = run
        self.anchor = anchor
        self.instance = instance
        self.outer = outer
        self._seen = run.seen_from(anchor)

    def texts(self, select: Selector) -> list[Seen]:
        """Give the nodes of a path that have text."""
        found = self._seen.get(select)
        if found is None:
            run = self.run
            # A path that starts at the top finds the same from everywhere.
            is_absolute = getattr(select, "is_absolute", False)
            if is_absolute and (known := run.everywhere.get(select)) is not None:
                found = known
            else:
                found = []
                for node in select(self.anchor, run.root):
                    text = node.text
                    if text is not None:
                        found.append(Seen(node, text))
                if is_absolute:
                    run.everywhere[select] = found
            self._seen[select] = found
        return found


One = Callable[[Frame, str], Any]
"""Gives the value for a JSON pointer, or None, and notes the lineage of its leaves."""

Many = Callable[[Frame, str, int], list[Any]]
"""Gives the values of an array: (frame, pointer of the array, first index)."""

Test = Callable[[Frame], bool]
"""A compiled condition."""

Convert = Callable[[str, Run, Place], Any]
"""A compiled value function: text of the source → value; None counts as absent."""
