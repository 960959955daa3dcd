"""The syntax tree of FHIRPath, and the Pratt parser that makes it (N1, section 12: grammar)."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gateway.fhir.fhirpath.errors import EvaluationError, unparsable
from gateway.fhir.fhirpath.lexer import Token, tokens
from gateway.fhir.fhirpath.quantities import CALENDAR_UNITS, Quantity
from gateway.fhir.fhirpath.temporal import parse_temporal


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; ``values`` is its collection (empty for ``{}``)."""

    values: tuple[Any, ...]
    column: int


@dataclass(frozen=True, slots=True)
class Name:
    """A member or, at the root, perhaps a type: ``Patient``, ``given``."""

    name: str
    column: int
    is_root: bool


@dataclass(frozen=True, slots=True)
class Call:
    """A function call on the focus."""

    name: str
    arguments: tuple["Tree", ...]
    column: int


@dataclass(frozen=True, slots=True)
class Special:
    """``$this``, ``$index`` or ``$total``."""

    name: str
    column: int


@dataclass(frozen=True, slots=True)
class External:
    """``%resource``, ``%ucum``, ``%vs-…`` and their like."""

    name: str
    column: int


@dataclass(frozen=True, slots=True)
class Dot:
    """``left.right``."""

    left: "Tree"
    right: "Tree"
    column: int


