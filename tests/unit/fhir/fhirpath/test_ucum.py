"""Units of UCUM."""

from fractions import Fraction

import pytest

from gateway.fhir.fhirpath.ucum import is_valid, measure


@pytest.mark.parametrize(
    ("code", "same_as"),
    [
        ("mg/dL", "10.ug/mL"),
        ("10*9/L", "10*6/mL"),
        ("mm[Hg]", "m[Hg]/1000"),
        ("kPa", "N/m2.1000"),
        ("U/L", "umol/min/L"),
        ("/min", "60/h"),
        ("%", "1/100"),
        ("kg/m2", "g.10*3/m2"),
        ("mL/min/{1.73_m2}", "mL/min"),
        ("[lb_av]", "16.[oz_av]"),
    ],
)
def test_units_of_one_size_measure_alike(code: str, same_as: str) -> None:
    """Prefixes, products, powers and annotations are read."""
    assert measure(code) == measure(same_as)


def test_a_week_is_seven_days() -> None:
    """Definite durations measure in seconds."""
    week = measure("wk")
    assert week is not None
    assert week[0] == Fraction(7 * 86400)


@pytest.mark.parametrize("code", ["", "mg dL", "(mg", "毫克"])
def test_what_cannot_be_ucum_is_refused(code: str) -> None:
    """Form alone decides these."""
    assert is_valid(code) is False


def test_a_unit_outside_the_table_is_left_open() -> None:
    """We do not call wrong what we do not know."""
    assert is_valid("[wood'U]") is None
