"""The text part of a rule: which nodes are read, and the value functions applied to them."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

from gateway.mapping.code import Code, Here
from gateway.mapping.conversions import ArgumentError
from gateway.mapping.functions import DEFAULTS, FUNCTIONS, Function
from gateway.mapping.nodes import Node, Scalar, Table
from gateway.mapping.nodes import Sequence as Listed
from gateway.mapping.problems import Mark
from gateway.mapping.run import Convert, Read, Run, Spot
from gateway.mapping.scope import Scope, words
from gateway.mapping.shapes import Element
from gateway.mapping.tracing import Cell, Sources
from gateway.mapping.writers import Source
from gateway.records import LineageKind, Selector

_PART_WORDS = ("from", "join", "with", "template", "as", "codes", "otherwise", "const")


def first_of(selectors: Sequence[Selector], absent: frozenset[str]) -> Source:
    """Read the first node that has a value; only that node counts as read."""

    def write(code: Code, here: Here, keep: Callable[[str, str], None]) -> None:
        seen = code.fresh("c")
        looks = [code.look(select, here) for select in selectors]
        code.put(f"{seen} = {' or '.join(looks)}")
        with code.block(f"if {seen}:"):
            code.put(f"{seen} = {seen}[0]")
            if absent:
                find, listed = code.bind(_first_present, "first_present"), ", ".join(looks)
                words = code.bind(absent, "absent")
                other = f"({seen} := {find}({words}, {listed}))"
                test = f"if {seen}.text not in {words} or {other}:"
            with code.block(test) if absent else nullcontext():
                code.put(f"{seen}.is_read = True")
                keep(f"{seen}.text", f"({seen},)")

    return write


def _first_present(absent: frozenset[str], *looks: Sequence[Cell]) -> Cell | None:
    """Find the first value that is no placeholder; the placeholders before it are read, too."""
    for look in looks:
        for seen in look:
            seen.is_read = True
            if seen.text not in absent:
                return seen
    return None


def _all_present(absent: frozenset[str], look: Sequence[Cell]) -> list[Read]:
    """Read every node of a path."""
    found: list[Read] = []
    for seen in look:
        seen.is_read = True
        if seen.text not in absent:
            found.append((seen.text, (seen,)))
    return found


def compile_source(table: Table, scope: Scope) -> Source:
    """Compile ``from:`` or ``join:`` of a rule; with neither, the anchor itself is read."""
    if "join" in table:
        return _join(table, scope)
    node = table.get("from")
    selectors = (
        scope.selectors_of(node) if node else scope.selectors_of(Scalar(".", False, table.mark))
    )
    return first_of(selectors, scope.absent)


class _Part(NamedTuple):
    """One part of a join: its writer, and what it reads where that is the same everywhere."""

    write: Callable[[Code, Here], str]
    fixed: object = None


def _join(table: Table, scope: Scope) -> Source:
    node = table.entries["join"]
    template = table.text("template")
    glue = table.get("with")
    separator = glue.text if isinstance(glue, Scalar) else ""
    items = node.items if isinstance(node, Listed) else [node]
    parts = [part for item in items if (part := _part(item, scope)) is not None]
    is_fixed = all(part.fixed is not None for part in parts)

    def join(code: Code, here: Here, into: str) -> None:
        names = [part.write(code, here) for part in parts]
        given = f"({', '.join(names)},), {separator!r}, {template!r}"
        code.put(f"{into} = {code.bind(_joined, 'joined')}({given})")

    def write(code: Code, here: Here, keep: Callable[[str, str], None]) -> None:
        text, places, found = code.fresh("t"), code.fresh("q"), code.fresh("r")
        if is_fixed:
            # A text of the message's head alone is joined once a record.
            number = code.key((separator, template, tuple(part.fixed for part in parts)))
            code.put(f"{found} = run.once.get({number})")
            with code.block(f"if {found} is None:"):
                join(code, here, found)
                code.put(f"run.once[{number}] = {found}")
        else:
            join(code, here, found)
        with code.block(f"if {found}:"):
            code.put(f"{text}, {places} = {found}")
            keep(text, places)

    return write


def _joined(
    found: tuple[list[Read], ...], separator: str, template: str | None
) -> Read | tuple[()]:
    """Join what the parts read, or fill it into a template that needs all of them."""
    reads = [read for group in found for read in group]
    if not reads or (template is not None and not all(found)):
        return ()
    places = tuple([place for _, spots in reads for place in spots])
    if template is None:
        return separator.join([text for text, _ in reads]), places
    text = template
    for number in range(len(found), 0, -1):
        mark = f"{{{number}}}"
        text = text.replace(mark, separator.join([t for t, _ in found[number - 1]]))
    return text, places


def _part(node: Node, scope: Scope) -> _Part | None:
    """Compile one part of a join: a path, a constant, or a rule of its own that gives text."""
    if isinstance(node, Scalar):
        return _path_part(node, scope)
    if not isinstance(node, Table):
        scope.problems.add(node.mark, "GW-3012", word="join", expected="a list of paths")
        return None
    words(node, _PART_WORDS, scope.problems)
    constant = node.text("const")
    if constant is not None:
        return _Part(lambda _code, _here: f"[({constant!r}, ())]", constant)
    source = compile_source(node, scope)
    convert = compile_functions(node, None, scope, "join").convert
    if "codes" in node:
        source, convert = _translated(node, source, convert, scope), None

    def write(code: Code, here: Here) -> str:
        reads = code.fresh("g")
        code.put(f"{reads} = []")
        convert_to = converted(
            code, convert, lambda text, places: code.put(f"{reads} = [({text}, {places})]")
        )
        source(code, here, convert_to)
        return reads

    return _Part(write)


def _path_part(node: Scalar, scope: Scope) -> _Part | None:
    select, absent = scope.selector(node), scope.absent
    if select is None:
        return None

    def write(code: Code, here: Here) -> str:
        reads, find = code.fresh("g"), code.bind(_all_present, "all_present")
        placeholders = code.bind(absent, "absent")
        code.put(f"{reads} = {find}({placeholders}, {code.look(select, here)})")
        return reads

    is_absolute = getattr(select, "is_absolute", False)
    return _Part(write, select if is_absolute else None)


def _translated(node: Table, source: Source, convert: Convert | None, scope: Scope) -> Source:
    """Translate one part of a joined text by its code table."""
    from gateway.mapping.codes import compile_codes, unlogged  # codes reads texts by this module

    element = Element("join", "join", "string", False, False, "string")
    coded = compile_codes(node, element, convert, scope, "join")
    return unlogged(coded, source) if coded else source


def converted(
    code: Code, convert: Convert | None, keep: Callable[[str, str], None]
) -> Callable[[str, str], None]:
    """Write a value function between a text and what is done with it."""
    if convert is None:
        return keep

    def write(text: str, places: str) -> None:
        made = code.fresh("v")
        whole = f"{code.bind(convert, 'convert')}({text}, run, {places})"
        of_text = getattr(convert, "of_text", None)
        if of_text is None:
            code.put(f"{made} = {whole}")
        else:
            code.put(f"{made} = {code.bind(of_text, 'function')}({text})")
            code.put(f"if {made} is None: {made} = {whole}")
        with code.block(f"if {made} is not None:"):
            keep(made, places)

    return write


class Chain:
    """The compiled functions of one rule: how they convert, and what lineage calls the result."""

    __slots__ = ("convert", "fits", "kind", "names")

    def __init__(
        self,
        convert: Convert | None,
        kind: LineageKind,
        fits: frozenset[str] | None,
        names: list[str],
    ) -> None:
        self.convert = convert
        self.kind = kind
        self.fits = fits
        self.names = names


def compile_functions(table: Table, element: Element | None, scope: Scope, target: str) -> Chain:
    """Compile ``as:`` and, where it ends in text, the reading that the element's type asks for."""
    node = table.get("as")
    items = node.items if isinstance(node, Listed) else [node] if node else []
    chain: list[tuple[Function, Convert]] = []
    for item in items:
        if chain and chain[-1][0].fits is not None:
            scope.problems.add(
                item.mark,
                "GW-3027",
                what=f"a function after {chain[-1][0].name}",
                element=target,
                type="text",
            )
        compiled = _function(item, scope, target)
        if compiled:
            chain.append(compiled)
    if element is not None:
        _finish(chain, element, scope, table.mark_of("as"), target)
    kind: LineageKind = "copied"
    for function, _ in chain:
        kind = function.kind if function.kind != "copied" else kind
    converts = [convert for function, convert in chain if function.name != "string"]
    fits = chain[-1][0].fits if chain else None
    return Chain(_compose(converts), kind, fits, [function.name for function, _ in chain])


