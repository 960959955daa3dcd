"""What one member writes about another's patient opens nothing of it, and holds nobody up."""

from typing import Any

from gateway.fhir.systems import (
    ID_CARD,
    REFERRAL_DIRECTION,
    REFERRAL_TASK,
    REFERRAL_TYPE,
    SERVICE_CATEGORY,
)
from tests.support.consortium import Browser

NUMBER = "420300196205143622"
PERSON: dict[str, Any] = {
    "resourceType": "Patient",
    "identifier": [{"system": ID_CARD, "value": NUMBER}],
    "name": [{"text": "林桂芳"}],
}
CITY = {"reference": "Organization/org-lj-city"}


def _concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def _referral(patient: str, performer: dict[str, str]) -> dict[str, Any]:
    return {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "category": [
            _concept(SERVICE_CATEGORY, "referral"),
            _concept(REFERRAL_DIRECTION, "up"),
        ],
        "code": _concept(REFERRAL_TYPE, "inpatient"),
        "subject": {"reference": patient},
        "authoredOn": "2026-11-20T10:00:00+08:00",
        "requester": CITY,
        "performer": [performer],
    }


def _task(order: str, patient: str) -> dict[str, Any]:
    return {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": _concept(REFERRAL_TASK, "fulfil-referral"),
        "focus": {"reference": order},
        "for": {"reference": patient},
        "requester": CITY,
        "owner": CITY,
    }


def _made(browser: Browser, resource: dict[str, Any]) -> str:
    answer = browser.post(f"/{resource['resourceType']}", resource)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    return f"{resource['resourceType']}/{answer.get_json()['id']}"


def test_knowing_an_id_card_number_opens_nobodys_records(county: Browser, city: Browser) -> None:
    theirs = _made(county, PERSON)
    own = _made(city, PERSON)
    assert city.get(f"/{theirs}").status_code == 404
    refused = city.post("/ServiceRequest", _referral(own, CITY))
    assert refused.get_json()["issue"][0]["details"]["coding"][0]["code"] == "GW-6205"
    order = _made(city, _referral(own, {"reference": "Organization/org-qs-county"}))
    refused = city.post("/Task", _task(order, own))
    assert refused.get_json()["issue"][0]["details"]["coding"][0]["code"] == "GW-6205"
    assert city.get(f"/{theirs}").status_code == 404


def test_a_stored_profile_cannot_hold_the_server_up(county: Browser) -> None:
    address = "https://county.example/slow"
    profile = {
        "resourceType": "StructureDefinition",
        "url": address,
        "name": "Slow",
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": "Basic",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Basic",
        "derivation": "constraint",
        "differential": {
            "element": [
                {
                    "id": "Basic",
                    "path": "Basic",
                    "constraint": [
                        {
                            "key": "slow-1",
                            "severity": "error",
                            "human": "slow",
                            "expression": "code.text.matches('^(a+)+$')",
                        }
                    ],
                }
            ]
        },
    }
    assert county.post("/StructureDefinition", profile).status_code == 201
    stating = {
        "resourceType": "Basic",
        "meta": {"profile": [address]},
        "code": {"text": "a" * 40 + "!"},
    }
    found = county.post("/Basic/$validate", stating).get_data(as_text=True)
    assert "GW-4013" in found
