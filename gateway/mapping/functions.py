"""The closed list of value functions: text of the source → value of an element.

A function of text may be followed by others (``as: [{split: …}, upper]``); one that makes a date,
a number or an object stands last. ``inverse`` names what the way back does, or ``none``.
"""

import base64
import hashlib
import html
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from stdnum.cn import ric
from stdnum.cn import uscc as credit_code

from gateway.mapping import moments
from gateway.mapping.nodes import Node, Scalar, Sequence, Table
from gateway.mapping.run import Convert, Run, Spot
from gateway.mapping.shapes import STRINGS
from gateway.records import LineageKind, Place


class ArgumentError(ValueError):
    """An argument that a function cannot take; the text is the reason."""


Make = Callable[[Node | None, Spot], Convert]


@dataclass(frozen=True, slots=True)
class Function:
    """One value function; ``fits`` are the element types of its result, None: it gives text."""

    name: str
    make: Make
    fits: frozenset[str] | None
    kind: LineageKind
    inverse: str
    text: str
    argument: str = ""


_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?\Z")
_COMPARED = re.compile(r"\s*(<=|>=|<|>|≤|≥|≦|≧|＜|＞)?\s*([+-]?(?:\d+(?:\.\d+)?|\.\d+))\s*(\D.*)?\Z", re.DOTALL)
_BETWEEN = re.compile(
    r"\s*([+-]?\d+(?:\.\d+)?)\s*(?:-|--|~|～|—|－|–|至|to)\s*([+-]?\d+(?:\.\d+)?)\s*\Z"
)
_COMPARATORS = {"≤": "<=", "≦": "<=", "≥": ">=", "≧": ">=", "＜": "<", "＞": ">"}


def number(text: str) -> Decimal | None:
    """Read a decimal with its scale (``72.50`` stays ``72.50``, thousands commas dropped); None when it is none."""
    bare = text.replace(",", "") if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", text) else text
    if not _NUMBER.match(bare) or len(bare) > 64:
        return None
    return Decimal(bare)


def compared(text: str) -> tuple[str | None, Decimal, str | None] | None:
    """Split ``≤23.0 U/L`` into comparator, value and unit; None when it holds no number."""
    found = _COMPARED.match(text)
    if found is None:
        return None
    sign, value, unit = found.groups()
    return _COMPARATORS.get(sign, sign), Decimal(value), unit.strip() if unit else None


def _none(argument: Node | None) -> None:
    if argument is not None:
        raise ArgumentError("takes none")


def _word(argument: Node | None) -> str:
    if not isinstance(argument, Scalar) or argument.is_null:
        raise ArgumentError("a text is needed")
    return argument.text


def _texts(argument: Node | None) -> list[str]:
    if isinstance(argument, Scalar) and not argument.is_null:
        return [argument.text]
    if isinstance(argument, Sequence):
        return [_word(item) for item in argument.items]
    raise ArgumentError("a text or a list of texts is needed")


def _pure(function: Callable[[str], Any]) -> Make:
    """Make a function that takes no argument and never refuses (None: absent)."""

    def make(argument: Node | None, spot: Spot) -> Convert:
        del spot
        _none(argument)
        return lambda text, run, place: function(text)

    return make


def _strict(name: str, function: Callable[[str], Any]) -> Make:
    """Make a function that refuses the record where it gives None."""

    def make(argument: Node | None, spot: Spot) -> Convert:
        _none(argument)

        def convert(text: str, run: Run, place: Place) -> Any:
            value = function(text)
            if value is None:
                raise run.refusal("GW-3103", spot, place, function=name)
            return value

        return convert

    return make


def _moment(name: str) -> Make:
    def make(argument: Node | None, spot: Spot) -> Convert:
        _none(argument)
        return moments.MAKERS[name](spot)

    return make


def _checked(name: str, is_valid: Callable[[str], bool]) -> Make:
    """Make a checksum test: a warning, or a refusal when the channel option ``checks`` says error."""

    def make(argument: Node | None, spot: Spot) -> Convert:
        _none(argument)

        def convert(text: str, run: Run, place: Place) -> str:
            value = text.upper()
            if not is_valid(value):
                if run.options.get("checks") == "error":
                    raise run.refusal("GW-3106", spot, place, function=name)
                run.warn("GW-3202", spot, place, function=name)
            return value

        return convert

    return make


