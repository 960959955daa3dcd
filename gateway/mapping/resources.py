"""Resources of a mapping: anchors, conditions, keys and elements, compiled."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple, cast

from gateway.mapping import rules
from gateway.mapping.clearing import Clearable, compile_clearables
from gateway.mapping.code import Code, Here
from gateway.mapping.conditions import compile_condition
from gateway.mapping.keys import Found, Keys, compile_keys
from gateway.mapping.nodes import Scalar, Sequence, Table
from gateway.mapping.references import instances
from gateway.mapping.run import Frame, Instance, Looks, Run, Spot
from gateway.mapping.scope import Scope, words
from gateway.mapping.tracing import Leaf, Leaves
from gateway.mapping.writers import Put, Test
from gateway.records import Node, Selector

WORDS = (
    "as",
    "type",
    "from",
    "each",
    "under",
    "when",
    "key",
    "write",
    "contained_in",
    "profile",
    "set",
    "drop",
)
_WRITES = ("replace", "merge", "once")
Write = Literal["replace", "merge", "once"]


Fill = Callable[[Looks, Node, Node], None]
"""Looks at many paths at once: what was looked at, the anchor, the root."""


class Written(NamedTuple):
    """The names of a resource's functions, and the paths that they ask of its anchor."""

    test: str | None
    keys: str | None
    build: str
    asked: tuple[Selector, ...]


class Steps(NamedTuple):
    """The compiled functions of one resource: its condition, its keys, and what fills it.

    ``fill`` looks at the paths of an anchor at once, where a format can.
    """

    test: Callable[[Frame], bool] | None
    keys: Callable[[Frame], list[Found]] | None
    build: Callable[[Frame, dict[str, Any], str], None]
    fill: Fill | None


@dataclass(frozen=True)
class Recipe:
    """One compiled entry of ``resources:``."""

    name: str
    type: str
    select: tuple[Selector, ...]
    is_each: bool
    under: str | None
    test: Test | None
    keys: Keys | None
    write: Write
    container: str | None
    profile: str | None
    puts: tuple[Put, ...]
    spot: Spot
    clearables: tuple[Clearable, ...] = ()

    @cached_property
    def named(self) -> Leaves:
        """The lineage of the id."""
        return (Leaf("/id", "generated", self.spot.rule),)

    @cached_property
    def profiled(self) -> Leaves:
        """The lineage of the profile."""
        return (Leaf("/meta/profile/0", "profile-fixed", self.spot.rule),)

    def written(self, code: Code) -> Written:
        """Write the resource's functions."""
        code.asked.clear()
        test = None
        if self.test is not None:
            with code.function("when", "f") as test:
                code.put(f"return {self.test(code, Here())}")
        with code.function("build", "f, made, p") as build:
            for put in self.puts:
                put(code, Here(), "made", None)
        keys = self.keys.write(code) if self.keys else None
        return Written(test, keys, build, tuple(code.asked))

    def anchors(self, run: Run, start: Node) -> list[Node]:
        """Give the nodes that this resource is made from, below a start."""
        if not self.select:
            return [start]
        found = [node for select in self.select for node in select(start, run.root)]
        return found if self.is_each else found[:1]

    def make(self, run: Run, steps: Steps) -> list[Instance]:
        """Make the instances with their ids; raise GW-3101 where no key is present."""
        parents: list[Instance | None] = [None]
        if self.under:
            parents = list(run.instances.get(self.under, ()))
        made: list[Instance] = []
        for parent in parents:
            start = parent.anchor if parent else run.root
            for anchor in self.anchors(run, start):
                one = Instance(self.name, self.type, anchor, parent)
                frame = Frame(run, anchor, one)
                if steps.fill is not None and not frame.looks:
                    steps.fill(frame.looks, anchor, run.root)
                if steps.test is None or steps.test(frame):
                    self._name(one, frame, steps, len(made))
                    made.append(one)
        return made

    def _name(self, one: Instance, frame: Frame, steps: Steps, number: int) -> None:
        if self.keys is None or steps.keys is None:
            one.fragment = self.name if number == 0 else f"{self.name}-{number + 1}"
            one.id = one.fragment
            one.link = f"#{one.fragment}"
            return
        run = frame.run
        found = steps.keys(frame)
        if not found:
            paths = ", ".join(self.keys.paths)
            raise run.refusal(
                "GW-3101", self.keys.spot, one.anchor.place, type=self.type, paths=paths
            )
        first, one.sources = found[0]
        is_one = len(found) == 1
        one.keys = (first,) if is_one else tuple(dict.fromkeys([key for key, _ in found]))
        one.id = run.context.id_for(first)
        one.link = f"{self.type}/{one.id}"

    def build(self, run: Run, one: Instance, steps: Steps) -> dict[str, Any]:
        """Build the resource of an instance; its lineage rows begin with the instance's pointer."""
        made: dict[str, Any] = {"resourceType": self.type, "id": one.id}
        run.lineage += one.pointer, self.named, one.sources
        if self.profile:
            made["meta"] = {"profile": [self.profile]}
            run.lineage += one.pointer, self.profiled, ()
        steps.build(Frame(run, one.anchor, one), made, one.pointer)
        return made

    def container_of(self, run: Run, one: Instance) -> Instance | None:
        """Find the one resource that contains an instance (GW-3104 where several could)."""
        assert self.container is not None  # noqa: S101 - asked of contained resources only
        found = instances(Frame(run, one.anchor, one), self.container)
        if len(found) > 1:
            raise run.refusal(
                "GW-3104", self.spot, one.anchor.place, name=self.container, count=len(found)
            )
        return found[0] if found else None


