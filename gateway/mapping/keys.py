"""Business keys: which numbers of the source name a resource."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.mapping.codes import compile_codes, unlogged
from gateway.mapping.conditions import compile_condition
from gateway.mapping.constants import compile_text
from gateway.mapping.nodes import Node, Scalar, Sequence, Table
from gateway.mapping.references import instances
from gateway.mapping.run import Frame, Spot, Test
from gateway.mapping.scope import Scope, words
from gateway.mapping.shapes import Element
from gateway.mapping.texts import Source, compile_functions, compile_source, first_of, place_of
from gateway.records import BusinessKey, Place, Selector

WORDS = ("value", "system", "assigner", "type", "shared", "within", "text", "each", "when")
_TEXT = Element("key", "key", "string", False, False, "string")
Found = tuple[BusinessKey, tuple[Place, ...]]
System = Callable[[Frame], tuple[str, tuple[Place, ...]] | None]


@dataclass(frozen=True, slots=True)
class Keys:
    """The compiled alternatives of one resource; ``paths`` name them when none is present."""

    alternatives: tuple[Callable[[Frame], list[Found]], ...]
    paths: tuple[str, ...]
    spot: Spot

    def find(self, frame: Frame) -> list[Found]:
        """Give every key present, in the author's order."""
        found: list[Found] = []
        seen: set[BusinessKey] = set()
        for alternative in self.alternatives:
            for key in alternative(frame):
                if key[0] not in seen:
                    seen.add(key[0])
                    found.append(key)
        return found


def compile_keys(node: Node, type_: str, scope: Scope) -> Keys:
    """Compile ``key:`` of a resource."""
    items = node.items if isinstance(node, Sequence) else [node]
    spot = scope.spot(node.mark, f"{type_}.id")
    made = [one for item in items if (one := _compile(item, type_, scope)) is not None]
    return Keys(tuple(made), tuple(_shown(item) for item in items), spot)


def _shown(node: Node) -> str:
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Sequence):
        return "+".join(_shown(item) for item in node.items)
    parts = [node.text("each") or ""]
    for word in ("within", "value", "join", "from"):
        inner = node.get(word)
        if inner is not None:
            parts.append(_shown(inner))
    return " ".join(part for part in parts if part) or "…"


def _compile(node: Node, type_: str, scope: Scope) -> Callable[[Frame], list[Found]] | None:
    if isinstance(node, Scalar):
        select = scope.selector(node)
        if select is None:
            return None
        system = f"urn:key:{node.text}"
        source = first_of([select], scope.absent)
        return _alternative(type_, lambda _frame: (system, ()), source, is_shared=False)
    if not isinstance(node, Table) or not words(node, WORDS, scope.problems):
        scope.problems.add(node.mark, "GW-3012", word="key", expected="a path or {system, value}")
        return None
    if "within" in node:
        inner = _within(node, type_, scope)
        if inner is None or "when" not in node:
            return inner
        return _when(inner, compile_condition(node.entries["when"], scope))
    if "value" not in node:
        scope.problems.add(node.mark, "GW-3013", word="value")
        return None
    made = _alternative(
        node.text("type") or type_,
        _system(node, scope),
        _value(node.entries["value"], scope),
        is_shared=node.text("shared") == "true",
    )
    if "when" in node:
        made = _when(made, compile_condition(node.entries["when"], scope))
    if "each" in node:
        each = scope.selector(node.entries["each"])
        made = _each(made, each) if each else made
    return made


def _alternative(
    type_: str, system: System, source: Source, *, is_shared: bool
) -> Callable[[Frame], list[Found]]:
    def keys(frame: Frame) -> list[Found]:
        read = source(frame)
        if read is None:
            return []
        named = system(frame)
        if named is None:
            return []
        return [(BusinessKey(type_, named[0], read[0], is_shared), read[1] + named[1])]

    return keys


def _when(keys: Callable[[Frame], list[Found]], test: Test) -> Callable[[Frame], list[Found]]:
    return lambda frame: keys(frame) if test(frame) else []


def _each(keys: Callable[[Frame], list[Found]], each: Selector) -> Callable[[Frame], list[Found]]:
    def several(frame: Frame) -> list[Found]:
        run = frame.run
        return [
            key
            for anchor in each(frame.anchor, run.root)
            for key in keys(Frame(run, anchor, frame.instance, frame))
        ]

    return several


def _value(node: Node, scope: Scope) -> Source:
    """Compile the value of a key: a path, a list of paths, or a text rule."""
    if not isinstance(node, Table):
        return first_of(scope.selectors_of(node), scope.absent)
    allowed = ("from", "join", "with", "template", "as", "codes", "otherwise")
    words(node, allowed, scope.problems)
    source = compile_source(node, scope)
    if "codes" in node:
        coded = compile_codes(
            node, _TEXT, compile_functions(node, None, scope, "key").convert, scope, "key"
        )
        return unlogged(coded.of(source)) if coded else source
    convert = compile_functions(node, None, scope, "key").convert
    if convert is None:
        return source

    def converted(frame: Frame) -> tuple[str, tuple[Place, ...]] | None:
        read = source(frame)
        if read is None:
            return None
        value = convert(read[0], frame.run, place_of(read[1]))
        return None if value is None else (str(value), read[1])

    return converted


def _system(node: Table, scope: Scope) -> System:
    given = node.get("system")
    system: System
    if given is None:
        system = _constant("urn:assigner" if "assigner" in node else f"urn:key:{_shown(node)}")
    elif isinstance(given, Scalar) and not given.text.startswith("."):
        fill = compile_text(given.text, scope.spot(given.mark, "key.system"))

        def filled(frame: Frame) -> tuple[str, tuple[Place, ...]]:
            return fill(frame.run), ()

        system = filled
    else:
        system = _value(given, scope)
    if "assigner" not in node:
        return system
    return _assigned(system, first_of(scope.selectors_of(node.entries["assigner"]), scope.absent))


def _constant(text: str) -> System:
    return lambda _frame: (text, ())


def _assigned(system: System, assigner: Source) -> System:
    def assigned(frame: Frame) -> tuple[str, tuple[Place, ...]] | None:
        start, end = system(frame), assigner(frame)
        if start is None or end is None:
            return None
        return f"{start[0]}:{end[0]}", start[1] + end[1]

    return assigned


def _within(node: Table, type_: str, scope: Scope) -> Callable[[Frame], list[Found]] | None:
    """Compile a key within another resource of the record: its first key and the own part."""
    name = node.text("within") or ""
    if name not in scope.types:
        mark = node.mark_of("within")
        scope.problems.add(mark, "GW-3023", near=(name, scope.types), name=name)
        return None
    source = _value(node.entries["value"], scope) if "value" in node else None
    suffix = f"/{node.text('text')}" if node.text("text") else ""
    spot = scope.spot(node.mark, f"{type_}.id")

    def keys(frame: Frame) -> list[Found]:
        found = [one for one in instances(frame, name) if one.keys]
        if len(found) > 1:
            raise frame.run.refusal(
                "GW-3104", spot, frame.anchor.place, name=name, count=len(found)
            )
        read = source(frame) if source else ("", ())
        if not found or read is None:
            return []
        return [(_inner(type_, found[0].keys[0], read[0], suffix), read[1])]

    return keys


def _inner(type_: str, parent: BusinessKey, text: str, suffix: str) -> BusinessKey:
    end = f"/{text}" if text else ""
    return BusinessKey(type_, parent.system, f"{parent.value}{end}{suffix}", parent.is_shared)
