"""A compiled mapping: one record in, its resources, lineage and unread fields out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from gateway.mapping.moments import event_text
from gateway.mapping.nodes import Table
from gateway.mapping.resources import Recipe
from gateway.mapping.run import Frame, Instance, Run, Test
from gateway.mapping.shapes import Shapes
from gateway.mapping.tables import CodeTable
from gateway.mapping.texts import Source
from gateway.records import (
    Contribution,
    Format,
    Json,
    Lineage,
    MapContext,
    Mapped,
    Node,
    Parsed,
    Place,
    Resource,
    Selector,
)


@dataclass(frozen=True, slots=True)
class Samples:
    """How the mapping's own samples are read: channel settings for trials."""

    charset: str | None = None
    zone: str | None = None
    member: str = "sample"
    options: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MappingProgram:
    """A frozen program (``records.Program``); ``hash`` covers every file it was made of."""

    id: str
    hash: str
    format: Format
    kinds: tuple[str, ...]
    recipes: tuple[Recipe, ...]
    test: Test | None = None
    time: Source | None = None
    zone: str | None = None
    profile: str | None = None
    is_out: bool = False
    is_lenient: bool = False
    systems: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Json] = field(default_factory=dict)
    ignored: tuple[Selector, ...] = ()
    samples: Samples = field(default_factory=Samples)
    files: tuple[str, ...] = ()
    path: str = ""
    tree: Table | None = None
    tables: Mapping[str, CodeTable] = field(default_factory=dict)
    prefixes: Mapping[str, str] = field(default_factory=dict)
    shapes: Shapes | None = None

    def accepts(self, parsed: Parsed) -> bool:
        """Say whether format, kind and ``source.when`` take the record."""
        if parsed.format != self.format or self.is_out:
            return False
        if self.kinds and not any(fnmatchcase(parsed.kind, kind) for kind in self.kinds):
            return False
        if self.test is None:
            return True
        context = MapContext("", None, _NO_TIME, lambda _key: "")
        return self.test(Frame(Run(parsed, context, {}, {}, None), parsed.root, None))

    def run(self, parsed: Parsed, context: MapContext) -> Mapped:
        """Map one record; raise GatewayError GW-31xx with source place and rule line."""
        options = {**self.options, **context.options} if self.options else context.options
        zone, lenient = self.zone or context.zone, self.is_lenient
        run = Run(parsed, context, options, self.systems, zone, is_lenient=lenient)
        for recipe in self.recipes:
            run.instances[recipe.name] = recipe.make(run)
        made = self._build(run)
        time = self.time(Frame(run, parsed.root, None)) if self.time else None
        return Mapped(
            contributions=made,
            mapping=self.id,
            mapping_hash=self.hash,
            event_time=event_text(time[0], run.zone) if time else None,
            lineage=tuple([Lineage(*row) for row in run.lineage]),
            unread=self._unread(run),
            issues=(*parsed.issues, *run.issues),
            profile=self.profile,
        )

    def _build(self, run: Run) -> tuple[Contribution, ...]:
        placed = _Placed()
        for recipe in self.recipes:
            if recipe.container is None:
                for one in run.instances[recipe.name]:
                    placed.place(one)
        for recipe in self.recipes:
            for one in run.instances[recipe.name]:
                if recipe.container is not None:
                    placed.contain(run, recipe, one)
                elif placed.is_first(one):
                    placed.resources[one.pointer].update(recipe.build(run, one))
                else:
                    placed.fold(run, recipe, one)
        return placed.contributions(self.recipes, run)

    def _unread(self, run: Run) -> tuple[Place, ...]:
        """Give every non-empty value that no rule read and ``ignore`` does not name."""
        read, parsed, root = run.read, run.parsed, run.root
        if parsed.unread:
            nodes = [
                node
                for select in self.ignored
                for node in getattr(select, "ignoring", select)(root, root)
            ]
            return tuple(parsed.unread(read, nodes))
        left = [place for leaf in parsed.leaves() if (place := leaf.place) not in read]
        if not left or not self.ignored:
            return tuple(left)
        ignored = [_spot(node) for select in self.ignored for node in select(root, root)]
        exact = {(path, line) for path, line in ignored}
        return tuple(
            place
            for place in left
            if (place.path, place.line) not in exact
            and not any(_covers(path, line, place) for path, line in ignored)
        )


class _Placed:
    """Where each resource of a record stands in the bundle, and what was built for it."""

    def __init__(self) -> None:
        self.resources: dict[str, Resource] = {}
        self._first: dict[tuple[str, str], Instance] = {}
        self._contained: dict[str, list[Resource]] = {}

    def place(self, one: Instance) -> None:
        """Give a resource its entry; one with the id of an earlier one shares that entry."""
        first = self._first.setdefault((one.type, one.id), one)
        if first is one:
            one.pointer = f"/entry/{len(self.resources)}/resource"
            self.resources[one.pointer] = {}
        else:
            one.pointer = first.pointer

    def is_first(self, one: Instance) -> bool:
        """Say whether the entry is this resource's own."""
        return self._first[one.type, one.id] is one

    def fold(self, run: Run, recipe: Recipe, one: Instance) -> None:
        """Let a second resource of the same key fill what the first lacks."""
        before = len(run.lineage)
        built = recipe.build(run, one)
        rows = run.lineage[before:]
        del run.lineage[before:]
        first = self.resources[one.pointer]
        added = {name for name in built if name not in first}
        if any(first[name] != value for name, value in built.items() if name not in added):
            run.warn("GW-3206", recipe.spot, one.anchor.place, type=recipe.type)
        first.update({name: built[name] for name in added})
        start = len(one.pointer) + 1
        run.lineage.extend(row for row in rows if row[0][start:].partition("/")[0] in added)
        own = self._first[one.type, one.id]
        own.keys = tuple(dict.fromkeys((*own.keys, *one.keys)))

    def contain(self, run: Run, recipe: Recipe, one: Instance) -> None:
        """Build a contained resource into the one that contains it; alone it is not made."""
        container = recipe.container_of(run, one)
        if container is None:
            return
        inside = self._contained.setdefault(container.pointer, [])
        one.pointer = f"{container.pointer}/contained/{len(inside)}"
        inside.append(recipe.build(run, one))

    def contributions(self, recipes: tuple[Recipe, ...], run: Run) -> tuple[Contribution, ...]:
        """Give the contributions in the order of their entries."""
        made: dict[str, Contribution] = {}
        for recipe in recipes:
            for one in run.instances[recipe.name] if recipe.container is None else ():
                if one.pointer in made:
                    continue
                resource = self.resources[one.pointer]
                inside = self._contained.get(one.pointer)
                if inside:
                    head: Resource = {
                        name: resource[name]
                        for name in ("resourceType", "id", "meta")
                        if name in resource
                    }
                    resource = {**head, "contained": inside, **resource}
                made[one.pointer] = Contribution(resource, one.keys, recipe.write)
        return tuple(made[pointer] for pointer in self.resources)


def _spot(node: Node) -> tuple[str, int | None]:
    """Give the path of a whole node (a field, not its first component) and its line."""
    path: Any = getattr(node, "path", None)
    place = node.place
    return (path if isinstance(path, str) else place.path), place.line


_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
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
