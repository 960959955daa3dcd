"""Where in a JSON text something stands: path, line and column.

Only for what is refused or reported: a token at a time, about a hundred times slower than
decoding.
"""

import json
import re
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from gateway.records import Place

_TOKEN = re.compile(
    rb"""[\x20\t\r\n]*+(?:
        (?P<open>[\[{]) | (?P<close>[\]}]) | (?P<comma>,) | (?P<colon>:)
      | (?P<string>"(?:[^"\\]|\\.)*+")
      | (?P<scalar>[^\x20\t\r\n\[\]{},:"]++)
    )""",
    re.VERBOSE | re.DOTALL,
)
_UNICODE_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_DIGITS_OF_AN_INTEGER = 4300
EFFORT_BYTES = 1_000_000
"""Beyond this a refusal names line and column only: walking there by token would take seconds."""


@dataclass(slots=True)
class _Level:
    """One open bracket: the step that leads to its current member."""

    is_object: bool
    key: str | None = None
    index: int = 0
    keys: set[str] = field(default_factory=set)

    @property
    def step(self) -> str:
        """The current member as a step of a path."""
        if not self.is_object:
            return f"[{self.index}]"
        return "" if self.key is None else f".{self.key}"


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    offset: int
    text: bytes
    levels: list[_Level]


def at(raw: bytes, offset: int) -> Place:
    """Give the place of a byte; the path is that of the value which begins before it."""
    path = ""
    for token in _tokens(raw) if offset <= EFFORT_BYTES else ():
        if token.offset > offset or (token.offset == offset and token.kind == "close"):
            break
        path = _path(token.levels)
    return _place(raw, offset, path)


def too_deep(raw: bytes, limit: int) -> Place:
    """Give the place where the nesting passes the limit."""
    for token in _tokens(raw[:EFFORT_BYTES]):
        if len(token.levels) > limit:
            return _place(raw, token.offset, _path(token.levels[:3]))
    return _place(raw, 0, "")


def duplicate_key(raw: bytes) -> tuple[str, Place] | None:
    """Find the first key that stands twice in its object."""
    for token in _tokens(raw):
        if token.kind == "key":
            level = token.levels[-1]
            key = level.key or ""
            if key in level.keys:
                return key, _place(raw, token.offset, _path(token.levels))
            level.keys.add(key)
    return None


def lone_surrogate(raw: bytes) -> Place | None:
    """Find the first escape of half a character."""
    # Escapes stand in strings only, so one look at the whole text tells whether there is any.
    first = _half_character(raw)
    if first is None or first > EFFORT_BYTES:
        return None if first is None else _place(raw, first, "")
    for token in _tokens(raw):
        if token.kind in ("key", "string"):
            offset = _half_character(token.text)
            if offset is not None:
                return _place(raw, token.offset + offset, _path(token.levels))
    return None


def number_out_of_range(raw: bytes) -> Place | None:
    """Find the first number that is too large, too small or too long."""
    for token in _tokens(raw[:EFFORT_BYTES]):
        if token.kind == "scalar" and token.text[:1] in b"-0123456789" and _is_extreme(token.text):
            return _place(raw, token.offset, _path(token.levels))
    return None


def find(raw: bytes, pointer: str) -> Place | None:
    """Find the value that a FHIRPath of members and indexes names, such as ``name[0].given[1]``."""
    for token in _tokens(raw):
        if token.kind not in {"key", "close"} and _path(token.levels) == pointer:
            return _place(raw, token.offset, pointer)
    return None


def find_all(raw: bytes, paths: Set[str], spell: Callable[[str], str]) -> dict[str, Place]:
    """Find the first value of each path in one pass; ``spell`` writes a path as ``paths`` do."""
    found: dict[str, int] = {}
    for token in _tokens(raw):
        if token.kind not in {"key", "close", "inside"}:
            path = spell(_path(token.levels))
            if path in paths:
                found.setdefault(path, token.offset)
                if len(found) == len(paths):
                    break
    return {path: _place(raw, offset, path) for path, offset in found.items()}


def _tokens(raw: bytes) -> Iterator[_Token]:
    """Yield keys and values with the open brackets around them, as far as the text is JSON."""
    levels: list[_Level] = []
    position, is_key = 0, False
    while (match := _TOKEN.match(raw, position)) is not None:
        kind = match.lastgroup or ""
        offset, position = match.start(kind), match.end()
        if kind == "comma":
            if levels:
                levels[-1].index += 1
                is_key = levels[-1].is_object
        elif kind == "string" and is_key and levels:
            levels[-1].key = _decoded(match["string"])
            is_key = False
            yield _Token("key", offset, match["string"], levels)
        elif kind == "open":
            yield _Token("open", offset, match["open"], levels)
            is_key = match["open"] == b"{"
            levels.append(_Level(is_key))
            yield _Token("inside", offset, b"", levels)
        elif kind == "close":
            if levels:
                levels.pop()
            is_key = False
            yield _Token("close", offset, match["close"], levels)
        elif kind != "colon":
            yield _Token(kind, offset, match[kind], levels)


def _decoded(string: bytes) -> str:
    try:
        return str(json.loads(string, strict=False))
    except ValueError:
        return string[1:-1].decode("utf-8", "replace")


def _half_character(string: bytes) -> int | None:
    high: re.Match[bytes] | None = None
    for escape in _UNICODE_ESCAPE.finditer(string):
        unit = int(escape[1], 16) if escape[1] else 0
        if high is not None and (escape.start() != high.end() or not 0xDC00 <= unit <= 0xDFFF):
            return high.start()
        if high is None and 0xDC00 <= unit <= 0xDFFF:
            return escape.start()
        high = escape if 0xD800 <= unit <= 0xDBFF else None
    return None if high is None else high.start()


def _is_extreme(text: bytes) -> bool:
    try:
        return not -400 <= Decimal(text.decode("ascii", "replace")).adjusted() <= 400
    except InvalidOperation:
        return True


def _path(levels: list[_Level]) -> str:
    return "".join(level.step for level in levels).removeprefix(".")


def _place(raw: bytes, offset: int, path: str) -> Place:
    line = raw.count(b"\n", 0, offset) + 1
    start = raw.rfind(b"\n", 0, offset) + 1
    column = len(raw[start:offset].decode("utf-8", "replace")) + 1
    return Place(path, line, column)
