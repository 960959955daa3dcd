"""One defect gives one finding, at the place where it is mended."""

from typing import Any

from gateway.fhir import definitions
from gateway.records import Resource
from gateway.validation import Validator

_ROOT = "https://example.com/fhir/StructureDefinition/"
_CODE = {"coding": [{"system": "http://loinc.org", "code": "1-8"}]}
_OBSERVATION = {"resourceType": "Observation", "status": "final", "code": _CODE}


def _profile(*elements: Resource) -> Resource:
    return {
        "resourceType": "StructureDefinition",
        "url": _ROOT + "Asked",
        "name": "Asked",
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": "Observation",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Observation",
        "derivation": "constraint",
        "differential": {"element": list(elements)},
    }


def _numbers(resource: Resource, *definitions_: Resource, asks: bool = True) -> list[str]:
    validator = Validator(definitions.load(), definitions_)
    found = validator.check(resource, (_ROOT + "Asked",) if asks else ())
    return [one.number for one in found if one.severity == "error"]


def test_a_value_of_a_wrong_type_is_not_asked_for_its_code_too() -> None:
    element = {
        "id": "Observation.value[x]",
        "path": "Observation.value[x]",
        "type": [{"code": "CodeableConcept"}],
        "binding": {
            "strength": "required",
            "valueSet": "http://hl7.org/fhir/ValueSet/administrative-gender",
        },
    }
    assert _numbers({**_OBSERVATION, "valueString": "x"}, _profile(element)) == ["GW-4305"]


def test_a_value_that_meets_two_slices_is_not_asked_for_what_each_wants() -> None:
    sliced = {
        "id": "Observation.component",
        "path": "Observation.component",
        "slicing": {"discriminator": [{"type": "value", "path": "code"}], "rules": "open"},
    }
    both = [
        {
            "id": f"Observation.component:{name}{member}",
            "path": f"Observation.component{member}",
            **({} if member else {"sliceName": name, "min": 0, "max": "1"}),
            **({"patternCodeableConcept": _CODE} if member == ".code" else {}),
            **({"min": 1} if member == ".value[x]" else {}),
        }
        for name in ("one", "other")
        for member in ("", ".code", ".value[x]")
    ]
    resource = {**_OBSERVATION, "component": [{"code": _CODE}]}
    assert _numbers(resource, _profile(sliced, *both)) == ["GW-4307"]


def test_a_code_that_its_system_does_not_have_is_not_also_outside_the_value_set() -> None:
    status = {
        "coding": [
            {"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "gone"}
        ]
    }
    condition = {
        "resourceType": "Condition",
        "subject": {"reference": "Patient/p"},
        "clinicalStatus": status,
    }
    assert _numbers(condition, asks=False) == ["GW-4103"]


def test_a_rule_without_end_is_one_finding_for_the_whole_resource() -> None:
    names = "descendants()"
    element: dict[str, Any] = {
        "id": "Observation.component",
        "path": "Observation.component",
        "constraint": [
            {
                "key": "heavy-1",
                "severity": "error",
                "human": "never ends",
                "expression": f"%resource.{names}.where(%resource.{names}.where(%resource.{names}"
                f".where(%resource.{names}.exists()).exists()).exists()).exists()",
            }
        ],
    }
    resource = {**_OBSERVATION, "component": [{"code": _CODE, "valueInteger": 1}] * 40}
    found = Validator(definitions.load(), [_profile(element)]).check(resource, (_ROOT + "Asked",))
    stopped = [one for one in found if one.number == "GW-4013"]
    assert len(stopped) == 1
    assert "1,000,000 steps" in str(stopped[0].text_en)


def test_a_national_identifier_type_needs_no_warning() -> None:
    """R4's value set lacks it, its table has it, and the binding is extensible."""
    coding = {"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "NI"}
    identifier = {"type": {"coding": [coding]}, "system": "urn:oid:1.2.3", "value": "1"}
    validator = Validator(definitions.load())
    assert not validator.check({"resourceType": "Patient", "identifier": [identifier]})
    coding["system"] = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
    coding["code"] = "SPS"
    found = validator.check({"resourceType": "Patient", "identifier": [identifier]})
    assert [one.number for one in found] == ["GW-4102"]
