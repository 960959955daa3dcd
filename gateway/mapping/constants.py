"""Constants of a mapping, typed by the element, and templates filled from the channel's options."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from gateway.mapping.code import Code, Here
from gateway.mapping.nodes import Scalar
from gateway.mapping.run import OPTION, Run, Spot
from gateway.mapping.scope import Scope
from gateway.mapping.shapes import STRINGS, Element
from gateway.mapping.writers import Keep
from gateway.records import LineageKind

_PATTERNS = {
    "date": r"\d{4}(-\d\d(-\d\d)?)?",
    "dateTime": r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))?)?)?",
    "instant": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)",
    "time": r"\d\d:\d\d:\d\d(\.\d+)?",
    "integer": r"-?(0|[1-9]\d*)",
    "unsignedInt": r"0|[1-9]\d*",
    "positiveInt": r"[1-9]\d*",
    "decimal": r"-?(0|[1-9]\d*)(\.\d+)?",
    "boolean": r"true|false",
}


def compile_text(text: str, spot: Spot) -> Callable[[Run], str]:
    """Compile a constant text; ``{name}`` is filled from the channel's options."""
    if not OPTION.search(text):
        return lambda _run: text
    return lambda run: run.fill(text, spot)


class Constant:
    """A compiled constant: a value, or what the channel's options fill into a text."""

    def __init__(
        self, value: Any, fill: Callable[[Run], str] | None, kind: LineageKind, rule: str
    ) -> None:
        self._value = value
        self._fill = fill
        self._kind: LineageKind = kind
        self.rule = rule

    def of(self, run: Run) -> Any:
        """Give the value for a record."""
        return self._value if self._fill is None else self._fill(run)

    def __call__(self, code: Code, here: Here, keep: Keep) -> None:
        """Write the value and its lineage (``writers.One``)."""
        fill = self._fill
        given = f"{code.bind(fill, 'fill')}(run)" if fill else code.literal(self._value)
        keep(given)
        code.row(here, self._kind, "()", self.rule)


def compile_constant(
    node: Scalar, element: Element, scope: Scope, target: str, kind: LineageKind = "constant"
) -> Constant | None:
    """Compile a constant for an element; None after a noted problem."""
    text = node.text
    pattern = _PATTERNS.get(element.type)
    if (pattern and not re.fullmatch(pattern, text)) or not (pattern or element.type in STRINGS):
        scope.problems.add(
            node.mark, "GW-3027", what=f"the constant {text}", element=target, type=element.type
        )
        return None
    spot = scope.spot(node.mark, target)
    if element.type in STRINGS and OPTION.search(text):
        return Constant(None, compile_text(text, spot), kind, spot.rule)
    return Constant(_typed(text, element.type), None, kind, spot.rule)


def _typed(text: str, type_: str) -> Any:
    if type_ == "boolean":
        return text == "true"
    if type_ in ("integer", "unsignedInt", "positiveInt"):
        return int(text)
    return Decimal(text) if type_ == "decimal" else text
