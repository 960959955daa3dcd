"""Tests of primitive values, by FHIR type: one fast yes or no each (R4, datatypes.html)."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

Test = Callable[[Any], bool]

_MAX_TEXT = 1_048_576
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_DAY = r"(?:0[1-9]|[12]\d|3[01])"
_YEAR = r"(?:[1-9](?:\d{3})|0(?:[1-9]\d{2}|0[1-9]\d|00[1-9]))"
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?"
_ZONE = r"(?:Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))"
_DATE = re.compile(rf"{_YEAR}(?:-(?:0[1-9]|1[0-2])(?:-{_DAY})?)?")
_MOMENT = re.compile(rf"{_YEAR}(?:-(?:0[1-9]|1[0-2])(?:-{_DAY}(?:T{_CLOCK}{_ZONE})?)?)?")
_INSTANT = re.compile(rf"{_YEAR}-(?:0[1-9]|1[0-2])-{_DAY}T{_CLOCK}{_ZONE}")
_TIME = re.compile(_CLOCK)
# White space is XML's: a no-break space may stand in a code.
_CODE = re.compile(r"[^\x00-\x20]+(?:[ ][^\x00-\x20]+)*")
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_URI = re.compile(r"[^\x00-\x20]+")
_OID = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9]\d*))+")
_UUID = re.compile(
    r"urn:uuid:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
)
_INT_MAX = 2_147_483_647
_SMALL = 10**18
_LONGEST_NUMBER = 400


def is_text(value: Any) -> bool:
    """Test a string or markdown: some non-space character, no control characters, at most 1 MB."""
    if type(value) is not str:
        return False
    if value.isprintable():
        return bool(value) and len(value) <= _MAX_TEXT and not value.isspace()
    return len(value) <= _MAX_TEXT and not value.isspace() and _CONTROL.search(value) is None


def is_markup(value: Any) -> bool:
    """Test a narrative's text; R4 limits the size of strings, not of narratives."""
    return type(value) is str and not value.isspace() and _CONTROL.search(value) is None


def is_real_day(text: str) -> bool:
    """Say whether the day of a date or dateTime is in the calendar."""
    try:
        date(int(text[:4]), int(text[5:7]), int(text[8:10]))
    except ValueError:
        return False
    return True


def _is_dated(form: re.Pattern[str], value: Any) -> bool:
    if type(value) is not str or form.fullmatch(value) is None:
        return False
    # The first 28 days stand in every month.
    return len(value) < 10 or value[8:10] < "29" or is_real_day(value)


def _is_formed(form: re.Pattern[str], value: Any) -> bool:
    return type(value) is str and form.fullmatch(value) is not None


def _remembering(form: re.Pattern[str]) -> Test:
    """Test codes and urls, of which the same few stand everywhere, by a set of those seen."""
    seen: set[str] = set()

    def test(value: Any) -> bool:
        if type(value) is not str:
            return False
        if value in seen:
            return True
        if form.fullmatch(value) is None:
            return False
        if len(seen) < _MOST_SEEN and len(value) <= _LONGEST_SEEN:
            seen.add(value)
        return True

    return test


_MOST_SEEN = 4_096
_LONGEST_SEEN = 128


def _is_boolean(value: Any) -> bool:
    return value is True or value is False


def _is_integer(least: int, value: Any) -> bool:
    return type(value) is int and least <= value <= _INT_MAX


def _is_decimal(value: Any) -> bool:
    kind = type(value)
    if kind is int:
        return -_SMALL < value < _SMALL or len(str(value)) < _LONGEST_NUMBER
    return kind is Decimal and len(str(value)) < _LONGEST_NUMBER


def _is_base64(value: Any) -> bool:
    return type(value) is str and bool(value) and _is_formed_base64(value)


def _is_formed_base64(value: str) -> bool:
    if " " not in value and "\n" not in value and "\r" not in value and "\t" not in value:
        return len(value) % 4 == 0 and _TIGHT_BASE64.fullmatch(value) is not None
    return _is_formed_base64("".join(value.split())) and bool(value.strip())


_TIGHT_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")

TESTS: dict[str, Test] = {
    "boolean": _is_boolean,
    "integer": partial(_is_integer, -_INT_MAX - 1),
    "unsignedInt": partial(_is_integer, 0),
    "positiveInt": partial(_is_integer, 1),
    "decimal": _is_decimal,
    "string": is_text,
    "markdown": is_text,
    "xhtml": is_markup,
    "code": _remembering(_CODE),
    "id": partial(_is_formed, _ID),
    "uri": _remembering(_URI),
    "url": partial(_is_formed, _URI),
    "canonical": _remembering(_URI),
    "oid": partial(_is_formed, _OID),
    "uuid": partial(_is_formed, _UUID),
    "date": partial(_is_dated, _DATE),
    "dateTime": partial(_is_dated, _MOMENT),
    "instant": partial(_is_dated, _INSTANT),
    "time": partial(_is_formed, _TIME),
    "base64Binary": _is_base64,
}

JSON_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(TESTS, (str,)),
    "boolean": (bool,),
    "integer": (int,),
    "unsignedInt": (int,),
    "positiveInt": (int,),
    "decimal": (int, Decimal),
}
FORMS = {
    "boolean": "true / false",
    "integer": "-2147483648 … 2147483647",
    "unsignedInt": "0 … 2147483647",
    "positiveInt": "1 … 2147483647",
    "decimal": "72.50",
    "string": "some text, no control characters",
    "markdown": "some text, no control characters",
    "xhtml": '<div xmlns="http://www.w3.org/1999/xhtml">…</div>',
    "code": "a code without surrounding or doubled spaces",
    "id": "A-Z a-z 0-9 - . (1 … 64)",
    "uri": "http://…, urn:… (no spaces)",
    "url": "http://… (no spaces)",
    "canonical": "http://…|version (no spaces)",
    "oid": "urn:oid:1.2.3",
    "uuid": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520",
    "date": "YYYY, YYYY-MM, YYYY-MM-DD",
    "dateTime": "YYYY, YYYY-MM, YYYY-MM-DD, YYYY-MM-DDThh:mm:ss+zz:zz",
    "instant": "YYYY-MM-DDThh:mm:ss+zz:zz",
    "time": "hh:mm:ss",
    "base64Binary": "base64",
}
