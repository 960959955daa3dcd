"""How value functions convert a text; ``functions`` lists them by name.

A maker takes the argument that the author wrote (ArgumentError when it does not fit) and gives the
closure that runs for every record.
"""

import base64
import hashlib
import html
import re
import uuid
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from stdnum.cn import ric

from gateway.fhir.fhirpath.ucum import is_valid as is_ucum
from gateway.mapping import moments
from gateway.mapping.nodes import Node, Scalar, Sequence, Table
from gateway.mapping.run import Convert, Run, Spot
from gateway.mapping.tracing import Sources, place_of


class ArgumentError(ValueError):
    """An argument that a function cannot take; the text is the reason."""


Make = Callable[[Node | None, Spot], Convert]


_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?\Z")
_COMPARED = re.compile(
    r"\s*(<=|>=|<|>|≤|≥|≦|≧|＜|＞)?\s*([+-]?(?:\d+(?:\.\d+)?|\.\d+))\s*(\D.*)?\Z", re.DOTALL
)
_BETWEEN = re.compile(
    r"\s*([+-]?\d+(?:\.\d+)?)\s*(?:-|--|~|～|—|－|–|至|to)\s*([+-]?\d+(?:\.\d+)?)\s*\Z"
)
_COMPARATORS = {"≤": "<=", "≦": "<=", "≥": ">=", "≧": ">=", "＜": "<", "＞": ">"}


def number(text: str) -> Decimal | None:
    """Read a decimal with its scale, thousands commas dropped; None when it is none."""
    bare = text.replace(",", "") if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", text) else text
    if not _NUMBER.match(bare) or len(bare) > 64:
        return None
    return Decimal(bare)


@lru_cache(maxsize=1024)
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


def pure(function: Callable[[str], Any]) -> Make:
    """Make a function that takes no argument and never refuses (None: absent)."""

    def make(argument: Node | None, spot: Spot) -> Convert:
        del spot
        _none(argument)

        def convert(text: str, _run: Run, _sources: Sources) -> Any:
            return function(text)

        convert.of_text = function  # type: ignore[attr-defined]  # who needs no run asks this
        return convert

    return make


def strict(name: str, function: Callable[[str], Any]) -> Make:
    """Make a function that refuses the record where it gives None."""

    def make(argument: Node | None, spot: Spot) -> Convert:
        _none(argument)

        def convert(text: str, run: Run, sources: Sources) -> Any:
            value = function(text)
            if value is None:
                run.unreadable(spot, sources, name)
            return value

        convert.of_text = function  # type: ignore[attr-defined]  # refused only where it gives None
        return convert

    return make


def moment(name: str) -> Make:
    """Make one of the functions of dates and times."""

    def make(argument: Node | None, spot: Spot) -> Convert:
        _none(argument)
        return moments.MAKERS[name](spot)

    return make


def checked(name: str, is_valid: Callable[[str], bool]) -> Make:
    """Make a checksum test: it warns, or refuses with the channel option ``checks: error``."""

    def make(argument: Node | None, spot: Spot) -> Convert:
        _none(argument)

        def convert(text: str, run: Run, sources: Sources) -> str:
            value = text.upper()
            if not is_valid(value):
                if run.options.get("checks") == "error":
                    raise run.refusal("GW-3106", spot, place_of(sources), function=name)
                run.warn("GW-3202", spot, place_of(sources), function=name)
            return value

        return convert

    return make


def is_id_card(text: str) -> bool:
    """Say whether the check digit of an ID card is right (GB 11643)."""
    # Only the check digit counts: stdnum's list of counties leaves out some that existed.
    return bool(re.fullmatch(r"\d{17}[\dX]", text)) and ric.calc_check_digit(text) == text[-1]


def make_split(argument: Node | None, spot: Spot) -> Convert:
    """Make ``split``: one part of a text."""
    del spot
    by = argument.text("by") if isinstance(argument, Table) else None
    part = argument.text("part") if isinstance(argument, Table) else None
    if not by or not part or not re.fullmatch(r"-?[1-9]\d*", part):
        raise ArgumentError("{by: text, part: number} is needed")
    index = int(part) - 1 if int(part) > 0 else int(part)

    def convert(text: str, _run: Run, _sources: Sources) -> str | None:
        parts = text.split(by)
        if -len(parts) <= index < len(parts):
            return parts[index].strip() or None
        return None

    return convert


def make_prefix(argument: Node | None, spot: Spot) -> Convert:
    """Make ``prefix``."""
    del spot
    start = _word(argument)
    return lambda text, _run, _place: start + text


def make_absent(argument: Node | None, spot: Spot) -> Convert:
    """Make ``absent``: placeholders that mean nothing."""
    del spot
    texts = frozenset(_texts(argument))
    return lambda text, _run, _place: None if text in texts else text