@dataclass(frozen=True, slots=True)
class Index:
    """``left[index]``."""

    left: "Tree"
    index: "Tree"
    column: int


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator between two expressions."""

    operator: str
    left: "Tree"
    right: "Tree"
    column: int


@dataclass(frozen=True, slots=True)
class Sign:
    """A leading ``-`` or ``+``."""

    operator: str
    operand: "Tree"
    column: int


@dataclass(frozen=True, slots=True)
class TypeTest:
    """``left is type`` or ``left as type``."""

    operator: str
    left: "Tree"
    type: str
    column: int


Tree = Literal | Name | Call | Special | External | Dot | Index | Binary | Sign | TypeTest

_POWERS = {
    **dict.fromkeys(("implies",), 1),
    **dict.fromkeys(("or", "xor"), 2),
    **dict.fromkeys(("and",), 3),
    **dict.fromkeys(("in", "contains"), 4),
    **dict.fromkeys(("=", "~", "!=", "!~"), 5),
    **dict.fromkeys(("<", ">", "<=", ">="), 6),
    **dict.fromkeys(("|",), 7),
    **dict.fromkeys(("is", "as"), 8),
    **dict.fromkeys(("+", "-", "&"), 9),
    **dict.fromkeys(("*", "/", "div", "mod"), 10),
}
_SIGN_POWER = 11
_DOT_POWER = 12


def type_name(tree: Tree) -> str | None:
    """Read a tree as a type: ``Patient``, ``System.String``; None if it is none."""
    if isinstance(tree, Name):
        return tree.name
    if isinstance(tree, Literal) and len(tree.values) == 1 and isinstance(tree.values[0], str):
        return tree.values[0]
    if isinstance(tree, Dot) and isinstance(tree.left, Name) and isinstance(tree.right, Name):
        return f"{tree.left.name}.{tree.right.name}"
    return None


def parse(expression: str) -> Tree:
    """Parse a whole expression; raise FhirPathError with the column where it goes wrong."""
    parser = _Parser(expression)
    tree = parser.expression(0)
    parser.demand_end()
    return tree


class _Parser:
    def __init__(self, expression: str) -> None:
        self._expression = expression
        self._tokens = tokens(expression)
        self._at = 0
        self._depth = 0

    def demand_end(self) -> None:
        if self._peek().kind != "end":
            raise self._wrong(self._peek(), f"unexpected {self._peek().text!r}")

    def expression(self, power: int) -> Tree:
        self._depth += 1
        if self._depth > 100:
            raise self._wrong(self._peek(), "nested too deeply")
        left = self._prefix(self._next())
        while True:
            token = self._peek()
            binding = self._power(token)
            if binding <= power:
                break
            self._next()
            left = self._infix(left, token, binding)
        self._depth -= 1
        return left

    def _power(self, token: Token) -> int:
        if token.kind == "symbol" and token.text in (".", "["):
            return _DOT_POWER
        if token.kind in ("symbol", "name"):
            return _POWERS.get(token.text, 0)
        return 0

    def _infix(self, left: Tree, token: Token, binding: int) -> Tree:
        if token.text == ".":
            return Dot(left, self._member(self._next()), token.column)
        if token.text == "[":
            index = self.expression(0)
            self._demand("]")
            return Index(left, index, token.column)
        if token.text in ("is", "as"):
            return TypeTest(token.text, left, self._type(), token.column)
        return Binary(token.text, left, self.expression(binding), token.column)

    def _prefix(self, token: Token) -> Tree:
        if token.kind == "symbol":
            return self._prefix_symbol(token)
        if token.kind in ("number", "long"):
            return self._number(token)
        if token.kind == "string":
            return Literal((token.text,), token.column)
        if token.kind == "temporal":
            return self._temporal(token)
        if token.kind == "external":
            return External(token.text, token.column)
        if token.kind == "name" and token.text in ("true", "false"):
            return Literal((token.text == "true",), token.column)
        if token.kind == "end":
            raise self._wrong(token, "the expression ends too early")
        return self._member(token, is_root=True)

    def _prefix_symbol(self, token: Token) -> Tree:
        if token.text in ("-", "+"):
            return Sign(token.text, self.expression(_SIGN_POWER), token.column)
        if token.text == "(":
            inner = self.expression(0)
            self._demand(")")
            return inner
        if token.text == "{":
            self._demand("}")
            return Literal((), token.column)
        raise self._wrong(token, f"unexpected {token.text!r}")

    def _temporal(self, token: Token) -> Tree:
        try:
            return Literal((parse_temporal(token.text),), token.column)
        except EvaluationError as err:
            raise self._wrong(token, err.problem) from err

    def _number(self, token: Token) -> Tree:
        value = Decimal(token.text) if "." in token.text else int(token.text)
        after = self._peek()
        if after.kind == "string":
            self._next()
            return Literal((Quantity(Decimal(value), after.text),), token.column)
        if after.kind == "name" and after.text in CALENDAR_UNITS:
            self._next()
            return Literal(
                (Quantity(Decimal(value), CALENDAR_UNITS[after.text], True),), token.column
            )
        return Literal((value,), token.column)

    def _member(self, token: Token, is_root: bool = False) -> Tree:
        if token.kind == "dollar":
            return Special(token.text, token.column)
        if token.kind not in ("name", "quoted"):
            raise self._wrong(token, f"a name is expected, not {token.text!r}")
        if token.kind == "name" and self._peek().text == "(" and self._peek().kind == "symbol":
            self._next()
            return Call(token.text, self._arguments(), token.column)
        return Name(token.text, token.column, is_root)

    def _arguments(self) -> tuple[Tree, ...]:
        if self._peek().kind == "symbol" and self._peek().text == ")":
            self._next()
            return ()
        found = [self.expression(0)]
        while self._peek().kind == "symbol" and self._peek().text == ",":
            self._next()
            found.append(self.expression(0))
        self._demand(")")
        return tuple(found)

    def _type(self) -> str:
        names = [self._type_part()]
        while self._peek().kind == "symbol" and self._peek().text == "." and len(names) < 2:
            self._next()
            names.append(self._type_part())
        return ".".join(names)

    def _type_part(self) -> str:
        token = self._next()
        if token.kind not in ("name", "quoted"):
            raise self._wrong(token, "a type is expected")
        return token.text

    def _demand(self, text: str) -> None:
        token = self._next()
        if token.kind != "symbol" or token.text != text:
            raise self._wrong(token, f"{text!r} is expected")

    def _peek(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self._tokens[self._at]
        if token.kind != "end":
            self._at += 1
        return token

    def _wrong(self, token: Token, problem: str) -> Exception:
        return unparsable(self._expression, token.column, problem)
