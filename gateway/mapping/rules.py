"""Rules: what stands right of an element's name, compiled to writers of code.

A rule gives one value (``One``) or, where the element may repeat, several (``Many``). Whether it
can give anything but constants decides if an object is kept: constants alone do not make one.
"""

import re
from contextlib import nullcontext

from gateway.mapping import references
from gateway.mapping.code import Code, Here
from gateway.mapping.codes import compile_codes
from gateway.mapping.codings import settled
from gateway.mapping.conditions import compile_condition
from gateway.mapping.constants import compile_constant
from gateway.mapping.elements import Elements, Rule, compile_set
from gateway.mapping.nodes import Node, Scalar, Table
from gateway.mapping.periods import fitted
from gateway.mapping.scope import Scope, words
from gateway.mapping.shapes import Element
from gateway.mapping.texts import compile_functions, compile_source, converted
from gateway.mapping.tracing import leaves_of
from gateway.mapping.writers import Keep, One, Put
from gateway.records import LineageKind, Selector

WORDS = tuple(
    "from each set as codes when ref of use otherwise default join with template const".split()  # noqa: SIM905
)
_EXCLUSIVE = (
    ("from", "join"),
    ("ref", "from"),
    ("ref", "set"),
    ("ref", "use"),
    ("const", "from"),
    ("use", "join"),
    ("set", "join"),
    ("set", "as"),
    ("set", "codes"),
    ("use", "as"),
)
# A path written where a constant belongs would put its own name into every record.
_LIKE_PATHS = {
    "hl7v2": re.compile(r"[A-Z][A-Z0-9]{2}-\d+(\[[^\]]+\])?(\.\d+){0,2}\Z"),
    "xml": re.compile(r"//|/[\w.-]+:|/[\w.-]+/"),
    "json": re.compile(r"\$[.\[]"),
}
_SOURCES = ("from", "each", "set", "ref", "use", "join", "const", "as", "codes")


def compile_elements(
    table: Table, shape: str, scope: Scope, target: str, *, is_whole: bool = True
) -> Elements:
    """Compile ``set:`` for a shape; ``is_whole`` asks for its required elements too."""
    return compile_set(table, shape, scope, target, compile_rule, is_whole=is_whole)


def compile_rule(node: Node, element: Element, scope: Scope, target: str) -> Rule | None:
    """Compile one rule for an element; None after a noted problem."""
    if isinstance(node, Scalar):
        if not node.text.startswith(".") or len(node.text) == 1:
            if (like := _LIKE_PATHS.get(scope.dialect.format)) and like.match(node.text):
                scope.problems.add(node.mark, "GW-3041", text=node.text)
                return None
            constant = compile_constant(node, element, scope, target)
            return Rule(constant, None, False, True) if constant else None
        node = Table({"from": node}, node.mark)
    if not isinstance(node, Table):
        scope.problems.add(node.mark, "GW-3012", word=target, expected="a rule")
        return None
    if not words(node, WORDS, scope.problems) or not _is_sensible(node, scope):
        return None
    if "each" in node:
        return _compile_each(node, element, scope, target)
    if "ref" in node and isinstance(node.entries["ref"], Scalar) and element.is_many:
        many = references.compile_many(node, element, scope, target)
        test = compile_condition(node.entries["when"], scope) if "when" in node else None
        return Rule(None, many, True, test=test) if many else None
    compiled = _single(node, element, scope, target)
    if compiled is None:
        return None
    if element.type == "Period":
        compiled = compiled._replace(one=fitted(compiled.write_one, scope.spot(node.mark, target)))
    if "when" in node:
        test = compile_condition(node.entries["when"], scope)
        compiled = compiled._replace(test=test, is_sure=False)
    if "default" in node:
        fallback = _fallback(node.entries["default"], element, scope, target)
        if fallback:
            one = _with_default(compiled.write_one, fallback)
            compiled = Rule(one, None, compiled.is_dynamic)
    return compiled


def _is_sensible(node: Table, scope: Scope) -> bool:
    """Check that a rule has a source and no two that exclude each other."""
    before = len(scope.problems)
    if not any(word in node for word in _SOURCES):
        scope.problems.add(node.mark, "GW-3032")
    for first, second in _EXCLUSIVE:
        if first in node and second in node:
            scope.problems.add(node.mark_of(second), "GW-3016", first=first, second=second)
    if "otherwise" in node and "codes" not in node:
        scope.problems.add(
            node.mark_of("otherwise"), "GW-3013", word="codes (for an absent source write default:)"
        )
    for word, other in (("with", "join"), ("template", "join"), ("of", "ref")):
        if word in node and other not in node:
            scope.problems.add(node.mark_of(word), "GW-3013", word=other)
    return len(scope.problems) == before


def _with_default(one: One, fallback: One) -> One:
    def write(code: Code, here: Here, keep: Keep) -> None:
        value = code.fresh("v")
        code.put(f"{value} = None")
        one(code, here, lambda given: code.put(f"{value} = {given}"))
        with code.block(f"if {value} is None:"):
            fallback(code, here, lambda given: code.put(f"{value} = {given}"))
        with code.block(f"if {value} is not None:"):
            keep(value)

    return write


