"""JSON values that know where they stand, and the parser that makes them.

One pass without recursion; numbers keep their digits; what RFC 8259 forbids, the same key twice
and half surrogate pairs are refused with line and column.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from json import decoder
from typing import Any

from gateway.errors import GatewayError
from gateway.formats.reading import MAX_VALUES, demand_values
from gateway.formats.text import normalise
from gateway.records import Place

MAX_DEPTH = 200
_TOKEN = re.compile(
    r"""[ \t\r\n]*(?:(?P<mark>[{}\[\]:,])|"(?P<plain>[^"\\\x00-\x1f]*)"|(?P<quote>")"""
    r"""|(?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?![0-9.eE+-])"""
    r"""|(?P<word>true|false|null)(?![A-Za-z0-9_]))"""
)
# The C scanner of the standard library: (text, offset after the quote, strict) → (value, end).
_scan_string: Callable[[str, int, bool], tuple[str, int]] = decoder.scanstring  # type: ignore[attr-defined]
_KEY = re.compile(r'[ \t\r\n]*"([^"\\\x00-\x1f]*)"[ \t\r\n]*:')
_SPACE = re.compile(r"[ \t\r\n]*")
_LONE = re.compile("[\ud800-\udfff]")


_TRAILING = (
    "值之后还有内容",
    "text after the value",
)
_COMMA = (
    "缺少逗号或结束括号",
    "a comma or the end is missing",
)
_KEY_FAULT = (
    "缺少带引号的键",
    "a key in quotes is missing",
)
_COLON = (
    "缺少冒号",
    "a colon is missing",
)
_VALUE = (
    "缺少值",
    "a value is missing",
)
_STRING = (
    "字符串没有闭合，或含有不允许的转义或控制字符",
    "a string is not closed or holds an escape or control character that is not allowed",
)
_SURROGATE = (
    "字符串含有半个代理对",
    "a string holds half a surrogate pair",
)
_PLAIN_KEY = re.compile(r"[A-Za-z_一-鿿][\w]*")


class Source:
    """The text of a document, which knows the line and column of an offset."""

    __slots__ = ("_starts", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts: list[int] | None = None

    def spot(self, offset: int) -> tuple[int, int]:
        """Give line and column of an offset, from 1."""
        if self._starts is None:
            self._starts = [0, *(found.end() for found in re.finditer("\n", self.text))]
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


class Item:
    """A JSON value: ``content`` is a dict or list of items, or the text of a scalar."""

    __slots__ = ("content", "is_text", "key", "offset", "parent", "source")

    def __init__(
        self, content: Any, is_text: bool, offset: int, parent: "Item | None", source: Source
    ) -> None:
        self.content = content
        self.is_text = is_text
        self.offset = offset
        self.parent = parent
        self.key: str | int = ""
        self.source = source

    @property
    def raw_text(self) -> str | None:
        """The scalar as written, a string with its escapes resolved; None for null and groups."""
        return self.content if isinstance(self.content, str) else None

    @property
    def text(self) -> str | None:
        """The scalar in NFKC and trimmed; None for null, groups and empty strings."""
        return normalise(self.content) if isinstance(self.content, str) else None

    @property
    def path(self) -> str:
        """The normalised path, such as ``$.output.setldetail[0].fund_payamt``."""
        steps: list[str] = []
        item = self
        while item.parent is not None:
            steps.append(_step(item.key))
            item = item.parent
        return "$" + "".join(reversed(steps))

    @property
    def place(self) -> Place:
        """The path, line and column where the value begins."""
        return Place(self.path, *self.source.spot(self.offset))

    def get(self, key: str) -> "Item | None":
        """Give a member of an object."""
        return self.content.get(key) if isinstance(self.content, dict) else None

    def children(self) -> Iterable["Item"]:
        """Give the members or items of a group."""
        if isinstance(self.content, dict):
            return self.content.values()
        return self.content if isinstance(self.content, list) else ()

    def leaves(self) -> Iterator["Item"]:
        """Yield the scalars below that are neither null nor blank."""
        pending = [self]
        while pending:
            item = pending.pop()
            if isinstance(item.content, str):
                if item.content.strip():
                    yield item
            else:
                pending.extend(reversed(list(item.children())))


def _step(key: str | int) -> str:
    if isinstance(key, int):
        return f"[{key}]"
    return f".{key}" if _PLAIN_KEY.fullmatch(key) else f"['{key}']"


def parse(text: str) -> Item:
    """Parse a JSON text into items; raise GW-2401, GW-2402 (depth) or GW-2403 (same key twice)."""
    return _Scan(Source(text)).document()


class _Scan:
    """One pass over the text with the open groups on a list instead of the call stack."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.at = 0
        self.open: list[Item] = []
        self.count = 0

    def document(self) -> Item:
        """Scan the one value that the text must be."""
        root = self._value()
        while self.open:
            self._member(self.open[-1])
        self.at = _SPACE.match(self.text, self.at).end()  # type: ignore[union-attr]
        if self.at < len(self.text):
            raise self._error(_TRAILING)
        return root

    def _member(self, group: Item) -> None:
        """Read one member or the end of the innermost open group."""
        is_object = isinstance(group.content, dict)
        mark = self._peek()
        if mark == ("}" if is_object else "]"):
            self.at += 1
            self.open.pop()
            return
        if group.content:
            if mark != ",":
                raise self._error(_COMMA)
            self.at += 1
        key: str | int = self._key(group) if is_object else len(group.content)
        value = self._value()
        value.parent = group
        value.key = key
        if is_object:
            group.content[key] = value
        else:
            group.content.append(value)

    def _key(self, group: Item) -> str:
        if found := _KEY.match(self.text, self.at):
            start, key = found.start(1) - 1, found.group(1)
            self.at = found.end()
        else:
            if self._peek() != '"':
                raise self._error(_KEY_FAULT)
            start, key = self.at, self._string()
            if self._peek() != ":":
                raise self._error(_COLON)
            self.at += 1
        if key in group.content:
            raise GatewayError("GW-2403", where=Place(group.path, *self.source.spot(start)))
        return key

    def _value(self) -> Item:
        self.count += 1
        if self.count > MAX_VALUES:
            demand_values(self.count, Place("", *self.source.spot(self.at)))
        found = _TOKEN.match(self.text, self.at)
        if found is None:
            self._peek()
            raise self._error(_VALUE)
        start, end = found.span(found.lastindex or 0)
        lexeme = found.group(found.lastindex or 0)
        if found.lastgroup == "plain":
            self.at = end + 1
            return Item(lexeme, True, start - 1, None, self.source)
        if found.lastgroup == "quote":
            self.at = start
            return Item(self._string(), True, start, None, self.source)
        self.at = end
        if lexeme not in {"{", "["}:
            if found.lastgroup == "mark":
                self.at = start
                raise self._error(_VALUE)
            return Item(None if lexeme == "null" else lexeme, False, start, None, self.source)
        if len(self.open) == MAX_DEPTH:
            raise GatewayError(
                "GW-2402", where=Place("", *self.source.spot(start)), limit=MAX_DEPTH
            )
        group = Item({} if lexeme == "{" else [], False, start, None, self.source)
        self.open.append(group)
        return group

    def _peek(self) -> str:
        self.at = _SPACE.match(self.text, self.at).end()  # type: ignore[union-attr]
        return self.text[self.at : self.at + 1]

    def _string(self) -> str:
        start = self.at
        try:
            value, self.at = _scan_string(self.text, start + 1, True)
        except ValueError as error:
            self.at = max(start, min(getattr(error, "pos", start), len(self.text)))
            raise self._error(_STRING) from error
        if not value.isascii() and _LONE.search(value):
            self.at = start
            raise self._error(_SURROGATE)
        return value

    def _error(self, fault: tuple[str, str]) -> GatewayError:
        where = Place("", *self.source.spot(self.at))
        return GatewayError("GW-2401", where=where, reason_zh=fault[0], reason=fault[1])
