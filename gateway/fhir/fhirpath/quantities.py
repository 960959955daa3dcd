"""Quantities with UCUM and calendar units, compared across units of one dimension."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from gateway.fhir.fhirpath.ucum import measure

CALENDAR_UNITS = {
    name + plural: name
    for name in ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
    for plural in ("", "s")
}
_AS_UCUM = {
    "week": "wk",
    "day": "d",
    "hour": "h",
    "minute": "min",
    "second": "s",
    "millisecond": "ms",
}
_FROM_UCUM = {"a": "year", "mo": "month"} | {code: name for name, code in _AS_UCUM.items()}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with a unit: a UCUM code, or a calendar unit by its name (``is_calendar``)."""

    value: Decimal
    unit: str
    is_calendar: bool = False

    def __str__(self) -> str:
        """Write as FHIRPath does: ``5 'mg'``, ``3 days``."""
        return (
            f"{self.value:f} {self.unit}" if self.is_calendar else f"{self.value:f} '{self.unit}'"
        )

    @property
    def calendar_unit(self) -> str | None:
        """The unit as a calendar unit, UCUM's definite durations included; None if it is none."""
        return self.unit if self.is_calendar else _FROM_UCUM.get(self.unit)


def _measured(quantity: Quantity) -> tuple[Fraction, object] | None:
    if quantity.is_calendar and quantity.unit in ("year", "month"):
        # A calendar year is no definite number of seconds; years and months compare together.
        months = 12 if quantity.unit == "year" else 1
        return Fraction(quantity.value) * months, "calendar month"
    code = _AS_UCUM.get(quantity.unit, quantity.unit) if quantity.is_calendar else quantity.unit
    found = measure(code)
    if found is None:
        return None
    return Fraction(quantity.value) * found[0] + found[2], found[1]


def compare_quantities(left: Quantity, right: Quantity) -> int | None:
    """Give -1, 0 or 1; None when the units have different dimensions or are unknown."""
    if left.unit == right.unit and left.is_calendar == right.is_calendar:
        return (left.value > right.value) - (left.value < right.value)
    ours, theirs = _measured(left), _measured(right)
    if ours is None or theirs is None or ours[1] != theirs[1]:
        return None
    return (ours[0] > theirs[0]) - (ours[0] < theirs[0])


def canonical_key(quantity: Quantity) -> object:
    """Give what equal quantities share."""
    found = _measured(quantity)
    return (quantity.value, quantity.unit) if found is None else found


def convert(quantity: Quantity, unit: str) -> Quantity | None:
    """Express a quantity in another UCUM unit of its dimension, or None."""
    ours, theirs = _measured(quantity), measure(unit)
    if ours is None or theirs is None or ours[1] != theirs[1]:
        return None
    value = (ours[0] - theirs[2]) / theirs[0]
    return Quantity(Decimal(value.numerator) / Decimal(value.denominator), unit)