def _finish(
    chain: list[tuple[Function, Convert]], element: Element, scope: Scope, mark: Mark, target: str
) -> None:
    """Check that the last function fits the element, or add the one its type asks for."""
    fits = chain[-1][0].fits if chain else None
    if fits is not None:
        if element.type not in fits and element.path not in fits:
            scope.problems.add(
                mark, "GW-3027", what=chain[-1][0].name, element=target, type=element.type
            )
        return
    name = DEFAULTS.get(element.type)
    if name is None:
        what = chain[-1][0].name if chain else "a plain value"
        scope.problems.add(mark, "GW-3027", what=what, element=target, type=element.type)
    elif name != "string":
        chain.append((FUNCTIONS[name], FUNCTIONS[name].make(None, scope.spot(mark, target))))


def _function(node: Node, scope: Scope, target: str) -> tuple[Function, Convert] | None:
    argument: Node | None = None
    name = node.text if isinstance(node, Scalar) else ""
    if isinstance(node, Table) and len(node.entries) == 1:
        name, argument = next(iter(node.entries.items()))
    function = FUNCTIONS.get(name)
    if function is None:
        scope.problems.add(node.mark, "GW-3026", near=(name, FUNCTIONS), function=name or "…")
        return None
    spot: Spot = scope.spot(node.mark, target)
    try:
        return function, function.make(argument, spot)
    except ArgumentError as err:
        scope.problems.add(node.mark, "GW-3036", function=name, reason=str(err))
        return None


def _compose(converts: list[Convert]) -> Convert | None:
    if len(converts) < 2:
        return converts[0] if converts else None

    def convert(text: str, run: Run, sources: Sources) -> Any:
        value: Any = text
        for step in converts:
            value = step(value, run, sources)
            if value is None:
                return None
        return value

    return convert
