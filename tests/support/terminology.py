"""Answers of terminology operations, read strictly."""

from typing import Any

from fhir.resources.R4B.parameters import Parameters
from fhir.resources.R4B.valueset import ValueSet

from gateway.fhir.systems import ROOT

GENDER = "http://hl7.org/fhir/administrative-gender"
GENDERS = "http://hl7.org/fhir/ValueSet/administrative-gender"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
TIER = f"{ROOT}/CodeSystem/org-tier"
LOINC = "http://loinc.org"


def told(answer: Any, status: int = 200) -> dict[str, Any]:
    """Give the single output parameters by name; the foreign library reads them all."""
    assert answer.status_code == status, answer.get_data(as_text=True)
    body = answer.get_json()
    Parameters.model_validate(body)
    return {
        one["name"]: next(value for key, value in one.items() if key.startswith("value"))
        for one in body["parameter"]
        if "part" not in one
    }


def parts(answer: Any, name: str) -> list[dict[str, Any]]:
    """Give the composed output parameters of a name, each as a dictionary."""
    return [
        {
            part["name"]: next(value for key, value in part.items() if key.startswith("value"))
            for part in one["part"]
            if "part" not in part
        }
        for one in answer.get_json()["parameter"]
        if one["name"] == name
    ]


def codes(answer: Any) -> list[str]:
    """Give the codes of an expansion; the foreign library reads it."""
    assert answer.status_code == 200, answer.get_data(as_text=True)
    body = answer.get_json()
    ValueSet.model_validate(body)
    return [one["code"] for one in body["expansion"].get("contains", ())]


def parameters(**values: Any) -> dict[str, Any]:
    """Make the Parameters of a POST: ``name=("valueCode", value)``."""
    listed = [{"name": name, element: value} for name, (element, value) in values.items()]
    return {"resourceType": "Parameters", "parameter": listed}
