"""Functions on texts (N1, 5.6) and their additions in FHIRPath 2."""

import base64
import binascii
import html
import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote_plus

from gateway.fhir.fhirpath.context import Env
from gateway.fhir.fhirpath.errors import EvaluationError
from gateway.fhir.fhirpath.registry import eager
from gateway.fhir.fhirpath.regular import choices, demand_short
from gateway.fhir.fhirpath.temporal import Temporal
from gateway.fhir.fhirpath.values import Collection, Node, plain, single


def text_of(items: Collection) -> str | None:
    """Read a collection as one text (a date by its own text); None when empty."""
    if len(items) == 1 and type(items[0]) is Node and isinstance(items[0].value, str):
        return items[0].value
    value = single(items)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Temporal):
        return value.text
    raise EvaluationError("a text is expected here")


def _number(items: Collection) -> int | None:
    value = single(items)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise EvaluationError("a whole number is expected here")
    return value


def _with_text(name: str, apply: Callable[[str, str], Any]) -> None:
    def call(_: Env, focus: Collection, argument: Collection) -> Collection:
        text, other = text_of(focus), text_of(argument)
        return [] if text is None or other is None else [apply(text, other)]

    eager(name, 1)(call)


def _on_text(name: str, apply: Callable[[str], Any]) -> None:
    def call(_: Env, focus: Collection) -> Collection:
        text = text_of(focus)
        return [] if text is None else [apply(text)]

    eager(name)(call)


@lru_cache(maxsize=1024)
def pattern(expression: str, flags: str = "") -> re.Pattern[str]:
    """Compile a regular expression of FHIRPath (PCRE, single-line mode)."""
    options = re.DOTALL
    if "i" in flags:
        options |= re.IGNORECASE
    if "m" in flags:
        options |= re.MULTILINE
    choices(expression)
    try:
        return re.compile(expression.replace(r"\/", "/"), options)
    except re.error as err:
        raise EvaluationError("the regular expression cannot be read") from err


_with_text("indexOf", lambda text, other: text.find(other))
_with_text("lastIndexOf", lambda text, other: text.rfind(other))
_with_text("startsWith", lambda text, other: text.startswith(other))
_with_text("endsWith", lambda text, other: text.endswith(other))
_with_text("contains", lambda text, other: other in text)
_on_text("upper", str.upper)
_on_text("lower", str.lower)
_on_text("length", len)
_on_text("trim", str.strip)


@eager("matches", 1, 2)
def matches(
    _: Env, focus: Collection, expression: Collection, flags: Collection | None = None
) -> Collection:
    """Say whether the expression is found in the text."""
    return _matched(re.Pattern.search, focus, expression, flags)


@eager("matchesFull", 1, 2)
def matches_full(
    _: Env, focus: Collection, expression: Collection, flags: Collection | None = None
) -> Collection:
    """Say whether the whole text is of that form."""
    return _matched(re.Pattern.fullmatch, focus, expression, flags)


def _matched(
    way: Callable[[re.Pattern[str], str], re.Match[str] | None],
    focus: Collection,
    expression: Collection,
    flags: Collection | None,
) -> Collection:
    text, wanted = text_of(focus), text_of(expression)
    if text is None or wanted is None:
        return []
    demand_short(wanted, text)
    return [way(pattern(wanted, text_of(flags or []) or ""), text) is not None]


@eager("replace", 2)
def replace(_: Env, focus: Collection, old: Collection, new: Collection) -> Collection:
    """Replace every occurrence of a text."""
    text, before, after = text_of(focus), text_of(old), text_of(new)
    if text is None or before is None or after is None:
        return []
    return [text.replace(before, after)]


@eager("replaceMatches", 2, 3)
def replace_matches(
    _: Env, focus: Collection, old: Collection, new: Collection, flags: Collection | None = None
) -> Collection:
    """Replace what an expression finds; ``$1`` and ``${name}`` name groups."""
    text, before, after = text_of(focus), text_of(old), text_of(new)
    if text is None or before is None or after is None:
        return []
    if not before:
        return [text]
    demand_short(before, text)
    template = re.sub(r"\$(\d+)", r"\\g<\1>", after.replace("\\", r"\\"))
    template = re.sub(r"\$\{(\w+)\}", r"\\g<\1>", template)
    try:
        return [pattern(before, text_of(flags or []) or "").sub(template, text)]
    except (re.error, IndexError) as err:
        raise EvaluationError("the replacement names an unknown group") from err


@eager("substring", 1, 2)
def substring(
    _: Env, focus: Collection, start: Collection, length: Collection | None = None
) -> Collection:
    """Cut a part out; empty when it starts outside the text."""
    text, first = text_of(focus), _number(start)
    if text is None or first is None or not 0 <= first < len(text):
        return []
    size = None if length is None else _number(length)
    return [text[first:] if size is None else text[first : first + max(0, size)]]


@eager("toChars")
def to_chars(_: Env, focus: Collection) -> Collection:
    """Give the characters."""
    return list(text_of(focus) or "")


@eager("split", 1)
def split(_: Env, focus: Collection, separator: Collection) -> Collection:
    """Split a text."""
    text, between = text_of(focus), text_of(separator)
    if text is None or between is None:
        return []
    return list(text.split(between) if between else text)


@eager("join", 0, 1)
def join(_: Env, focus: Collection, separator: Collection | None = None) -> Collection:
    """Join texts."""
    texts = [plain(item) for item in focus]
    if not texts:
        return []
    words = [
        word.text if isinstance(word, Temporal) else word for word in texts if word is not None
    ]
    if not all(isinstance(word, str) for word in words):
        raise EvaluationError("join() joins texts")
    return [(text_of(separator or []) or "").join(words)]


_ENCODERS: dict[str, Callable[[str], str]] = {
    "hex": lambda text: text.encode().hex(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "urlbase64": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
}
_DECODERS: dict[str, Callable[[str], str]] = {
    "hex": lambda text: bytes.fromhex(text).decode(),
    "base64": lambda text: base64.b64decode(text, validate=True).decode(),
    "urlbase64": lambda text: base64.urlsafe_b64decode(text).decode(),
}
_ESCAPERS: dict[str, Callable[[str], str]] = {
    "html": html.escape,
    "json": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "url": quote,
}
_UNESCAPERS: dict[str, Callable[[str], str]] = {
    "html": html.unescape,
    "json": lambda text: str(json.loads(f'"{text}"')),
    "url": unquote_plus,
}


def _coder(name: str, table: dict[str, Callable[[str], str]]) -> None:
    def call(_: Env, focus: Collection, form: Collection) -> Collection:
        text, wanted = text_of(focus), text_of(form)
        if text is None or wanted not in table:
            return []
        try:
            return [table[wanted](text)]
        except (ValueError, binascii.Error) as err:
            raise EvaluationError(f"{name}() cannot read the text") from err

    eager(name, 1)(call)


_coder("encode", _ENCODERS)
_coder("decode", _DECODERS)
_coder("escape", _ESCAPERS)
_coder("unescape", _UNESCAPERS)
