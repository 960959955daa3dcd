"""``codes: table``: translate a code, keep the original coding beside it, never guess."""

from collections.abc import Callable
from functools import partial
from typing import Any

from gateway.mapping.code import Code, Here
from gateway.mapping.constants import Constant, compile_constant
from gateway.mapping.nodes import Scalar, Table
from gateway.mapping.run import Convert, Read, Run, Spot
from gateway.mapping.scope import Scope
from gateway.mapping.shapes import STRINGS, Element
from gateway.mapping.tables import CodeTable, Row, from_pairs
from gateway.mapping.texts import converted
from gateway.mapping.tracing import Leaf, Leaves, Sources, place_of, rewrite, single
from gateway.mapping.writers import Keep, One, Source

_COPY, _ABSENT = "copy", "absent"
Otherwise = Callable[[Run, str, Sources, str], Any]
"""Gives what stands for a code without a row: (run, pointer, sources, the row's name)."""


class Coded:
    """A compiled translation: of a text that was read, or after a datatype map."""

    def __init__(
        self, table: CodeTable, element: Element, convert: Convert | None, spot: Spot
    ) -> None:
        self._table = table
        self._type = element.type
        self.convert = convert
        self._spot = spot
        self.otherwise: Otherwise | None = None
        self.is_copied = False
        self.is_left_out = False

    def of(self, source: Source) -> One:
        """Translate the text of a source."""

        def write(code: Code, here: Here, keep: Keep) -> None:
            def translate(text: str, places: str) -> None:
                value = code.fresh("v")
                known: dict[str, tuple[Any, Leaves]] = {}
                code.put(f"{value} = {code.bind(known, 'known')}.get({text})")
                with code.block(f"if {value} is not None:"):
                    code.put(f"rows += {here.pointer}, {value}[1], {places}")
                    code.put(f"{value} = {self._copied.format(f'{value}[0]')}")
                with code.block("else:"):
                    find = code.bind(partial(self.translated, known, here.suffix), "translated")
                    code.put(f"{value} = {find}(run, {text}, {here.pointer}, {places})")
                with code.block(f"if {value} is not None:"):
                    keep(value)

            source(code, here, converted(code, self.convert, translate))

        return write

    @property
    def _copied(self) -> str:
        """The expression of a value of one's own."""
        if self._type in STRINGS:
            return "{0}"
        if self._type == "Coding":
            return "{0}.copy()"
        return "{{'coding': [coding.copy() for coding in {0}]}}"

    def translated(
        self,
        known: dict[str, tuple[Any, Leaves]],
        suffix: str,
        run: Run,
        text: str,
        pointer: str,
        sources: Sources,
    ) -> Any:
        """Translate a text; the value and lineage of a row are known from then on."""
        row = self._table.find(text)
        if row is None:
            return self._unknown(run, text, pointer + suffix, sources)
        value, leaves = known[text] = self._made(row, text, suffix)
        run.lineage += pointer, leaves, sources
        if self._type in STRINGS:
            return value
        if self._type == "Coding":
            return value.copy()
        return {"coding": [coding.copy() for coding in value]}

    def unlogged(self, run: Run, text: str, sources: Sources) -> Read | tuple[None, Sources]:
        """Translate without lineage, but give the sources that it would name."""
        lineage = run.lineage
        before = len(lineage)
        value = self.translated({}, "", run, text, "", sources)
        spots = lineage[before + 2] if len(lineage) > before else ()
        del lineage[before:]
        return value, spots

    def _unknown(self, run: Run, text: str, pointer: str, sources: Sources) -> Any:
        rule = self._spot.rule
        if self.is_left_out:
            run.warn("GW-3207", self._spot, place_of(sources), table=self._table.name)
            return None
        if self.is_copied:
            if self._type in STRINGS:
                run.lineage += pointer, (Leaf("", "copied", rule),), sources
                return text
            suffix = "/code" if self._type == "Coding" else "/coding/0/code"
            run.lineage += pointer, (Leaf(suffix, "copied", rule),), sources
            return {"code": text} if self._type == "Coding" else {"coding": [{"code": text}]}
        if self.otherwise is not None:
            return self.otherwise(run, pointer, sources, f"{self._table.name}:otherwise")
        raise run.refusal("GW-3102", self._spot, place_of(sources), table=self._table.name)

    def _made(self, row: Row, text: str, start: str) -> tuple[Any, Leaves]:
        """Make what a row translates a text into, and its lineage."""
        rule = self._spot.rule
        if self._type in STRINGS:
            return row.target, (Leaf(start, "translated", rule, row.spot),)
        if self._type == "Coding":
            return self._coding(row, start)
        coding, leaves = self._coding(row, f"{start}/coding/0")
        if (row.source_system, text) == (row.system, row.target):
            return [coding], leaves
        original = {"system": row.source_system, "code": text}
        if row.source_system:
            leaves += (Leaf(f"{start}/coding/1/system", "translated", rule, row.spot),)
        leaves += (Leaf(f"{start}/coding/1/code", "copied", rule),)
        return [coding, {name: part for name, part in original.items() if part}], leaves

    def _coding(self, row: Row, start: str) -> tuple[dict[str, Any], Leaves]:
        coding = {"system": row.system, "code": row.target, "display": row.display}
        made = {name: text for name, text in coding.items() if text}
        rule = self._spot.rule
        return made, tuple(Leaf(f"{start}/{name}", "translated", rule, row.spot) for name in made)

    def after(self, one: One) -> One:
        """Translate the first coding that a datatype map gave, the originals after it."""

        def write(code: Code, here: Here, keep: Keep) -> None:
            before, value = code.fresh("n"), code.fresh("v")
            code.put(f"{before} = len(rows)")

            def translate(made: str) -> None:
                find = code.bind(self._after, "translated")
                code.put(f"{value} = {find}(run, {made}, {here.path}, {before})")
                with code.block(f"if {value} is not None:"):
                    keep(value)

            one(code, here, translate)

        return write

    def _after(self, run: Run, made: dict[str, Any], pointer: str, before: int) -> Any:
        codings = [made] if self._type == "Coding" else made.get("coding", [])
        coded = [coding for coding in codings if "code" in coding]
        if not coded:
            return made
        sources = _code_sources(run, before)
        row = None
        for coding in coded:
            row = row or self._table.find(coding["code"], coding.get("system"))
        if row is None:
            return made if self.is_copied else self._unknown(run, "", pointer, sources)
        if self._type == "Coding":
            del run.lineage[before:]
            made, leaves = self._coding(row, "")
            run.lineage += pointer, leaves, sources
            return made
        _shift(run, before, f"{pointer}/coding/")
        first, leaves = self._coding(row, "/coding/0")
        run.lineage += pointer, leaves, sources
        made["coding"] = [first, *codings]
        return made