def _fallback(node: Node, element: Element, scope: Scope, target: str) -> One | None:
    if isinstance(node, Scalar) and not node.text.startswith("."):
        return compile_constant(node, element, scope, target, "default")
    rule = compile_rule(node, element, scope, target)
    return rule.write_one if rule and rule.one else None


def _compile_each(node: Table, element: Element, scope: Scope, target: str) -> Rule | None:
    if not element.is_many:
        scope.problems.add(node.mark_of("each"), "GW-3029", element=target)
        return None
    selectors = scope.selectors_of(node.entries["each"])
    inner_table = Table(
        {w: v for w, v in node.entries.items() if w != "each"}, node.mark, node.marks
    )
    if not any(word in inner_table for word in _SOURCES):
        inner_table.entries["from"] = Scalar(".", False, node.mark_of("each"))
    rule = compile_rule(inner_table, element, scope, target)
    if not selectors or rule is None:
        return None

    def write(code: Code, here: Here, into: str) -> None:
        anchor = code.fresh("a")
        with code.block(f"for {anchor} in {_anchors(code, here, selectors)}:"):
            inner = code.frame(anchor, here)
            with code.block(f"if {rule.test(code, inner)}:") if rule.test else nullcontext():
                if rule.many is not None:
                    rule.many(code, inner, into)
                elif rule.one is not None:
                    entry = code.entry(here, into, inner)
                    rule.one(code, entry, lambda value: code.put(f"{into}.append({value})"))

    return Rule(None, write, True)


def _anchors(code: Code, here: Here, selectors: list[Selector]) -> str:
    """Write the expression of the nodes that some paths give, in order."""
    calls = [f"{code.bind(one, 'path')}({here.frame}.anchor, root)" for one in selectors]
    return calls[0] if len(calls) == 1 else f"({', '.join(f'*{call}' for call in calls)})"


def _single(node: Table, element: Element, scope: Scope, target: str) -> Rule | None:
    """Compile what gives the value of a rule, and whether it is more than constants."""
    if "const" in node:
        inner = node.entries["const"]
        if isinstance(inner, Scalar):
            constant = compile_constant(inner, element, scope, target)
            return Rule(constant, None, False, True) if constant else None
        scope.problems.add(inner.mark, "GW-3012", word="const", expected="a text")
        return None
    if "ref" in node:
        return _compile_ref(node, element, scope, target)
    if "use" in node:
        return _compile_use(node, element, scope, target)
    if "set" in node:
        return _compile_object(node, element, scope, target)
    one = _compile_text(node, element, scope, target)
    return Rule(one, None, True) if one else None


def _compile_ref(node: Table, element: Element, scope: Scope, target: str) -> Rule | None:
    inner = node.entries["ref"]
    if element.type != "Reference":
        scope.problems.add(
            node.mark_of("ref"), "GW-3027", what="ref", element=target, type=element.type
        )
        return None
    if isinstance(inner, Table):
        logical = Table({"set": outside(inner)}, inner.mark)
        return _compile_object(logical, element, scope, target)
    one = references.compile_one(node, element, scope, target)
    return Rule(one, None, True) if one else None


def outside(inner: Table) -> Table:
    """Read ``identifier: {system: …, value: …}`` of a logical reference as elements."""
    identifier = inner.get("identifier")
    if not isinstance(identifier, Table) or not ("system" in identifier or "value" in identifier):
        return inner
    named = Table({"set": identifier}, identifier.mark)
    return Table({**inner.entries, "identifier": named}, inner.mark, inner.marks)


def _compile_use(node: Table, element: Element, scope: Scope, target: str) -> Rule | None:
    name = node.text("use") or ""
    by_type = scope.datatypes.get(name)
    if by_type is None:
        scope.problems.add(
            node.mark_of("use"),
            "GW-3028",
            near=(name, scope.datatypes),
            format=scope.dialect.format,
            name=name,
        )
        return None
    fields = by_type.get(element.type)
    if fields is None:
        scope.problems.add(
            node.mark_of("use"), "GW-3027", what=name, element=target, type=element.type
        )
        return None
    if isinstance(fields, Scalar):
        return _compile_part(fields, node, element, scope, target)
    inside = scope.within(
        prefixes=scope.datatype_prefixes, selectors={}, label=f"{node.mark.rule} {name}"
    )
    assert isinstance(fields, Table)  # noqa: S101 - packaged.datatypes holds texts and tables
    compiled = _object_parts(fields, element, inside, target)
    own = node.get("set")
    if isinstance(own, Table):
        kept = {name: put for name, put in compiled.items() if name not in _heads(own)}
        compiled = {**kept, **_object_parts(own, element, scope, target)}
    one = _object(Elements(list(compiled.values()), is_dynamic=True, is_sure=False))
    if element.type == "Coding":
        one = settled(one, scope, scope.spot(node.mark, target))
    if "codes" in node:
        coded = compile_codes(node, element, None, scope, target)
        one = coded.after(one) if coded else one
    return Rule(_anchored(one, node, scope), None, True)


