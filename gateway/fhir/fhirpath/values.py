"""The items of a collection: FHIR data as ``Node``, computed values as plain Python."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from gateway.fhir.fhirpath.errors import EvaluationError
from gateway.fhir.fhirpath.quantities import Quantity, canonical_key, compare_quantities, convert
from gateway.fhir.fhirpath.temporal import Kind, Temporal, compare, parse_temporal

Collection = list[Any]

TEMPORAL_TYPES: dict[str, Kind] = {
    "date": "date",
    "dateTime": "dateTime",
    "instant": "dateTime",
    "time": "time",
}
QUANTITY_TYPES = frozenset(
    {"Quantity", "Age", "Duration", "Count", "Distance", "SimpleQuantity", "MoneyQuantity"}
)
_UCUM = "http://unitsofmeasure.org"


class Node:
    """One element of a resource with its FHIR type.

    ``value`` is the JSON value, None for a primitive that has only ``extra``, the content of its
    ``_name`` sibling (id and extensions).
    """

    __slots__ = ("extra", "type", "value")

    def __init__(self, value: Any, type_: str, extra: Any = None) -> None:
        self.value = value
        self.type = type_
        self.extra = extra

    def __repr__(self) -> str:
        """Show the type; the value may be a patient's."""
        return f"<Node {self.type}>"


def plain(item: Any) -> Any:
    """Give what operators work on: a Python value, Temporal, Quantity, or the JSON object."""
    if type(item) is not Node:
        return item
    value = item.value
    if type(value) is str:
        kind = TEMPORAL_TYPES.get(item.type)
        if kind is not None:
            try:
                return parse_temporal(value, kind)
            except EvaluationError:
                return value
        return value
    if type(value) is dict and item.type in QUANTITY_TYPES:
        return to_quantity(value) or value
    if type(value) is float:
        return Decimal(str(value))
    return value


def to_quantity(value: dict[str, Any]) -> Quantity | None:
    """Read a FHIR Quantity; None without a number."""
    number = value.get("value")
    if isinstance(number, bool) or not isinstance(number, (int, Decimal, float)):
        return None
    size = Decimal(str(number))
    code = value.get("code")
    if isinstance(code, str) and value.get("system", _UCUM) == _UCUM:
        return Quantity(size, code)
    unit = code if isinstance(code, str) else value.get("unit")
    return Quantity(size, unit if isinstance(unit, str) else "1")


def is_number(value: Any) -> bool:
    """Say whether a plain value is a number (a boolean is none)."""
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def equal(left: Any, right: Any) -> bool | None:
    """Compare two items for ``=``: None where precision or units leave it open (N1, 6.1.1)."""
    ours, theirs = plain(left), plain(right)
    if isinstance(ours, Temporal) or isinstance(theirs, Temporal):
        return _equal_moments(ours, theirs)
    if isinstance(ours, Quantity) or isinstance(theirs, Quantity):
        ours, theirs = _as_quantities(ours, theirs)
        if isinstance(ours, Quantity) and isinstance(theirs, Quantity):
            order = compare_quantities(ours, theirs)
            return None if order is None else order == 0
        return False
    if isinstance(ours, bool) != isinstance(theirs, bool):
        return False
    return bool(ours == theirs)


def _as_quantities(ours: Any, theirs: Any) -> tuple[Any, Any]:
    if is_number(ours):
        ours = Quantity(Decimal(ours), "1")
    if is_number(theirs):
        theirs = Quantity(Decimal(theirs), "1")
    return ours, theirs


def _equal_moments(ours: Any, theirs: Any) -> bool | None:
    if isinstance(ours, Temporal) and isinstance(theirs, Temporal):
        if (ours.kind == "time") is not (theirs.kind == "time"):
            # Of two types that never convert into each other no value is equal.
            return False
        order = compare(ours, theirs)
        return None if order is None else order == 0
    if isinstance(ours, str) or isinstance(theirs, str):
        texts = [side.text if isinstance(side, Temporal) else side for side in (ours, theirs)]
        return bool(texts[0] == texts[1])
    return False