def _code_sources(run: Run, before: int) -> Sources:
    for pointer, _, sources in single(run.lineage, before):
        if pointer.endswith("/code"):
            return sources
    return ()


def _shift(run: Run, before: int, prefix: str) -> None:
    """Move the lineage of the original codings one index up."""
    moved: list[tuple[str, Leaf, Sources]] = []
    for pointer, leaf, sources in single(run.lineage, before):
        if pointer.startswith(prefix):
            index, _, rest = pointer[len(prefix) :].partition("/")
            moved.append((f"{prefix}{int(index) + 1}/{rest}", leaf, sources))
        else:
            moved.append((pointer, leaf, sources))
    rewrite(run.lineage, before, moved)


def unlogged(coded: Coded, source: Source) -> Source:
    """Use a translation where nothing is written: its places are kept, its lineage row is not."""

    def write(code: Code, here: Here, keep: Callable[[str, str], None]) -> None:
        def translate(text: str, places: str) -> None:
            value, spots = code.fresh("v"), code.fresh("q")
            find = code.bind(coded.unlogged, "unlogged")
            code.put(f"{value}, {spots} = {find}(run, {text}, {places})")
            with code.block(f"if {value} is not None:"):
                keep(value, spots)

        source(code, here, converted(code, coded.convert, translate))

    return write


