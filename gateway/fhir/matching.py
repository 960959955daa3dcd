"""Whether a resource fulfils a search condition, asked of its index rows without any store.

For the few thousand definitions that are no rows of the store; it knows the conditions that
definitions are searched by and says None of every other.
"""

from collections.abc import Sequence

from gateway.fhir.search_model import (
    Condition,
    Criterion,
    DateValue,
    Prefix,
    ReferenceValue,
    TextValue,
    TokenValue,
    Value,
)
from gateway.fhir.search_values import fold
from gateway.records import IndexRow, Resource

_MODIFIERS = {
    "token": frozenset({None, "not"}),
    "uri": frozenset({None, "below", "above"}),
    "string": frozenset({None, "exact", "contains"}),
    "reference": frozenset({None}),
    "date": frozenset({None}),
}
_VALUES = (TokenValue, TextValue, ReferenceValue, DateValue)
# What "about" means is the store's to say.
_PREFIXES = frozenset({"eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"})


def can_match(condition: Condition) -> bool:
    """Say whether the condition is one that ``matches`` knows."""
    return (
        isinstance(condition, Criterion)
        and condition.code != "_lastUpdated"
        and condition.modifier in _MODIFIERS.get(condition.kind, frozenset())
        and all(_is_known(value) for value in condition.values)
    )


def matches(condition: Criterion, resource: Resource, rows: Sequence[IndexRow]) -> bool:
    """Say whether a resource with these index rows fulfils a condition that can be matched."""
    if condition.code == "_id":
        wanted = {value.code for value in condition.values if isinstance(value, TokenValue)}
        return (resource.get("id") in wanted) is not (condition.modifier == "not")
    name = f"{resource['resourceType']}.{condition.code}"
    found = [row for row in rows if row.parameter == name and row.kind == condition.kind]
    if condition.is_missing is not None:
        return bool(found) is not condition.is_missing
    has_any = any(_meets(row, value, condition) for row in found for value in condition.values)
    return has_any is not (condition.modifier == "not")


def _is_known(value: Value) -> bool:
    if isinstance(value, DateValue) and value.prefix not in _PREFIXES:
        return False
    return isinstance(value, _VALUES)


def _meets(row: IndexRow, value: Value, condition: Criterion) -> bool:
    if isinstance(value, ReferenceValue):
        return _refers(row, value)
    if isinstance(value, DateValue):
        # A stored span ends with its last microsecond.
        return _compares(value.prefix, row.values[0], row.values[1], value.low, value.high)
    if isinstance(value, TokenValue):
        system, code = row.values[0], row.values[1]
        is_of_system = value.system is None or value.system == (system or "")
        return is_of_system and (value.code is None or value.code == code)
    if not isinstance(value, TextValue):
        return False
    if condition.kind == "uri":
        return _is_uri(str(row.values[0]), value.text, condition.modifier)
    folded, exact = str(row.values[0]), str(row.values[1])
    match condition.modifier:
        case "exact":
            return exact == value.text
        case "contains":
            return fold(value.text) in folded
    return folded.startswith(fold(value.text))


def _refers(row: IndexRow, value: ReferenceValue) -> bool:
    type_, id_, text = row.values[:3]
    if value.text is not None:
        return bool(value.text == text)
    return value.id == id_ and value.type in (None, type_)


def _compares(prefix: Prefix, low: int, high: int, first: int, last: int) -> bool:
    """Compare a stored range with the asked one (R4 section 3.1.1.4.6)."""
    is_within = first <= low and high <= last
    match prefix:
        case "eq":
            return is_within
        case "ne":
            return not is_within
        case "gt":
            return high > last
        case "lt":
            return low < first
        case "ge":
            return high > last or (high >= first and low >= first)
        case "le":
            return low < first or (low <= last and high <= last)
        case "sa":
            return low > last
    return high < first


def _is_uri(stored: str, wanted: str, modifier: str | None) -> bool:
    if modifier == "below":
        return stored == wanted or stored.startswith(f"{wanted.rstrip('/')}/")
    if modifier == "above":
        return stored == wanted or wanted.startswith(f"{stored.rstrip('/')}/")
    return stored == wanted