def compile_resources(node: Sequence, scope: Scope) -> list[Recipe]:
    """Compile ``resources:``; names are known before any rule is compiled."""
    tables = [item for item in node.items if isinstance(item, Table)]
    for item in node.items:
        if not isinstance(item, Table):
            scope.problems.add(item.mark, "GW-3012", word="a resource", expected="words and values")
    for table in tables:
        _declare(table, scope)
    made = [_compile(table, scope) for table in tables]
    return _ordered([recipe for recipe in made if recipe is not None])


def _declare(table: Table, scope: Scope) -> None:
    words(table, WORDS, scope.problems)
    name, type_ = table.text("as"), table.text("type")
    for word, value in (("as", name), ("type", type_)):
        if value is None:
            scope.problems.add(table.mark, "GW-3013", word=word)
    if not name or not type_:
        return
    if type_ not in scope.shapes.resource_types:
        near = (type_, scope.shapes.resource_types)
        scope.problems.add(table.entries["type"].mark, "GW-3020", near=near, type=type_)
        return
    if name in scope.types:
        scope.problems.add(table.entries["as"].mark, "GW-3015", word=name)
    scope.types[name] = type_
    container = table.text("contained_in")
    if container:
        scope.containers[name] = container


def _compile(table: Table, scope: Scope) -> Recipe | None:
    name, type_ = table.text("as"), table.text("type")
    if not name or not type_ or scope.types.get(name) != type_:
        return None
    scope = scope.within(resource=name)
    for word in ("under", "contained_in"):
        other = table.text(word)
        if other is not None and other not in scope.types:
            near = (other, scope.types)
            scope.problems.add(table.entries[word].mark, "GW-3023", near=near, name=other)
    if "from" in table and "each" in table:
        scope.problems.add(table.mark_of("each"), "GW-3016", first="from", second="each")
    anchor = table.get("each") or table.get("from")
    write = table.text("write") or "replace"
    if write not in _WRITES:
        scope.problems.add(
            table.entries["write"].mark,
            "GW-3012",
            near=(write, _WRITES),
            word="write",
            expected=", ".join(_WRITES),
        )
    return Recipe(
        name=name,
        type=type_,
        select=tuple(scope.selectors_of(anchor)) if anchor else (),
        is_each="each" in table,
        under=table.text("under"),
        test=compile_condition(table.entries["when"], scope) if "when" in table else None,
        keys=_keys(table, name, type_, scope),
        write=cast("Write", write),
        container=scope.containers.get(name),
        profile=table.text("profile"),
        puts=tuple(_puts(table, type_, scope, is_whole=write != "merge")),
        spot=scope.spot(table.mark, type_),
        clearables=_clearables(table, type_, scope, write),
    )


def _clearables(table: Table, type_: str, scope: Scope, write: str) -> tuple[Clearable, ...]:
    node = table.get("set")
    if write != "merge" or not isinstance(node, Table):
        return ()
    return compile_clearables(node, type_, scope)


def _keys(table: Table, name: str, type_: str, scope: Scope) -> Keys | None:
    node = table.get("key")
    if node is not None and not (isinstance(node, Scalar) and node.is_null):
        return compile_keys(node, type_, scope)
    if "contained_in" not in table:
        scope.problems.add(table.mark, "GW-3035", name=name)
    return None


def _puts(table: Table, type_: str, scope: Scope, *, is_whole: bool) -> list[Put]:
    node = table.get("set")
    if not isinstance(node, Table):
        scope.problems.add(
            table.mark_of("set"), "GW-3012", word="set", expected="elements and rules"
        )
        return []
    for name in ("id", "resourceType", "contained"):
        if name in node:
            scope.problems.add(node.mark_of(name), "GW-3021", type=type_, element=name)
    return rules.compile_elements(node, type_, scope, type_, is_whole=is_whole).puts


def _ordered(recipes: list[Recipe]) -> list[Recipe]:
    """Put what others stand under before them; otherwise keep the author's order."""
    made: list[Recipe] = []
    waiting = list(recipes)
    names: set[str] = set()
    while waiting:
        ready = [r for r in waiting if r.under is None or r.under in names] or waiting
        made.append(ready[0])
        names.add(ready[0].name)
        waiting.remove(ready[0])
    return made
