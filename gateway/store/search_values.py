"""What one value of a criterion asks of the rows of an index table."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Table, and_, or_, true
from sqlalchemy.sql import FromClause

from gateway.fhir.search_model import (
    CodesValue,
    CompositeValue,
    Criterion,
    DateValue,
    NearValue,
    NumberValue,
    Prefix,
    ReferenceValue,
    TermsValue,
    TextValue,
    TokenValue,
    Value,
)
from gateway.fhir.search_unions import codes_of, components_of
from gateway.fhir.search_values import fold
from gateway.fhir.systems import UCUM
from gateway.store.flatten import CANONICAL, IDENTIFIER, TEXT, canonical
from gateway.store.keys import LONGEST, bounded, parameter_number, space_number, text_number
from gateway.store.schema import (
    date_index,
    exact_index,
    number_index,
    string_index,
)
from gateway.store.search_special import any_code, begins, near
from gateway.store.texts import text_terms

Where = Callable[[FromClause], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Asked:
    """Rows of one table: of these parameters, fulfilling ``where``.

    ``is_exact``: value and space are both fixed, so the rows come in the order of their keys.
    ``together``: the other components of a composite, in the same element. ``terms`` are asked of
    running texts instead of ``where``: each with whether it is only the beginning of one.
    ``order``: the columns by which an index gives the rows, before their keys; None for none.
    """

    table: Table
    params: tuple[int, ...]
    where: Where
    is_exact: bool = False
    together: tuple["Asked", ...] = ()
    terms: tuple[tuple[str, bool], ...] = ()
    order: tuple[str, ...] | None = None


def asked(criterion: Criterion, now_us: int) -> list[Asked]:
    """Give what is asked, values of the same table joined by OR."""
    codes = codes_of(criterion.types, criterion.code)
    if codes != (criterion.code,):
        several = (asked(replace(criterion, code=code), now_us) for code in codes)
        return [one for found in several for one in found]
    if criterion.is_missing is not None:
        return _any_row(criterion)
    if criterion.kind == "composite":
        return [_composite(criterion, value, now_us) for value in criterion.values]
    if len(criterion.values) == 1:
        return [_asked(criterion, criterion.values[0], now_us)]
    parts = [_asked(criterion, value, now_us) for value in criterion.values]
    alike: dict[tuple[str, tuple[int, ...]], list[Asked]] = {}
    apart: list[Asked] = []
    for part in parts:
        if part.together or part.terms:
            apart.append(part)
        else:
            alike.setdefault((part.table.name, part.params), []).append(part)
    return [*(_either(several) for several in alike.values()), *apart]


def _either(several: list[Asked]) -> Asked:
    if len(several) == 1:
        return several[0]
    wheres = [one.where for one in several]
    return Asked(several[0].table, several[0].params, lambda i: or_(*(w(i) for w in wheres)))


def _params(criterion: Criterion, suffix: str = "") -> tuple[int, ...]:
    return tuple(parameter_number(f"{t}.{criterion.code}{suffix}") for t in criterion.types)


def _any_row(criterion: Criterion) -> list[Asked]:
    def any_(_: FromClause) -> ColumnElement[bool]:
        return true()

    if criterion.kind == "composite":
        codes = components_of(criterion.types, criterion.code, len(criterion.components))
        there = [
            Asked(_TABLES[kind], _params(replace(criterion, code=code)), any_)
            for kind, code in zip(criterion.components, codes, strict=True)
        ]
        return [replace(there[0], together=tuple(there[1:]))]
    if criterion.code in _RUNNING_TEXT:
        return [Asked(text_terms, _text_params(criterion), any_)]
    found = [Asked(_TABLES[criterion.kind], _params(criterion), any_)]
    if criterion.kind == "token":
        found.append(Asked(string_index, _params(criterion, TEXT), any_))
    return found


def _composite(criterion: Criterion, value: Value, now_us: int) -> Asked:
    if not isinstance(value, CompositeValue):
        raise TypeError("a composite criterion holds composite values")
    parts = []
    codes = components_of(criterion.types, criterion.code, len(criterion.components))
    for code, kind, part in zip(codes, criterion.components, value.parts, strict=True):
        inner = Criterion(criterion.types, code, kind, (part,))
        parts.append(_asked(inner, part, now_us))
    first = parts[0]
    return Asked(first.table, first.params, first.where, together=tuple(parts[1:]))


def _asked(criterion: Criterion, value: Value, now_us: int) -> Asked:
    if isinstance(value, TokenValue):
        suffix = _SUFFIXES.get(criterion.modifier or "", "")
        is_exact = value.system is not None and value.code is not None
        # One code is of one system nearly always: its rows come in order of the key then.
        by_space = ("space",) if value.code is not None else None
        return Asked(
            exact_index, _params(criterion, suffix), _token(value), is_exact, order=by_space
        )
    if isinstance(value, DateValue):
        order = _ORDER.get(value.prefix)
        return Asked(date_index, _params(criterion), _date(value, now_us), order=order)
    if isinstance(value, NumberValue):
        return _quantity(criterion, value)
    if isinstance(value, ReferenceValue):
        is_exact = value.text is not None or None not in (value.id, value.type)
        return Asked(exact_index, _params(criterion), _reference(value), is_exact, order=("space",))
    if isinstance(value, TextValue):
        return _text(criterion, value)
    if isinstance(value, CodesValue):
        return Asked(exact_index, _params(criterion), any_code(value))
    if isinstance(value, NearValue):
        return Asked(number_index, _params(criterion), near(value))
    if isinstance(value, TermsValue):
        return _terms(criterion, value)
    raise TypeError("a composite stands in a composite")


def _terms(criterion: Criterion, value: TermsValue) -> Asked:
    return Asked(text_terms, _text_params(criterion), lambda _: true(), terms=value.terms)


def _text_params(criterion: Criterion) -> tuple[int, ...]:
    """Give the texts to look into: the whole content has the narrative in it."""
    codes = ("_text",) if criterion.code == "_text" else ("_content", "_text")
    return tuple(parameter_number(f"{t}.{code}") for t in criterion.types for code in codes)


def _quantity(criterion: Criterion, value: NumberValue) -> Asked:
    """Compare in the base units of UCUM where both have some, else as it was written."""
    if value.system == UCUM and value.unit is not None:
        same = canonical((value.number, value.low, value.high), value.unit)
        if same is not None:
            (number, low, high), unit = same
            bounds = _number_bounds(value.prefix, number, low, high)
            return Asked(
                number_index,
                _params(criterion, CANONICAL),
                lambda i: and_(i.c.unit == unit, i.c.space == 0, bounds(i)),
                order=_ORDER.get(value.prefix),
            )
    # The index has the numbers in order within one unit of one system.
    is_fixed = criterion.kind == "number" or (value.unit is not None and value.system is not None)
    order = _ORDER.get(value.prefix) if is_fixed else None
    return Asked(number_index, _params(criterion), _number(criterion, value), order=order)


def _text(criterion: Criterion, value: TextValue) -> Asked:
    if criterion.kind == "uri":
        is_exact = criterion.modifier is None
        return Asked(
            exact_index, _params(criterion), _uri(value.text, criterion.modifier), is_exact
        )
    suffix = TEXT if criterion.kind == "token" else ""
    order = ("value", "exact") if criterion.modifier != "contains" else None
    where = _string(value.text, criterion.modifier)
    return Asked(string_index, _params(criterion, suffix), where, order=order)


# ---------------------------------------------------------------- by kind


def _token(value: TokenValue) -> Where:
    def where(i: FromClause) -> ColumnElement[bool]:
        conditions: list[ColumnElement[bool]] = []
        if value.code is not None:
            conditions.append(i.c.value == bounded(value.code))
        if value.system is not None:
            conditions.append(i.c.space == space_number(value.system))
        return and_(true(), *conditions)

    return where


def _reference(value: ReferenceValue) -> Where:
    def where(i: FromClause) -> ColumnElement[bool]:
        if value.text is not None:
            return and_(i.c.value == bounded(value.text), i.c.space == 0)
        of_type = i.c.space == space_number(value.type) if value.type else i.c.space != 0
        return of_type if value.id is None else and_(i.c.value == bounded(value.id), of_type)

    return where


def _uri(text: str, modifier: str | None) -> Where:
    def where(i: FromClause) -> ColumnElement[bool]:
        if modifier == "below":
            return and_(begins(i.c.value, text), i.c.space == 0)
        if modifier == "above":
            steps = [end for end, sign in enumerate(text) if sign == "/"]
            above = {text[:end] for end in steps} | {text[: end + 1] for end in steps} | {text}
            return and_(i.c.value.in_(sorted(bounded(one) for one in above)), i.c.space == 0)
        return and_(i.c.value == bounded(text), i.c.space == 0)

    return where


def _string(text: str, modifier: str | None) -> Where:
    folded = fold(text)

    def where(i: FromClause) -> ColumnElement[bool]:
        if modifier == "exact":
            return and_(i.c.value == bounded(folded), i.c.exact == text_number(text))
        # The index holds so much of a text; SQLite refuses patterns of any length besides.
        start = folded[:LONGEST]
        if modifier == "contains":
            return i.c.value.contains(start, autoescape=True)
        return begins(i.c.value, start)

    return where


def _date(value: DateValue, now_us: int) -> Where:
    low, high = value.low, value.high

    def where(i: FromClause) -> ColumnElement[bool]:
        match value.prefix:
            case "eq":
                return and_(i.c.low >= low, i.c.low <= high, i.c.high <= high)
            case "ne":
                return or_(i.c.low < low, i.c.high > high)
            case "gt":
                return i.c.high > high
            case "lt":
                return i.c.low < low
            case "ge":
                # The first part is implied by the second; it gives the index its range.
                return and_(i.c.high >= low, or_(i.c.high > high, i.c.low >= low))
            case "le":
                return and_(i.c.low <= high, or_(i.c.low < low, i.c.high <= high))
            case "sa":
                return i.c.low > high
            case "eb":
                return i.c.high < low
            case "ap":
                slack = min(abs(now_us - low), abs(now_us - high)) // 10
                return and_(i.c.low <= high + slack, i.c.high >= low - slack)

    return where


def _number(criterion: Criterion, value: NumberValue) -> Where:
    unit: list[Where] = []
    if criterion.kind == "number":
        unit.append(lambda i: and_(i.c.unit == "", i.c.space == 0))
    if value.unit is not None:
        wanted = bounded(value.unit)
        unit.append(lambda i: i.c.unit == wanted)
    if value.system is not None:
        space = space_number(value.system)
        unit.append(lambda i: i.c.space == space)
    bounds = _number_bounds(value.prefix, float(value.number), float(value.low), float(value.high))
    return lambda i: and_(bounds(i), *(one(i) for one in unit))


def _number_bounds(prefix: Prefix, exact: float, low: float, high: float) -> Where:
    def where(i: FromClause) -> ColumnElement[bool]:
        match prefix:
            case "eq":
                return and_(i.c.low >= low, i.c.low < high, i.c.high < high)
            case "ne":
                return or_(i.c.low < low, i.c.high >= high)
            case "gt":
                return i.c.high > exact
            case "lt":
                return i.c.low < exact
            case "ge":
                return i.c.high >= exact
            case "le":
                return i.c.low <= exact
            case "sa":
                return i.c.low > exact
            case "eb":
                return i.c.high < exact
            case "ap":
                slack = abs(exact) / 10
                return and_(i.c.low <= exact + slack, i.c.high >= exact - slack)

    return where


_TABLES: dict[str, Table] = {
    "token": exact_index,
    "uri": exact_index,
    "reference": exact_index,
    "string": string_index,
    "date": date_index,
    "number": number_index,
    "quantity": number_index,
    "special": number_index,
}
# The end of an interval that bounds what fulfils a prefix; "ne" is fulfilled on both sides.
_ORDER: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("eq", "lt", "le", "sa", "ap"), ("low", "high")),
    **dict.fromkeys(("gt", "ge", "eb"), ("high",)),
}
_SUFFIXES = {"identifier": IDENTIFIER, "of-type": ":of-type"}
_RUNNING_TEXT = frozenset({"_text", "_content"})
