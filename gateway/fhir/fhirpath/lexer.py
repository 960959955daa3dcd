"""Cut a FHIRPath expression into tokens (FHIRPath N1, section 8: lexical elements)."""

import re
from dataclasses import dataclass
from typing import Literal

from gateway.fhir.fhirpath.errors import unparsable

Kind = Literal[
    "number", "long", "string", "name", "quoted", "temporal", "external", "dollar", "symbol", "end"
]

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|//[^\n]*|/\*.*?\*/)
  | (?P<temporal>@(?:T\d{2}(?::\d{2}(?::\d{2}(?:\.\d+)?)?)?
      |\d{4}(?:-\d{2}(?:-\d{2})?)?(?:T(?:\d{2}(?::\d{2}(?::\d{2}(?:\.\d+)?)?)?(?:Z|[+-]\d{2}:\d{2})?)?)?))
  | (?P<long>\d+L\b)
  | (?P<number>\d+(?:\.\d+)?)
  | (?P<string>'(?:[^'\\]|\\.)*')
  | (?P<quoted>`(?:[^`\\]|\\.)*`|"(?:[^"\\]|\\.)*")
  | (?P<external>%(?:[A-Za-z_][A-Za-z0-9_-]*|`(?:[^`\\]|\\.)*`|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"))
  | (?P<dollar>\$(?:this|index|total)\b)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<symbol><=|>=|!=|!~|[-+*/|&=~<>.,()\[\]{}])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its text (unescaped for strings and names) and its column, from 1."""

    kind: Kind
    text: str
    column: int


def unescape(text: str) -> str:
    r"""Replace ``\n``, ``\'``, ``\u00e9`` and their like."""

    def plain(match: re.Match[str]) -> str:
        body = match[1]
        if len(body) == 5:
            return chr(int(body[1:], 16))
        return _ESCAPED.get(body, body)

    return _ESCAPE.sub(plain, text) if "\\" in text else text


def tokens(expression: str) -> list[Token]:
    """Give the tokens with an ``end`` token last; raise FhirPathError at a foreign character."""
    found: list[Token] = []
    position = 0
    while position < len(expression):
        match = _TOKEN.match(expression, position)
        if match is None:
            raise unparsable(expression, position + 1, f"unexpected {expression[position]!r}")
        kind = match.lastgroup
        text = match[0]
        if kind != "space":
            found.append(_token(kind, text, position + 1))
        position = match.end()
    found.append(Token("end", "", len(expression) + 1))
    return found


def _token(kind: str | None, text: str, column: int) -> Token:
    match kind:
        case "string":
            return Token("string", unescape(text[1:-1]), column)
        case "quoted":
            return Token("quoted", unescape(text[1:-1]), column)
        case "external":
            name = text[1:]
            if name[0] in "`'\"":
                name = unescape(name[1:-1])
            return Token("external", name, column)
        case "temporal":
            return Token("temporal", text[1:], column)
        case "long":
            return Token("long", text[:-1], column)
        case "number":
            return Token("number", text, column)
        case "dollar":
            return Token("dollar", text, column)
        case "name":
            return Token("name", text, column)
        case _:
            return Token("symbol", text, column)