def _is_id_card(text: str) -> bool:
    # Only the check digit counts: stdnum's list of counties leaves out some that existed.
    return bool(re.fullmatch(r"\d{17}[\dX]", text)) and ric.calc_check_digit(text) == text[-1]


def _make_split(argument: Node | None, spot: Spot) -> Convert:
    del spot
    by = argument.text("by") if isinstance(argument, Table) else None
    part = argument.text("part") if isinstance(argument, Table) else None
    if not by or not part or not re.fullmatch(r"-?[1-9]\d*", part):
        raise ArgumentError("{by: text, part: number} is needed")
    index = int(part) - 1 if int(part) > 0 else int(part)

    def convert(text: str, run: Run, place: Place) -> str | None:
        parts = text.split(by)
        if -len(parts) <= index < len(parts):
            return parts[index].strip() or None
        return None

    return convert


def _make_prefix(argument: Node | None, spot: Spot) -> Convert:
    del spot
    start = _word(argument)
    return lambda text, run, place: start + text


def _make_absent(argument: Node | None, spot: Spot) -> Convert:
    del spot
    texts = frozenset(_texts(argument))
    return lambda text, run, place: None if text in texts else text


def _make_boolean(argument: Node | None, spot: Spot) -> Convert:
    table: dict[str, bool] = {"true": True, "false": False}
    if isinstance(argument, Table):
        if set(argument.entries) - {"true", "false"}:
            raise ArgumentError("only true and false may be listed")
        table = {text: word == "true" for word in argument.entries for text in _texts(argument.get(word))}
    elif argument is not None:
        raise ArgumentError("{true: [texts], false: [texts]} is needed")

    def convert(text: str, run: Run, place: Place) -> bool:
        if text not in table:
            raise run.refusal("GW-3103", spot, place, function="boolean")
        return table[text]

    return convert


def _make_money(argument: Node | None, spot: Spot) -> Convert:
    currency = _word(argument)

    def convert(text: str, run: Run, place: Place) -> dict[str, Any]:
        value = number(text)
        if value is None:
            raise run.refusal("GW-3103", spot, place, function="money")
        return {"value": value, "currency": currency}

    return convert


def _integer(text: str) -> int | None:
    value = number(text)
    return int(value) if value is not None and value == value.to_integral_value() else None


def _quantity(text: str) -> dict[str, Any] | None:
    found = compared(text)
    if found is None:
        return None
    comparator, value, unit = found
    made: dict[str, Any] = {"value": value}
    if comparator:
        made["comparator"] = comparator
    if unit:
        made["unit"] = unit
    return made


def reference_range(text: str) -> dict[str, Any]:
    """Read a reference range: ``9-50``, ``≤23.0``; whatever it says stays as text."""
    between = _BETWEEN.match(text)
    if between:
        low, high = Decimal(between[1]), Decimal(between[2])
        return {"low": {"value": low}, "high": {"value": high}, "text": text}
    found = compared(text)
    if found and found[0] in ("<=", ">=") and not found[2]:
        return {"high" if found[0] == "<=" else "low": {"value": found[1]}, "text": text}
    return {"text": text}


def _narrative(text: str) -> dict[str, str]:
    lines = "<br/>".join(html.escape(line, quote=False) for line in text.splitlines())
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{lines}</div>'}


def _comparator(text: str) -> str | None:
    found = compared(text)
    return found[0] if found else None


def _magnitude(text: str) -> Decimal | None:
    found = compared(text)
    return found[1] if found else None


def _uuid(text: str) -> str | None:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None


def _urn(text: str) -> str | None:
    if re.fullmatch(r"[0-2](\.(0|[1-9]\d*))+", text):
        return f"urn:oid:{text}"
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", text):
        return text
    made = _uuid(text)
    return f"urn:uuid:{made}" if made else None


def _make_coding_system(argument: Node | None, spot: Spot) -> Convert:
    _none(argument)

    def convert(text: str, run: Run, place: Place) -> str | None:
        known = run.systems.get(text) or (_urn(text) if text[:2] in ("1.", "2.", "0.") else None)
        if known is None:
            run.warn("GW-3203", spot, place, name=text)
        return known

    return convert


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _fits(*types: str) -> frozenset[str]:
    return frozenset(types)


