"""Business keys: which numbers of the source name a resource."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.mapping.code import Code, Here
from gateway.mapping.codes import compile_codes, unlogged
from gateway.mapping.conditions import compile_condition
from gateway.mapping.constants import compile_text
from gateway.mapping.nodes import Node, Scalar, Sequence, Table
from gateway.mapping.references import instances
from gateway.mapping.run import Convert, Frame, Spot
from gateway.mapping.scope import Scope, words
from gateway.mapping.shapes import Element
from gateway.mapping.texts import compile_functions, compile_source, converted, first_of
from gateway.mapping.tracing import Sources
from gateway.mapping.writers import Source, Test
from gateway.records import BusinessKey, Selector

WORDS = ("value", "system", "assigner", "type", "shared", "within", "text", "each", "when")
_TEXT = Element("key", "key", "string", False, False, "string")
Found = tuple[BusinessKey, Sources]
Adder = Callable[[Code, Here, str], None]
"""Adds the keys that are present to the list in a variable."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The compiled alternatives of one resource; ``paths`` name them when none is present."""

    alternatives: tuple[Adder, ...]
    paths: tuple[str, ...]
    spot: Spot

    def write(self, code: Code) -> str:
        """Write the function that gives every key present, in the author's order."""
        with code.function("keys", "f") as name:
            code.put("found = []")
            for alternative in self.alternatives:
                alternative(code, Here(), "found")
            code.put("return found")
        return name


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


def _compile(node: Node, type_: str, scope: Scope) -> Adder | None:
    if isinstance(node, Scalar):
        select = scope.selector(node)
        if select is None:
            return None
        system = f"urn:key:{node.text}"
        source = first_of([select], scope.absent)
        return _alternative(type_, _constant(system), source, is_shared=False)
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


def _alternative(type_: str, system: Source, source: Source, *, is_shared: bool) -> Adder:
    def write(code: Code, here: Here, into: str) -> None:
        code.names["BusinessKey"] = BusinessKey

        def name(text: str, places: str) -> None:
            def add(given: str, spots: str) -> None:
                key = f"BusinessKey({type_!r}, {given}, {text}, {is_shared})"
                code.put(f"{into}.append(({key}, {places} + {spots}))")

            system(code, here, add)

        source(code, here, name)

    return write


def _when(keys: Adder, test: Test) -> Adder:
    def write(code: Code, here: Here, into: str) -> None:
        with code.block(f"if {test(code, here)}:"):
            keys(code, here, into)

    return write


def _each(keys: Adder, each: Selector) -> Adder:
    def write(code: Code, here: Here, into: str) -> None:
        anchor = code.fresh("a")
        with code.block(f"for {anchor} in {code.bind(each, 'path')}({here.frame}.anchor, root):"):
            keys(code, code.frame(anchor, here), into)

    return write


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
        return unlogged(coded, source) if coded else source
    convert = compile_functions(node, None, scope, "key").convert
    if convert is None:
        return source
    shown: Convert = lambda text, run, place: (  # noqa: E731 - one expression
        None if (value := convert(text, run, place)) is None else str(value)
    )
    return lambda code, here, keep: source(code, here, converted(code, shown, keep))


def _system(node: Table, scope: Scope) -> Source:
    given = node.get("system")
    if given is None:
        system = _constant("urn:assigner" if "assigner" in node else f"urn:key:{_shown(node)}")
    elif isinstance(given, Scalar) and not given.text.startswith("."):
        fill = compile_text(given.text, scope.spot(given.mark, "key.system"))

        def system(code: Code, here: Here, keep: Callable[[str, str], None]) -> None:
            del here
            keep(f"{code.bind(fill, 'fill')}(run)", "()")

    else:
        system = _value(given, scope)
    if "assigner" not in node:
        return system
    return _assigned(system, first_of(scope.selectors_of(node.entries["assigner"]), scope.absent))


def _constant(text: str) -> Source:
    return lambda _code, _here, keep: keep(repr(text), "()")


def _assigned(system: Source, assigner: Source) -> Source:
    def write(code: Code, here: Here, keep: Callable[[str, str], None]) -> None:
        def end(start: str, spots: str) -> None:
            assigner(
                code, here, lambda end, more: keep(f"{start} + ':' + {end}", f"{spots} + {more}")
            )

        system(code, here, end)

    return write


def _within(node: Table, type_: str, scope: Scope) -> Adder | None:
    """Compile a key within another resource of the record: its first key and the own part."""
    name = node.text("within") or ""
    if name not in scope.types:
        mark = node.mark_of("within")
        scope.problems.add(mark, "GW-3023", near=(name, scope.types), name=name)
        return None
    source = _value(node.entries["value"], scope) if "value" in node else _constant("")
    suffix = f"/{node.text('text')}" if node.text("text") else ""
    spot = scope.spot(node.mark, f"{type_}.id")

    def outer(frame: Frame) -> BusinessKey | None:
        found = [one for one in instances(frame, name) if one.keys]
        if len(found) > 1:
            raise frame.run.refusal(
                "GW-3104", spot, frame.anchor.place, name=name, count=len(found)
            )
        return found[0].keys[0] if found else None

    def write(code: Code, here: Here, into: str) -> None:
        parent = code.fresh("k")
        code.put(f"{parent} = {code.bind(outer, 'outer')}({here.frame})")

        def add(text: str, places: str) -> None:
            with code.block(f"if {parent} is not None:"):
                key = f"{code.bind(_inner, 'inner')}({type_!r}, {parent}, {text}, {suffix!r})"
                code.put(f"{into}.append(({key}, {places}))")

        source(code, here, add)

    return write


def _inner(type_: str, parent: BusinessKey, text: str, suffix: str) -> BusinessKey:
    end = f"/{text}" if text else ""
    return BusinessKey(type_, parent.system, f"{parent.value}{end}{suffix}", parent.is_shared)
