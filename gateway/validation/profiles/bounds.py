"""Limits of values: least, greatest, longest, shortest."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from gateway.fhir.fhirpath.errors import EvaluationError
from gateway.fhir.fhirpath.quantities import Quantity
from gateway.fhir.fhirpath.temporal import parse_temporal, shift
from gateway.fhir.fhirpath.values import TEMPORAL_TYPES, Node, order
from gateway.validation.profiles.items import Item
from gateway.validation.profiles.tree import Part
from gateway.validation.run import Run

ItemCheck = Callable[[Item, Run], None]


def bound_checks(part: Part, profile: str) -> list[ItemCheck]:
    """Make the checks of a part's limits."""
    found: list[ItemCheck] = []
    if part.lowest is not None:
        found.append(_bound(part.lowest, "≥", -1, profile))
    if part.highest is not None:
        found.append(_bound(part.highest, "≤", 1, profile))
    if part.max_length is not None:
        found.append(_length("GW-4310", part.max_length, 1, profile))
    if part.min_length is not None:
        found.append(_length("GW-4315", part.min_length, -1, profile))
    return found


def _length(number: str, limit: int, side: int, profile: str) -> ItemCheck:
    def check(item: Item, run: Run) -> None:
        if type(item.value) is str and (len(item.value) - limit) * side > 0:
            run.report(number, item.trail, limit=limit, profile=profile)

    return check


def _bound(stated: tuple[str, Any], sign: str, side: int, profile: str) -> ItemCheck:
    name, limit = stated
    type_ = name[:1].lower() + name[1:]

    def check(item: Item, run: Run) -> None:
        bound: Any = Node(limit, type_ if type_ in TEMPORAL_TYPES else name)
        if type_ in ("duration", "quantity") and item.type in TEMPORAL_TYPES:
            bound = _relative(item, limit, side, run)
        elif type(limit) in (int, Decimal):
            bound = limit
        if bound is None or item.value is None:
            return
        try:
            found = order(item.node, bound, 1)
        except EvaluationError:
            return
        if found is not None and found * side > 0:
            shown = limit if not isinstance(limit, dict) else limit.get("value")
            run.report("GW-4309", item.trail, bound=sign, limit=shown, profile=profile)

    return check


def _relative(item: Item, limit: dict[str, Any], side: int, run: Run) -> Any:
    """Move the clock by a duration: a least date lies so long ago, a greatest so far ahead."""
    now, code = run.options.now, limit.get("code") or limit.get("unit")
    unit = Quantity(Decimal(0), str(code)).calendar_unit
    if now is None or unit is None or not isinstance(limit.get("value"), (int, Decimal)):
        return None
    kind = TEMPORAL_TYPES[item.type]
    text = now.date().isoformat() if kind == "date" else now.isoformat(timespec="seconds")
    try:
        return shift(parse_temporal(text, kind), Decimal(limit["value"]) * side, unit)
    except EvaluationError:
        return None
