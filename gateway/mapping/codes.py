"""``codes: table``: translate a code, keep the original coding beside it, never guess."""

from collections.abc import Callable
from typing import Any

from gateway.mapping.constants import compile_constant
from gateway.mapping.nodes import Scalar, Table
from gateway.mapping.run import Convert, Frame, One, Run, Spot
from gateway.mapping.scope import Scope
from gateway.mapping.shapes import STRINGS, Element
from gateway.mapping.tables import CodeTable, Row, from_pairs
from gateway.mapping.texts import Source, place_of
from gateway.records import Place

_COPY, _ABSENT = "copy", "absent"
_Write = Callable[[Run, Row, str, str, tuple[Place, ...]], Any]


class Coded:
    """A compiled translation: of a text that was read, or after a datatype map."""

    def __init__(
        self, table: CodeTable, element: Element, convert: Convert | None, spot: Spot
    ) -> None:
        self._table = table
        self._type = element.type
        self._convert = convert
        self._spot = spot
        self.otherwise: One | None = None
        self.is_copied = False
        self.is_left_out = False

    def of(self, source: Source) -> One:
        """Translate the text of a source."""
        convert, table = self._convert, self._table

        def value(frame: Frame, pointer: str) -> Any:
            read = source(frame)
            if read is None:
                return None
            text, places = read
            run = frame.run
            if convert is not None:
                text = convert(text, run, place_of(places))
                if text is None:
                    return None
            row = table.find(text)
            if row is None:
                return self._unknown(frame, text, pointer, places)
            return self._write(run, row, text, pointer, places)

        return value

    def _unknown(self, frame: Frame, text: str, pointer: str, places: tuple[Place, ...]) -> Any:
        run, rule = frame.run, self._spot.rule
        if self.is_left_out:
            run.warn("GW-3207", self._spot, place_of(places), table=self._table.name)
            return None
        if self.is_copied:
            if self._type in STRINGS:
                run.lineage.append((pointer, "copied", places, rule, None))
                return text
            inner = pointer if self._type == "Coding" else f"{pointer}/coding/0"
            run.lineage.append((f"{inner}/code", "copied", places, rule, None))
            return {"code": text} if self._type == "Coding" else {"coding": [{"code": text}]}
        if self.otherwise is not None:
            before = len(run.lineage)
            found = self.otherwise(frame, pointer)
            for no in range(before, len(run.lineage)):
                path, kind, spots, own, _ = run.lineage[no]
                run.lineage[no] = (
                    path,
                    kind,
                    spots or places,
                    own,
                    f"{self._table.name}:otherwise",
                )
            return found
        raise run.refusal("GW-3102", self._spot, place_of(places), table=self._table.name)

    def _write(self, run: Run, row: Row, text: str, pointer: str, places: tuple[Place, ...]) -> Any:
        rule = self._spot.rule
        if self._type in STRINGS:
            run.lineage.append((pointer, "translated", places, rule, row.spot))
            return row.target
        if self._type == "Coding":
            return self._coding(run, row, pointer, places)
        codings = [self._coding(run, row, f"{pointer}/coding/0", places)]
        if (row.source_system, text) != (row.system, row.target):
            original = {"system": row.source_system, "code": text}
            if row.source_system:
                run.lineage.append(
                    (f"{pointer}/coding/1/system", "translated", places, rule, row.spot)
                )
            run.lineage.append((f"{pointer}/coding/1/code", "copied", places, rule, None))
            codings.append({name: part for name, part in original.items() if part})
        return {"coding": codings}

    def _coding(
        self, run: Run, row: Row, pointer: str, places: tuple[Place, ...]
    ) -> dict[str, Any]:
        coding = {"system": row.system, "code": row.target, "display": row.display}
        made = {name: text for name, text in coding.items() if text}
        for name in made:
            run.lineage.append(
                (f"{pointer}/{name}", "translated", places, self._spot.rule, row.spot)
            )
        return made

    def after(self, one: One) -> One:
        """Translate the first coding that a datatype map gave, the originals after it."""

        def value(frame: Frame, pointer: str) -> Any:
            run = frame.run
            before = len(run.lineage)
            made = one(frame, pointer)
            if made is None:
                return None
            codings = [made] if self._type == "Coding" else made.get("coding", [])
            coded = [coding for coding in codings if "code" in coding]
            if not coded:
                return made
            places = _places(run, before)
            row = None
            for coding in coded:
                row = row or self._table.find(coding["code"], coding.get("system"))
            if row is None:
                return made if self.is_copied else self._unknown(frame, "", pointer, places)
            if self._type == "Coding":
                del run.lineage[before:]
                return self._coding(run, row, pointer, places)
            _shift(run, before, f"{pointer}/coding/")
            made["coding"] = [self._coding(run, row, f"{pointer}/coding/0", places), *codings]
            return made

        return value


def _places(run: Run, before: int) -> tuple[Place, ...]:
    for pointer, _, places, _, _ in run.lineage[before:]:
        if pointer.endswith("/code"):
            return places
    return ()


def _shift(run: Run, before: int, prefix: str) -> None:
    """Move the lineage of the original codings one index up."""
    for no in range(before, len(run.lineage)):
        pointer, kind, places, rule, row = run.lineage[no]
        if pointer.startswith(prefix):
            index, _, rest = pointer[len(prefix) :].partition("/")
            run.lineage[no] = (f"{prefix}{int(index) + 1}/{rest}", kind, places, rule, row)


def unlogged(one: Callable[[Frame, str], str | None]) -> Source:
    """Use a translation where nothing is written: its places are kept, its lineage row is not."""

    def source(frame: Frame) -> tuple[str, tuple[Place, ...]] | None:
        lineage = frame.run.lineage
        before = len(lineage)
        value = one(frame, "")
        places = lineage[before][2] if len(lineage) > before else ()
        del lineage[before:]
        return None if value is None else (value, places)

    return source


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
        coded.otherwise = compile_constant(other, element, scope, target, "default")
    elif isinstance(other, Table) and element.type not in STRINGS:
        coded.otherwise = _constant_coding(other, element, scope, target)
    else:
        scope.problems.add(
            node.mark_of("otherwise"),
            "GW-3012",
            word="otherwise",
            expected="copy, absent, a constant, or {system, code, display}",
        )


def _constant_coding(other: Table, element: Element, scope: Scope, target: str) -> One | None:
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

    def value(frame: Frame, pointer: str) -> dict[str, Any]:
        inner = pointer if element.type == "Coding" else f"{pointer}/coding/0"
        for name in coding:
            frame.run.lineage.append((f"{inner}/{name}", "default", (), rule, None))
        if element.type == "Coding":
            return dict(coding)
        made: dict[str, Any] = {"coding": [dict(coding)]} if coding else {}
        if text:
            frame.run.lineage.append((f"{pointer}/text", "default", (), rule, None))
            made["text"] = text
        return made

    return value
