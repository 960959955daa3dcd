"""``codes: table``: translate a code, keep the original coding beside it, never guess."""

from collections.abc import Callable
from typing import Any

from gateway.mapping.code import Code, Here
from gateway.mapping.constants import Constant, compile_constant
from gateway.mapping.nodes import Scalar, Table
from gateway.mapping.run import Convert, Read, Run, Spot
from gateway.mapping.scope import Scope
from gateway.mapping.shapes import STRINGS, Element
from gateway.mapping.tables import CodeTable, Row, from_pairs
from gateway.mapping.texts import converted, place_of
from gateway.mapping.writers import Keep, One, Source
from gateway.records import Lineage, Place

_COPY, _ABSENT = "copy", "absent"
Places = tuple[Place, ...]
Otherwise = Callable[[Run, str, Places, str], Any]
"""Gives what stands for a code without a row: (run, pointer, places, the row's name)."""


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
                find = code.bind(self.translated, "translated")
                code.put(f"{value} = {find}(run, {text}, {here.path}, {places})")
                with code.block(f"if {value} is not None:"):
                    keep(value)

            source(code, here, converted(code, self.convert, translate))

        return write

    def translated(self, run: Run, text: str, pointer: str, places: Places) -> Any:
        """Translate a text."""
        row = self._table.find(text)
        if row is None:
            return self._unknown(run, text, pointer, places)
        return self._write(run, row, text, pointer, places)

    def unlogged(self, run: Run, text: str, places: Places) -> Read | tuple[None, Places]:
        """Translate without lineage, but give the places that it would name."""
        lineage = run.lineage
        before = len(lineage)
        value = self.translated(run, text, "", places)
        spots = lineage[before].sources if len(lineage) > before else ()
        del lineage[before:]
        return value, spots

    def _unknown(self, run: Run, text: str, pointer: str, places: Places) -> Any:
        rule = self._spot.rule
        if self.is_left_out:
            run.warn("GW-3207", self._spot, place_of(places), table=self._table.name)
            return None
        if self.is_copied:
            if self._type in STRINGS:
                run.lineage.append(Lineage(pointer, "copied", places, rule, None))
                return text
            inner = pointer if self._type == "Coding" else f"{pointer}/coding/0"
            run.lineage.append(Lineage(f"{inner}/code", "copied", places, rule, None))
            return {"code": text} if self._type == "Coding" else {"coding": [{"code": text}]}
        if self.otherwise is not None:
            return self.otherwise(run, pointer, places, f"{self._table.name}:otherwise")
        raise run.refusal("GW-3102", self._spot, place_of(places), table=self._table.name)

    def _write(self, run: Run, row: Row, text: str, pointer: str, places: Places) -> Any:
        rule = self._spot.rule
        if self._type in STRINGS:
            run.lineage.append(Lineage(pointer, "translated", places, rule, row.spot))
            return row.target
        if self._type == "Coding":
            return self._coding(run, row, pointer, places)
        codings = [self._coding(run, row, f"{pointer}/coding/0", places)]
        if (row.source_system, text) != (row.system, row.target):
            original = {"system": row.source_system, "code": text}
            if row.source_system:
                run.lineage.append(
                    Lineage(f"{pointer}/coding/1/system", "translated", places, rule, row.spot)
                )
            run.lineage.append(Lineage(f"{pointer}/coding/1/code", "copied", places, rule, None))
            codings.append({name: part for name, part in original.items() if part})
        return {"coding": codings}

    def _coding(self, run: Run, row: Row, pointer: str, places: Places) -> dict[str, Any]:
        coding = {"system": row.system, "code": row.target, "display": row.display}
        made = {name: text for name, text in coding.items() if text}
        rule = self._spot.rule
        for name in made:
            run.lineage.append(Lineage(f"{pointer}/{name}", "translated", places, rule, row.spot))
        return made

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
        places = _places(run, before)
        row = None
        for coding in coded:
            row = row or self._table.find(coding["code"], coding.get("system"))
        if row is None:
            return made if self.is_copied else self._unknown(run, "", pointer, places)
        if self._type == "Coding":
            del run.lineage[before:]
            return self._coding(run, row, pointer, places)
        _shift(run, before, f"{pointer}/coding/")
        made["coding"] = [self._coding(run, row, f"{pointer}/coding/0", places), *codings]
        return made


def _places(run: Run, before: int) -> Places:
    for row in run.lineage[before:]:
        if row.pointer.endswith("/code"):
            return row.sources
    return ()


def _shift(run: Run, before: int, prefix: str) -> None:
    """Move the lineage of the original codings one index up."""
    for no in range(before, len(run.lineage)):
        row = run.lineage[no]
        if row.pointer.startswith(prefix):
            index, _, rest = row.pointer[len(prefix) :].partition("/")
            pointer = f"{prefix}{int(index) + 1}/{rest}"
            run.lineage[no] = Lineage(pointer, row.kind, row.sources, row.rule, row.code_row)


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
    def value(run: Run, pointer: str, places: Places, row: str) -> Any:
        run.lineage.append(Lineage(pointer, "default", places, constant.rule, row))
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

    def value(run: Run, pointer: str, places: Places, row: str) -> dict[str, Any]:
        inner = pointer if element.type == "Coding" else f"{pointer}/coding/0"
        for name in coding:
            run.lineage.append(Lineage(f"{inner}/{name}", "default", places, rule, row))
        if element.type == "Coding":
            return dict(coding)
        made: dict[str, Any] = {"coding": [dict(coding)]} if coding else {}
        if text:
            run.lineage.append(Lineage(f"{pointer}/text", "default", places, rule, row))
            made["text"] = text
        return made

    return value