_INTEGERS = ("integer", "positiveInt", "unsignedInt")
_QUANTITIES = _fits("Quantity", "Age", "Duration", "Count", "Distance", "SimpleQuantity")
_LIST = (
    Function("string", _pure(lambda t: t), None, "copied", "itself", "the text as it stands"),
    Function("upper", _pure(str.upper), None, "derived", "none", "capital letters"),
    Function("lower", _pure(str.lower), None, "derived", "none", "small letters"),
    Function("split", _make_split, None, "derived", "none", "one part of a text, counted from 1 (from the end with -1)", "{by: text, part: number}"),
    Function("prefix", _make_prefix, None, "derived", "strips it", "puts a constant in front", "text"),
    Function("absent", _make_absent, None, "copied", "itself", "placeholders that mean nothing here", "text or list"),
    Function("id-card", _checked("id-card", _is_id_card), None, "copied", "itself", "Chinese ID card (GB 11643): a wrong check digit warns, or refuses with the channel option checks: error"),
    Function("uscc", _checked("uscc", credit_code.is_valid), None, "copied", "itself", "unified social credit code (GB 32100), checked likewise"),
    Function("base64", _pure(_base64), None, "derived", "decodes it", "the text as base64 (UTF-8), for Attachment.data"),
    Function("md5", _pure(_md5), None, "derived", "none", "MD5 of the text, hexadecimal"),
    Function("uuid", _strict("uuid", _uuid), None, "derived", "itself", "a UUID in its lower-case form"),
    Function("urn", _strict("urn", _urn), None, "derived", "strips it", "an OID as urn:oid:…, a UUID as urn:uuid:…, a URI as it is"),
    Function("coding-system", _make_coding_system, None, "translated", "by systems", "the URL of a coding system's name or OID, from systems and the well-known ones; an unknown name warns and gives none"),
    Function("comparator", _pure(_comparator), None, "derived", "none", "the comparator of a result (≤23.0 → <=); absent when there is none"),
    Function("date", _moment("date"), _fits("date", "dateTime"), "copied", "yyyyMMdd", "date of 4, 6, 8 or more digits, yyyy-MM-dd, yyyy年M月d日; keeps its precision"),
    Function("dateTime", _moment("dateTime"), _fits("dateTime"), "copied", "yyyyMMddHHmmss+zzzz", "date or time of 4 to 14 digits, with fraction and offset, also yyyy-MM-dd HH:mm:ss; a local time gets the zone"),
    Function("instant", _moment("instant"), _fits("instant", "dateTime"), "copied", "yyyyMMddHHmmss+zzzz", "time to the second; left out with a warning when seconds or zone are missing"),
    Function("time", _moment("time"), _fits("time"), "copied", "HHmmss", "time of day"),
    Function("decimal", _strict("decimal", number), _fits("decimal"), "copied", "itself", "number, its scale kept"),
    Function("integer", _strict("integer", _integer), _fits(*_INTEGERS), "copied", "itself", "whole number"),
    Function("magnitude", _strict("magnitude", _magnitude), _fits("decimal"), "copied", "itself", "the number of a result, without comparator and unit (<0.5 → 0.5)"),
    Function("boolean", _make_boolean, _fits("boolean"), "copied", "first text listed", "true or false by the texts listed", "{true: [texts], false: [texts]}"),
    Function("quantity", _strict("quantity", _quantity), _QUANTITIES, "copied", "comparator and value", "comparator, value and unit of one text (<0.5 mg/L)"),
    Function("range", _pure(reference_range), _fits("Observation.referenceRange"), "copied", "its text", "reference range (9-50, ≤23.0, anything else as text)"),
    Function("money", _make_money, _fits("Money"), "copied", "its value", "amount in a currency, exact", "currency (CNY)"),
    Function("concept", _pure(lambda t: {"text": t}), _fits("CodeableConcept"), "copied", "its text", "free text as CodeableConcept.text"),
    Function("narrative", _pure(_narrative), _fits("Narrative"), "derived", "none", "text as escaped XHTML, lines kept"),
)  # fmt: skip
FUNCTIONS: Mapping[str, Function] = {function.name: function for function in _LIST}

DEFAULTS: Mapping[str, str] = {
    **dict.fromkeys(STRINGS, "string"),
    **dict.fromkeys(_INTEGERS, "integer"),
    **{name: name for name in ("date", "dateTime", "instant", "time", "decimal", "boolean")},
}
