"""Profiles: differentials, slices, fixed values, patterns, constraints."""

from typing import Any

import pytest

from gateway.validation import Validator
from tests.unit.validation.conftest import found, patient

_URL = "http://sample.test/StructureDefinition/referred-patient"
_ID_CARD = "urn:oid:2.16.156.10011.1.3"
_CARD = "urn:oid:2.16.156.10011.1.19"


def profile(*elements: dict[str, Any], type_: str = "Patient", url: str = _URL) -> dict[str, Any]:
    """Make a profile of which only the differential is given."""
    return {
        "resourceType": "StructureDefinition",
        "url": url,
        "type": type_,
        "kind": "resource",
        "derivation": "constraint",
        "baseDefinition": f"http://hl7.org/fhir/StructureDefinition/{type_}",
        "differential": {"element": list(elements)},
    }


def element(id_: str, **more: Any) -> dict[str, Any]:
    path = ".".join(step.partition(":")[0] for step in id_.split("."))
    _, _, name = id_.rpartition(".")[2].partition(":")
    return {"id": id_, "path": path, **({"sliceName": name} if name else {}), **more}


SLICED = (
    element(
        "Patient.identifier",
        min=1,
        slicing={"discriminator": [{"type": "value", "path": "system"}], "rules": "open"},
    ),
    element("Patient.identifier:card", min=1, max="1"),
    element("Patient.identifier:card.system", min=1, fixedUri=_ID_CARD),
    element("Patient.identifier:card.value", min=1, maxLength=18),
    element("Patient.identifier:health", max="1"),
    element("Patient.identifier:health.system", min=1, fixedUri=_CARD),
)


def numbers(
    validator: Validator, definitions: list[dict[str, Any]], resource: dict[str, Any]
) -> set[tuple[str, str | None]]:
    own = validator.with_definitions(definitions)
    return found(own.check(resource, [definitions[0]["url"]]))


@pytest.mark.parametrize(
    ("elements", "changes", "expected"),
    [
        ([element("Patient.telecom", min=1)], {}, {("GW-4301", "Patient")}),
        ([element("Patient.contact", max="0")], {}, {("GW-4302", "Patient")}),
        ([element("Patient.gender", fixedCode="female")], {}, {("GW-4303", "Patient.gender")}),
        (
            [element("Patient.name", patternHumanName={"use": "usual"})],
            {},
            {("GW-4304", "Patient.name[0]")},
        ),
        ([element("Patient.name.family", max="0")], {}, {("GW-4302", "Patient.name[0]")}),
        (
            [element("Patient.deceased[x]", type=[{"code": "dateTime"}])],
            {"deceasedBoolean": True},
            {("GW-4305", "Patient.deceased.ofType(boolean)")},
        ),
        (
            [element("Patient.birthDate", minValueDate="1991-01-01")],
            {},
            {("GW-4309", "Patient.birthDate")},
        ),
        ([element("Patient.name.family", maxLength=1)], {"name": [{"family": "欧阳"}]},
         {("GW-4310", "Patient.name[0].family")}),
        (
            [
                element(
                    "Patient",
                    constraint=[
                        {
                            "key": "qs-1",
                            "severity": "error",
                            "human": "adults only",
                            "expression": "birthDate < @1980",
                        }
                    ],
                )
            ],
            {},
            {("GW-4012", "Patient")},
        ),
        (
            [
                element(
                    "Patient.managingOrganization",
                    type=[
                        {
                            "code": "Reference",
                            "targetProfile": ["http://hl7.org/fhir/StructureDefinition/Organization"],
                        }
                    ],
                )
            ],
            {"managingOrganization": {"reference": "Organization/1"}},
            set(),
        ),
    ],
)  # fmt: skip
def test_a_differential_is_enough(
    elements: list[dict[str, Any]],
    changes: dict[str, Any],
    expected: set[tuple[str, str]],
    validator: Validator,
) -> None:
    """No snapshot is needed: each constraint is checked at its element."""
    assert numbers(validator, [profile(*elements)], patient(**changes)) == expected