def equal_collections(left: Collection, right: Collection) -> bool | None:
    """Compare two collections for ``=``: in order, None when one is empty."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    verdict: bool | None = True
    for ours, theirs in zip(left, right, strict=True):
        same = equal(ours, theirs)
        if same is False:
            return False
        if same is None:
            verdict = None
    return verdict


def equivalent(left: Any, right: Any) -> bool:
    """Compare two items for ``~``: case and spaces do not count, precision must agree."""
    ours, theirs = plain(left), plain(right)
    if isinstance(ours, str) and isinstance(theirs, str):
        return " ".join(ours.split()).casefold() == " ".join(theirs.split()).casefold()
    if is_number(ours) and is_number(theirs):
        scale = min(_scale(ours), _scale(theirs))
        return bool(round(Decimal(ours), scale) == round(Decimal(theirs), scale))
    if isinstance(ours, Quantity) and isinstance(theirs, Quantity):
        return _equivalent_quantities(ours, theirs)
    if isinstance(ours, dict) and isinstance(theirs, dict):
        names = (ours.keys() | theirs.keys()) - {"id"}
        return all(_equivalent_json(ours.get(name), theirs.get(name)) for name in names)
    return equal(ours, theirs) is True


def _equivalent_quantities(ours: Quantity, theirs: Quantity) -> bool:
    """Compare in the coarser unit, to the fewer decimal places (N1, 6.1.2)."""
    if compare_quantities(ours, theirs) == 0:
        return True
    for first, second in ((ours, theirs), (theirs, ours)):
        same = second if first.unit == second.unit else convert(second, first.unit)
        if same is not None and abs(same.value) <= abs(second.value):
            return equivalent(first.value, same.value)
    return False


def _equivalent_json(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, list) and isinstance(theirs, list):
        return equivalent_collections(ours, theirs)
    return equivalent(ours, theirs)


def _scale(number: int | Decimal) -> int:
    if isinstance(number, int):
        return 0
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def equivalent_collections(left: Collection, right: Collection) -> bool:
    """Compare two collections for ``~``: order does not count, both empty are equivalent."""
    if len(left) != len(right):
        return False
    rest = list(right)
    for ours in left:
        for position, theirs in enumerate(rest):
            if equivalent(ours, theirs):
                del rest[position]
                break
        else:
            return False
    return True


def order(left: Any, right: Any, column: int) -> int | None:
    """Compare two items for ``<`` and its like; raise EvaluationError for types without order."""
    ours, theirs = plain(left), plain(right)
    if isinstance(ours, Temporal) or isinstance(theirs, Temporal):
        ours, theirs = _as_moment(ours), _as_moment(theirs)
        if isinstance(ours, Temporal) and isinstance(theirs, Temporal):
            return compare(ours, theirs)
        return None
    if isinstance(ours, Quantity) or isinstance(theirs, Quantity):
        ours, theirs = _as_quantities(ours, theirs)
        if isinstance(ours, Quantity) and isinstance(theirs, Quantity):
            return compare_quantities(ours, theirs)
    both_numbers = is_number(ours) and is_number(theirs)
    if both_numbers or (isinstance(ours, str) and isinstance(theirs, str)):
        return bool(ours > theirs) - bool(ours < theirs)
    if isinstance(ours, dict) or isinstance(theirs, dict):
        return None
    raise EvaluationError("values of different types have no order", column)


def _as_moment(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return parse_temporal(value)
        except EvaluationError:
            return value
    return value


def key(item: Any) -> Any:
    """Give something hashable that equal items share (for distinct, union, intersect)."""
    value = plain(item)
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, Quantity):
        return ("quantity", canonical_key(value))
    if isinstance(value, (dict, list)):
        return _frozen(value)
    return value


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return frozenset((name, _frozen(inner)) for name, inner in value.items())
    if isinstance(value, list):
        return tuple(_frozen(inner) for inner in value)
    return ("boolean", value) if isinstance(value, bool) else value


def distinct(items: Iterable[Any]) -> Collection:
    """Keep the first of equal items."""
    found: dict[Any, Any] = {}
    for item in items:
        found.setdefault(key(item), item)
    return list(found.values())


def single_boolean(items: Collection, column: int = 1) -> bool | None:
    """Read a collection as one boolean: any single item is true, none is None (N1, 4.5)."""
    if not items:
        return None
    if len(items) > 1:
        raise EvaluationError("one value is expected here, not several", column)
    value = plain(items[0])
    return value if isinstance(value, bool) else True


def single(items: Collection, column: int = 1) -> Any:
    """Give the plain value of the only item; None when there is none."""
    if not items:
        return None
    if len(items) > 1:
        raise EvaluationError("one value is expected here, not several", column)
    return plain(items[0])
