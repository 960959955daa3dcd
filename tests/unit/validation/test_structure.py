"""Structure, cardinality, choices and primitives."""

from decimal import Decimal
from typing import Any

import pytest

from gateway.validation import Validator
from tests.unit.validation.conftest import found, patient


def test_a_valid_patient_has_no_findings(validator: Validator) -> None:
    """The baseline of every other test here."""
    assert validator.check(patient()) == []


@pytest.mark.parametrize(
    ("changes", "number", "expression"),
    [
        ({"colour": "red"}, "GW-4001", "Patient.colour"),
        ({"communication": [{"preferred": True}]}, "GW-4002", "Patient.communication[0]"),
        ({"gender": ["male"]}, "GW-4003", "Patient.gender"),
        ({"name": {"family": "陈"}}, "GW-4004", "Patient.name"),
        ({"name": []}, "GW-4005", "Patient.name"),
        ({"name": [{}]}, "GW-4005", "Patient.name[0]"),
        ({"gender": ""}, "GW-4005", "Patient.gender"),
        ({"name": [{"family": "  "}]}, "GW-4005", "Patient.name[0].family"),
        ({"active": "yes"}, "GW-4006", "Patient.active"),
        ({"active": 1}, "GW-4006", "Patient.active"),
        ({"birthDate": "1990-13-01"}, "GW-4007", "Patient.birthDate"),
        ({"birthDate": "1990-02-30"}, "GW-4007", "Patient.birthDate"),
        ({"birthDate": "07.03.1990"}, "GW-4007", "Patient.birthDate"),
        ({"id": "bad id"}, "GW-4007", "Patient.id"),
        ({"id": "x" * 65}, "GW-4007", "Patient.id"),
        ({"deceasedBoolean": True, "deceasedDateTime": "2020"}, "GW-4008", "Patient"),
        (
            {"deceasedDateTime": "2020-01-01T10:00:00"},
            "GW-4007",
            "Patient.deceased.ofType(dateTime)",
        ),
        (
            {"multipleBirthInteger": Decimal("1.5")},
            "GW-4006",
            "Patient.multipleBirth.ofType(integer)",
        ),
        ({"contained": [{"id": "x"}]}, "GW-4009", "Patient.contained[0]"),
        ({"_birthDate": {"id": "a"}, "birthDate": None}, "GW-4012", "Patient.birthDate"),
        ({"contact": [{"gender": "male"}]}, "GW-4012", "Patient.contact[0]"),
        (
            {"name": [{"period": {"start": "2020", "end": "2019"}}]},
            "GW-4012",
            "Patient.name[0].period",
        ),
        ({"gender": "m"}, "GW-4101", "Patient.gender"),
    ],
)
def test_a_defect_gives_its_one_finding_at_its_place(
    changes: dict[str, Any], number: str, expression: str, validator: Validator
) -> None:
    """One defect, one finding, at the element that must change."""
    assert found(validator.check(patient(**changes))) == {(number, expression)}


@pytest.mark.parametrize(
    "changes",
    [
        {"birthDate": "1990"},
        {"birthDate": "1990-03"},
        {"birthDate": "2000-02-29"},
        {"deceasedDateTime": "2020-01-01T10:00:00.123+08:00"},
        {"birthDate": None, "_birthDate": {"extension": [_UNKNOWN := {
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
            "valueCode": "unknown",
        }]}},
        {"name": [{"given": ["甲", None], "_given": [None, {"extension": [_UNKNOWN]}]}]},
    ],
)  # fmt: skip
def test_what_r4_allows_is_not_refused(changes: dict[str, Any], validator: Validator) -> None:
    """Partial dates, fractions of seconds, primitives that have only an extension."""
    assert found(validator.check(patient(**changes))) == set()


def test_a_sibling_array_of_another_length_is_a_finding(validator: Validator) -> None:
    """``_given`` must have the length of ``given``."""
    name = {"given": ["甲", "乙"], "_given": [None]}
    assert found(validator.check(patient(name=[name]))) == {("GW-4010", "Patient.name[0].given")}


@pytest.mark.parametrize(
    "value", [None, [], {}, 1, "x", {"resourceType": 3}, {"resourceType": "Cat"}]
)
def test_what_is_no_resource_gives_one_finding(value: Any, validator: Validator) -> None:
    """Whatever JSON it is."""
    assert [one.number for one in validator.check(value)] == ["GW-4009"]


def test_a_text_holds_no_patient_value(validator: Validator) -> None:
    """Findings reach logs and answers; they name elements only."""
    for one in validator.check(patient(birthDate="秘密", gender="秘密", 秘密2=1)):
        if one.number != "GW-4001":
            assert "秘密" not in one.text_zh + one.text_en


def test_nesting_beyond_reason_is_a_finding(validator: Validator) -> None:
    """A body that was not decoded by us may be deeper than ours."""
    inner: dict[str, Any] = {"url": "http://sample.test/x", "valueString": "y"}
    for _ in range(3000):
        inner = {"url": "x", "extension": [inner]}
    assert "GW-4011" in {one.number for one in validator.check(patient(extension=[inner]))}
