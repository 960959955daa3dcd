"""What lives while one record is mapped: frames, reads, lineage rows, findings.

Kept apart from the compiler so that a mapping's code touches nothing but these few slots.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.errors import GatewayError, issue
from gateway.mapping.tracing import Cell, Noted, Seen, Sources, Trace, place_of
from gateway.records import (
    BusinessKey,
    Issue,
    MapContext,
    Node,
    Parsed,
    Place,
    Selector,
)

OPTION = re.compile(r"\{([a-z][a-z0-9_-]*)\}")
"""A channel option named in a constant: ``{uscc}``."""

Read = tuple[str, Sources]
"""A text and what it was read from."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a rule stands and what it fills, for run-time findings and lineage."""

    rule: str
    target: str


class Instance:
    """One resource being made: its anchor, its parent, its id and its place in the bundle."""

    __slots__ = (
        "_place",
        "anchor",
        "fragment",
        "id",
        "keys",
        "link",
        "name",
        "parent",
        "pointer",
        "sources",
        "type",
    )

    def __init__(self, name: str, type_: str, anchor: Node, parent: "Instance | None") -> None:
        self.name = name
        self.type = type_
        self.anchor = anchor
        self.parent = parent
        self.id = ""
        self.link = ""
        self.fragment: str | None = None
        self.pointer = ""
        self.sources: Sources = ()
        self.keys: tuple[BusinessKey, ...] = ()
        self._place: Place | None = None

    @property
    def place(self) -> Place:
        """Where it was made from."""
        if self._place is None:
            self._place = self.anchor.place
        return self._place


class Run:
    """One record on its way through a program."""

    __slots__ = (
        "_filled",
        "_looks",
        "_made",
        "_warned",
        "context",
        "instances",
        "is_lenient",
        "issues",
        "lineage",
        "once",
        "options",
        "parsed",
        "root",
        "systems",
        "top",
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
        self.lineage: Noted = []
        self.issues: list[Issue] = []
        self.instances: dict[str, list[Instance]] = {}
        self._looks: dict[int, Looks] = {}
        self.top = self.looks_from(parsed.root)
        self.once: dict[int, Read | tuple[()]] = {}
        self._filled: dict[str, str] = {}
        self._made: dict[str, dict[Place, list[Instance]]] = {}
        self._warned: set[tuple[object, ...]] = set()

    def looks_from(self, anchor: Node) -> "Looks":
        """Give what was looked at from a node; the node is kept, so its identity is its own."""
        known = self._looks.get(id(anchor))
        if known is None:
            known = self._looks[id(anchor)] = Looks(anchor, self.root)
        return known

    def trace(self, ignored: tuple[Selector, ...]) -> Trace:
        """Give what was noted and looked at."""
        looks = [one.values() for one in self._looks.values() if one]
        return Trace(self.parsed, self.lineage, looks, ignored)

    def made_of(self, name: str, node: Node) -> "list[Instance]":
        """Give the resources of a name that were made from a node; asked once all are made."""
        places = self._made.get(name)
        if places is None:
            places = self._made[name] = {}
            for one in self.instances.get(name, ()):
                places.setdefault(one.place, []).append(one)
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

    def unreadable(self, spot: Spot, sources: Sources, function: str) -> None:
        """Park a record for a value that a function cannot read, or leave the value out.

        Raises GW-3103, unless the mapping says ``unreadable: absent``.
        """
        place = place_of(sources)
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


class Looks(dict[Selector, Sequence[Cell]]):
    """What was looked at from one node: the values of a path, found when first asked for."""

    __slots__ = ("_anchor", "_root")

    def __init__(self, anchor: Node, root: Node) -> None:
        super().__init__()
        self._anchor = anchor
        self._root = root

    def __missing__(self, select: Selector) -> Sequence[Cell]:
        """Look; a format may keep the cells of its nodes itself."""
        look = getattr(select, "cells", None)
        found: Sequence[Cell]
        if look is not None:
            found = look(self._anchor, self._root)
        else:
            nodes = select(self._anchor, self._root)
            found = [Seen(node, text) for node in nodes if (text := node.text) is not None]
        self[select] = found
        return found


class Frame:
    """Where relative paths start: an anchor, the frame around it, the resource being made."""

    __slots__ = ("anchor", "instance", "looks", "outer", "run")

    def __init__(
        self, run: Run, anchor: Node, instance: Instance | None, outer: "Frame | None" = None
    ) -> None:
        self.run = run
        self.anchor = anchor
        self.instance = instance
        self.outer = outer
        self.looks = run.looks_from(anchor)


Convert = Callable[[str, Run, Sources], Any]
"""A compiled value function: text of the source → value; None counts as absent."""