def test_slices_are_recognised_counted_and_checked(validator: Validator) -> None:
    """A value belongs to the slice whose discriminator it meets."""
    own = [profile(*SLICED)]
    assert numbers(validator, own, patient()) == set()
    two = [{"system": _ID_CARD, "value": "1"}, {"system": _ID_CARD, "value": "2"}]
    assert numbers(validator, own, patient(identifier=two)) == {("GW-4302", "Patient")}
    other = [{"system": "http://x.test", "value": "1"}]
    assert numbers(validator, own, patient(identifier=other)) == {("GW-4301", "Patient")}
    long = [{"system": _ID_CARD, "value": "1" * 19}]
    assert numbers(validator, own, patient(identifier=long)) == {
        ("GW-4310", "Patient.identifier[0].value")
    }
    without = [{"system": _ID_CARD, "use": "usual"}]
    assert numbers(validator, own, patient(identifier=without)) == {
        ("GW-4301", "Patient.identifier[0]")
    }


def test_a_closed_slicing_takes_nothing_else(validator: Validator) -> None:
    """The place is the value that fits no slice."""
    closed = {**SLICED[0], "slicing": {**SLICED[0]["slicing"], "rules": "closed"}}
    value = [{"system": _ID_CARD, "value": "1"}, {"system": "http://x.test", "value": "1"}]
    assert numbers(validator, [profile(closed, *SLICED[1:])], patient(identifier=value)) == {
        ("GW-4306", "Patient.identifier[1]")
    }


def test_a_profile_of_a_profile_keeps_what_its_parent_asks(validator: Validator) -> None:
    """The base's slices stand in the derived differential without being repeated."""
    derived = profile(
        element("Patient.identifier:health", min=1), url="http://sample.test/StructureDefinition/d"
    )
    derived["baseDefinition"] = _URL
    definitions = [derived, profile(*SLICED)]
    assert numbers(validator, definitions, patient()) == {("GW-4301", "Patient")}
    both = [{"system": _ID_CARD, "value": "1"}, {"system": _CARD, "value": "2"}]
    assert numbers(validator, definitions, patient(identifier=both)) == set()


def test_meta_profile_is_checked_without_being_asked(validator: Validator) -> None:
    """What a resource claims, it must keep."""
    own = validator.with_definitions([profile(element("Patient.telecom", min=1))])
    resource = patient(meta={"profile": [_URL]})
    assert found(own.check(resource)) == {("GW-4301", "Patient")}
    assert found(validator.check(resource), "warning") == {("GW-4312", "Patient.meta.profile[0]")}


def test_an_unknown_profile_that_was_asked_for_is_an_error(validator: Validator) -> None:
    """Silence would read as conformance."""
    assert found(validator.check(patient(), ["http://sample.test/none"])) == {
        ("GW-4312", "Patient")
    }


def test_definitions_of_one_validator_do_not_reach_another(validator: Validator) -> None:
    """The batch command relies on it."""
    strict = validator.with_definitions([profile(element("Patient.telecom", min=1))])
    loose = validator.with_definitions([profile(element("Patient.telecom", min=0))])
    assert found(strict.check(patient(), [_URL])) == {("GW-4301", "Patient")}
    assert found(loose.check(patient(), [_URL])) == set()


def test_a_circle_of_parent_definitions_is_a_finding(validator: Validator) -> None:
    """It must neither hang nor pass."""
    one, two = profile(url="http://sample.test/1"), profile(url="http://sample.test/2")
    one["baseDefinition"], two["baseDefinition"] = two["url"], one["url"]
    assert numbers(validator, [one, two], patient()) == {("GW-4316", "Patient")}


def test_core_profiles_check_what_they_ask(validator: Validator) -> None:
    """bodytemp, as HL7 publishes it with a snapshot: the unit must be Cel or degF."""
    temperature = {
        "resourceType": "Observation",
        "status": "final",
        "category": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                        "code": "vital-signs",
                    }
                ]
            }
        ],
        "code": {"coding": [{"system": "http://loinc.org", "code": "8310-5"}]},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2026-03-01",
        "valueQuantity": {
            "value": 37,
            "unit": "Cel",
            "system": "http://unitsofmeasure.org",
            "code": "Cel",
        },
    }
    asked = ["http://hl7.org/fhir/StructureDefinition/bodytemp"]
    assert found(validator.check(temperature, asked)) == set()
    kelvin = {**temperature, "valueQuantity": {**temperature["valueQuantity"], "code": "K"}}  # type: ignore[dict-item]
    assert {number for number, _ in found(validator.check(kelvin, asked))} == {"GW-4101"}