def _compile_part(
    part: Scalar, node: Table, element: Element, scope: Scope, target: str
) -> Rule | None:
    """Compile a datatype map that reads one part as a plain value (TS)."""
    inside = scope.within(prefixes=scope.datatype_prefixes, selectors={}, label=node.mark.rule)
    one = _compile_text(Table({"from": part}, node.mark), element, inside, target)
    return Rule(_anchored(one, node, scope), None, True) if one else None


def _heads(table: Table) -> set[str]:
    return {name.partition(".")[0] for name in table.entries}


def _object_parts(table: Table, element: Element, scope: Scope, target: str) -> dict[str, Put]:
    """Compile a ``set`` element by element, so that a datatype map's can be replaced."""
    made: dict[str, Put] = {}
    for head in dict.fromkeys(name.partition(".")[0] for name in table.entries):
        entries = {n: v for n, v in table.entries.items() if n.partition(".")[0] == head}
        part = Table(entries, table.mark, table.marks)
        puts = compile_elements(part, element.shape, scope, target, is_whole=False).puts
        if puts:
            made[head] = puts[0]
    return made


def _compile_object(node: Table, element: Element, scope: Scope, target: str) -> Rule | None:
    inner = node.entries["set"]
    if not isinstance(inner, Table) or element.is_primitive:
        if element.is_primitive:
            scope.problems.add(
                node.mark_of("set"), "GW-3027", what="set", element=target, type=element.type
            )
        else:
            scope.problems.add(inner.mark, "GW-3012", word="set", expected="elements and rules")
        return None
    elements = compile_elements(inner, element.shape, scope, target)
    one = _object(elements)
    if element.type == "Coding" and elements.is_dynamic:
        one = settled(one, scope, scope.spot(node.mark, target))
    is_sure = elements.is_sure and "from" not in node
    return Rule(_anchored(one, node, scope), None, elements.is_dynamic, is_sure)


def _object(elements: Elements) -> One:
    def write(code: Code, here: Here, keep: Keep) -> None:
        if code.is_deep:
            with code.function("part", "f, p") as part:
                build(code, Here(), lambda made: code.put(f"return {made}"))
            value = code.named(f"{part}({here.frame}, {here.path})")
            with code.block(f"if {value} is not None:"):
                keep(value)
        else:
            build(code, here, keep)

    def build(code: Code, here: Here, keep: Keep) -> None:
        made, before, found = code.fresh("d"), code.fresh("n"), code.fresh("x")
        code.put(f"{made} = {{}}")
        is_sure = elements.is_sure and not elements.is_dynamic and bool(elements.puts)
        if not is_sure:
            code.put(f"{before} = len(rows)")
        if elements.is_dynamic:
            code.put(f"{found} = False")
        for put in elements.puts:
            put(code, here, made, found if elements.is_dynamic else None)
        if is_sure:
            keep(made)
            return
        with code.block(f"if {found if elements.is_dynamic else made}:"):
            keep(made)
        with code.block("else:"):
            code.put(f"del rows[{before}:]")

    return write


def _anchored(one: One, node: Table, scope: Scope) -> One:
    """Let ``from:`` of an object rule be the anchor inside it."""
    if "from" not in node:
        return one
    selectors = scope.selectors_of(node.entries["from"])

    def write(code: Code, here: Here, keep: Keep) -> None:
        anchor, value = code.fresh("a"), code.fresh("v")
        code.put(f"{value} = None")
        with code.block(f"for {anchor} in {_anchors(code, here, selectors)}:"):
            inner = code.frame(anchor, here)
            one(code, inner, lambda given: code.put(f"{value} = {given}"))
            code.put(f"if {value} is not None: break")
        with code.block(f"if {value} is not None:"):
            keep(value)

    return write


def _compile_text(node: Table, element: Element, scope: Scope, target: str) -> One | None:
    source = compile_source(node, scope)
    if "codes" in node:
        chain = compile_functions(node, None, scope, target)
        coded = compile_codes(node, element, chain.convert, scope, target)
        return coded.of(source) if coded else None
    chain = compile_functions(node, element, scope, target)
    kind: LineageKind = "derived" if "join" in node else chain.kind
    rule = scope.spot(node.mark, target).rule

    def write(code: Code, here: Here, keep: Keep) -> None:
        def log(value: str, sources: str) -> None:
            value = value if element.is_primitive else code.named(value)
            keep(value)
            if element.is_primitive:
                code.row(here, kind, sources, rule)
            else:
                leaves = code.bind(leaves_of, "leaves_of")
                given = f"{value}, {here.suffix!r}, {kind!r}, {rule!r}"
                code.put(f"rows += {here.pointer}, {leaves}({given}), {sources}")

        source(code, here, converted(code, chain.convert, log))

    return write