def compile_codes(
    node: Table, element: Element, convert: Convert | None, scope: Scope, target: str
) -> Coded | None:
    """Compile ``codes:`` and ``otherwise:`` of a rule; None after a noted problem."""
    named = node.entries["codes"]
    mark = node.mark_of("codes")
    if isinstance(named, Table):
        table: CodeTable | None = from_pairs(f"codes of {node.mark.rule}", named)
    else:
        name = named.text if isinstance(named, Scalar) else ""
        table = scope.tables.get(name)
        if table is None:
            scope.problems.add(mark, "GW-3024", near=(name, scope.tables), table=name)
            return None
    assert table is not None  # noqa: S101 - both branches gave one
    if element.type not in STRINGS and element.type not in ("Coding", "CodeableConcept"):
        scope.problems.add(mark, "GW-3027", what="codes", element=target, type=element.type)
        return None
    if element.type not in STRINGS and not table.has_systems:
        scope.problems.add(
            mark,
            "GW-3025",
            table=table.name,
            reason=f"a {element.type} needs the column system in every row",
        )
    coded = Coded(table, element, convert, scope.spot(node.mark, target))
    _compile_otherwise(coded, node, element, scope, target)
    return coded


def _compile_otherwise(
    coded: Coded, node: Table, element: Element, scope: Scope, target: str
) -> None:
    other = node.get("otherwise")
    if other is None:
        return
    if isinstance(other, Scalar) and other.text == _COPY:
        coded.is_copied = True
    elif isinstance(other, Scalar) and other.text == _ABSENT:
        coded.is_left_out = True
    elif isinstance(other, Scalar) and element.type in STRINGS:
        constant = compile_constant(other, element, scope, target)
        coded.otherwise = _constant_text(constant) if constant else None
    elif isinstance(other, Table) and element.type not in STRINGS:
        coded.otherwise = _constant_coding(other, element, scope, target)
    else:
        scope.problems.add(
            node.mark_of("otherwise"),
            "GW-3012",
            word="otherwise",
            expected="copy, absent, a constant, or {system, code, display}",
        )


def _constant_text(constant: Constant) -> Otherwise:
    def value(run: Run, pointer: str, sources: Sources, row: str) -> Any:
        run.lineage += pointer, (Leaf("", "default", constant.rule, row),), sources
        return constant.of(run)

    return value


def _constant_coding(other: Table, element: Element, scope: Scope, target: str) -> Otherwise:
    """Compile ``otherwise: {system: …, code: …, display: …, text: …}`` for a coding or concept."""
    known = {"system", "code", "display"} | (
        {"text"} if element.type == "CodeableConcept" else set()
    )
    for word in other.entries:
        if word not in known:
            scope.problems.add(other.mark_of(word), "GW-3011", near=(word, known), word=word)
    coding = {word: other.text(word) for word in ("system", "code", "display") if word in other}
    text = other.text("text")
    rule = scope.spot(other.mark, target).rule
    inner = "" if element.type == "Coding" else "/coding/0"
    names = [f"{inner}/{name}" for name in coding]
    names += ["/text"] if text and element.type != "Coding" else []

    def value(run: Run, pointer: str, sources: Sources, row: str) -> dict[str, Any]:
        run.lineage += pointer, tuple(Leaf(name, "default", rule, row) for name in names), sources
        if element.type == "Coding":
            return dict(coding)
        made: dict[str, Any] = {"coding": [dict(coding)]} if coding else {}
        if text:
            made["text"] = text
        return made

    return value
