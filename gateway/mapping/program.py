"""A compiled mapping: one record in, its resources, lineage and unread fields out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import cached_property, partial

from gateway.mapping.clearing import cleared
from gateway.mapping.code import Code, Here
from gateway.mapping.moments import event_text
from gateway.mapping.nodes import Table
from gateway.mapping.resources import Fill, Recipe, Steps
from gateway.mapping.run import Frame, Instance, Run
from gateway.mapping.shapes import Shapes
from gateway.mapping.tables import CodeTable
from gateway.mapping.tracing import rewrite, single
from gateway.mapping.writers import Source, Test
from gateway.records import (
    Contribution,
    Format,
    Json,
    MapContext,
    Mapped,
    Parsed,
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


class Generated:
    """The Python of a program, written and compiled when the first record needs it."""

    def __init__(
        self,
        title: str,
        recipes: tuple[Recipe, ...],
        test: Test | None = None,
        time: Source | None = None,
    ) -> None:
        self._title = title
        self._recipes = recipes
        self._test = test
        self._time = time

    @cached_property
    def test(self) -> Callable[[Frame], bool] | None:
        """The condition of ``source.when``."""
        if self._test is None:
            return None
        code = Code()
        with code.function("accepts", "f") as name:
            code.put(f"return {self._test(code, Here())}")
        accepts: Callable[[Frame], bool] = code.compiled(self._title)[name]
        return accepts

    @cached_property
    def steps(self) -> Mapping[str, Steps]:
        """The functions of every resource by its local name."""
        return self._functions[0]

    @cached_property
    def time(self) -> Callable[[Frame], str | None] | None:
        """What gives the text of the event time."""
        return self._functions[1]

    @cached_property
    def _functions(self) -> tuple[Mapping[str, Steps], Callable[[Frame], str | None] | None]:
        code = Code()
        written = {recipe.name: recipe.written(code) for recipe in self._recipes}
        event_time = ""
        if self._time is not None:
            with code.function("event_time", "f") as event_time:
                self._time(code, Here(), lambda text, _places: code.put(f"return {text}"))
                code.put("return None")
        functions = code.compiled(self._title)
        steps = {
            name: Steps(
                functions.get(one.test or ""),
                functions.get(one.keys or ""),
                functions[one.build],
                _together(one.asked),
            )
            for name, one in written.items()
        }
        return steps, functions.get(event_time)


def _together(selects: tuple[Selector, ...]) -> Fill | None:
    """Give what looks at many paths at once, if the format's paths know how."""
    compilers = (getattr(select, "together", None) for select in selects)
    compile_ = next((one for one in compilers if one is not None), None)
    made: Fill | None = compile_(selects) if compile_ else None
    return made


@dataclass(frozen=True, slots=True)
class MappingProgram:
    """A frozen program (``records.Program``); ``hash`` covers every file it was made of."""

    id: str
    hash: str
    format: Format
    kinds: tuple[str, ...]
    recipes: tuple[Recipe, ...]
    code: Generated
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
        test = self.code.test
        if test is None:
            return True
        context = MapContext("", None, _NO_TIME, lambda _key: "")
        return bool(test(Frame(Run(parsed, context, {}, {}, None), parsed.root, None)))

    def run(self, parsed: Parsed, context: MapContext) -> Mapped:
        """Map one record; raise GatewayError GW-31xx with source place and rule line."""
        options = {**self.options, **context.options} if self.options else context.options
        zone, lenient = self.zone or context.zone, self.is_lenient
        run = Run(parsed, context, options, self.systems, zone, is_lenient=lenient)
        steps = self.code.steps
        for recipe in self.recipes:
            run.instances[recipe.name] = recipe.make(run, steps[recipe.name])
        made = self._build(run, steps)
        tell_time = self.code.time
        time = tell_time(Frame(run, parsed.root, None)) if tell_time else None
        return Mapped(
            contributions=made,
            mapping=self.id,
            mapping_hash=self.hash,
            event_time=event_text(time, run.zone) if time else None,
            trace=run.trace(self.ignored),
            issues=(*parsed.issues, *run.issues),
            profile=self.profile,
        )

    def _build(self, run: Run, steps: Mapping[str, Steps]) -> tuple[Contribution, ...]:
        placed = _Placed()
        for recipe in self.recipes:
            if recipe.container is None:
                for one in run.instances[recipe.name]:
                    placed.place(one)
        for recipe in self.recipes:
            build = partial(recipe.build, run, steps=steps[recipe.name])
            for one in run.instances[recipe.name]:
                if recipe.container is not None:
                    placed.contain(run, recipe, one, build)
                elif placed.is_first(one):
                    placed.resources[one.pointer].update(build(one))
                else:
                    placed.fold(run, recipe, one, build)
        return placed.contributions(self.recipes, run)


Build = Callable[[Instance], Resource]


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

    def fold(self, run: Run, recipe: Recipe, one: Instance, build: Build) -> None:
        """Let a second resource of the same key fill what the first lacks."""
        before = len(run.lineage)
        built = build(one)
        rows = list(single(run.lineage, before))
        first = self.resources[one.pointer]
        added = {name: value for name, value in built.items() if name not in first}
        if any(first[name] != value for name, value in built.items() if name not in added):
            run.warn("GW-3206", recipe.spot, one.anchor.place, type=recipe.type)
        first.update(added)
        start = len(one.pointer) + 1
        kept = (row for row in rows if row[0][start:].partition("/")[0] in added)
        rewrite(run.lineage, before, kept)
        own = self._first[one.type, one.id]
        own.keys = tuple(dict.fromkeys((*own.keys, *one.keys)))

    def contain(self, run: Run, recipe: Recipe, one: Instance, build: Build) -> None:
        """Build a contained resource into the one that contains it; alone it is not made."""
        container = recipe.container_of(run, one)
        if container is None:
            return
        inside = self._contained.setdefault(container.pointer, [])
        one.pointer = f"{container.pointer}/contained/{len(inside)}"
        inside.append(build(one))

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
                gone = cleared(run, one, resource, recipe.clearables)
                made[one.pointer] = Contribution(resource, one.keys, recipe.write, gone)
        return tuple(made[pointer] for pointer in self.resources)


_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