def make_boolean(argument: Node | None, spot: Spot) -> Convert:
    """Make ``boolean`` from the texts listed."""
    table: dict[str, bool] = {"true": True, "false": False}
    if isinstance(argument, Table):
        if set(argument.entries) - {"true", "false"}:
            raise ArgumentError("only true and false may be listed")
        table = {
            text: word == "true" for word in argument.entries for text in _texts(argument.get(word))
        }
    elif argument is not None:
        raise ArgumentError("{true: [texts], false: [texts]} is needed")

    def convert(text: str, run: Run, sources: Sources) -> bool | None:
        if text not in table:
            run.unreadable(spot, sources, "boolean")
        return table.get(text)

    return convert


def make_money(argument: Node | None, spot: Spot) -> Convert:
    """Make ``money`` of a currency."""
    currency = _word(argument)

    def convert(text: str, run: Run, sources: Sources) -> dict[str, Any] | None:
        value = number(text)
        if value is None:
            run.unreadable(spot, sources, "money")
            return None
        return {"value": value, "currency": currency}

    return convert


def integer(text: str) -> int | None:
    """Read a whole number; None when it is none."""
    value = number(text)
    return int(value) if value is not None and value == value.to_integral_value() else None


def quantity(text: str) -> dict[str, Any] | None:
    """Read comparator, value and unit; None when there is no number."""
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
    made: dict[str, Any] = {name: {"value": value} for name, value in _limits(text)}
    made["text"] = text
    return made


@lru_cache(maxsize=1024)
def _limits(text: str) -> tuple[tuple[str, Decimal], ...]:
    """Read the limits of a reference range: the same stand in message after message."""
    between = _BETWEEN.match(text)
    if between:
        return ("low", Decimal(between[1])), ("high", Decimal(between[2]))
    found = compared(text)
    if found and found[0] in ("<=", ">=") and not found[2]:
        return (("high" if found[0] == "<=" else "low", found[1]),)
    return ()


def narrative(text: str) -> dict[str, str]:
    """Write text as an escaped XHTML narrative."""
    lines = "<br/>".join(html.escape(line, quote=False) for line in text.splitlines())
    return {
        "status": "generated",
        "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{lines}</div>',
    }


def comparator(text: str) -> str | None:
    """Give the comparator of a result or None."""
    found = compared(text)
    return found[0] if found else None


def magnitude(text: str) -> Decimal | None:
    """Give the number of a result or None."""
    found = compared(text)
    return found[1] if found else None


def uuid_text(text: str) -> str | None:
    """Write a UUID in lower case; None when it is none."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None


def urn(text: str) -> str | None:
    """Write an OID or UUID as a URN, a URI as it is; None for anything else."""
    if re.fullmatch(r"[0-2](\.(0|[1-9]\d*))+", text):
        return f"urn:oid:{text}"
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", text):
        return text
    made = uuid_text(text)
    return f"urn:uuid:{made}" if made else None


def make_urn(argument: Node | None, spot: Spot) -> Convert:
    """Make ``urn``; with the argument ``absent`` what is no URN is left out with a warning."""
    word = argument.text if isinstance(argument, Scalar) else None
    if argument is not None and word != "absent":
        raise ArgumentError("takes none, or absent")

    def convert(text: str, run: Run, sources: Sources) -> str | None:
        made = urn(text)
        if made is None and word is None:
            raise run.refusal("GW-3103", spot, place_of(sources), function="urn")
        if made is None:
            run.warn("GW-3215", spot, place_of(sources))
        return made

    return convert


_TABLE = re.compile(r"HL7(\d{4})")


def make_coding_system(argument: Node | None, spot: Spot) -> Convert:
    """Make ``coding-system``: the URL of a name or OID."""
    _none(argument)

    def convert(text: str, run: Run, sources: Sources) -> str | None:
        known = run.systems.get(text) or (urn(text) if ":" not in text else None)
        if known is None and (table := _TABLE.fullmatch(text)):
            # HL7 publishes the tables of v2 as code systems under their numbers.
            known = f"http://terminology.hl7.org/CodeSystem/v2-{table[1]}"
        if known is None:
            run.warn("GW-3203", spot, place_of(sources), name=text)
            return None
        return run.fill(known, spot) if "{" in known else known

    return convert


def ucum(text: str) -> str | None:
    """Give a unit that UCUM knows, else None."""
    return text if is_ucum(text) else None


def collapsed(text: str) -> str:
    """Write every run of white space as one blank."""
    return " ".join(text.split())


def squeezed(text: str) -> str:
    """Leave out all white space."""
    return "".join(text.split())


def base64_text(text: str) -> str:
    """Encode text as base64 (UTF-8)."""
    return base64.b64encode(text.encode()).decode("ascii")


def md5(text: str) -> str:
    """Give the MD5 of a text in hexadecimal."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
