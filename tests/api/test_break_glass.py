"""Break-glass, stated purposes, and what a consent cannot say."""

from typing import Any

import pytest

from gateway.fhir.systems import ID_CARD
from gateway.store import Wanted
from gateway.validation import Validator
from tests.support.access_world import World
from tests.support.consortium import Browser, Consortium

PURPOSE = "X-Purpose-Of-Use"


@pytest.fixture(scope="module")
def world(consortium: Consortium) -> World:
    return World(consortium)


def _urgent(number: str, reason: str = "昏迷，无家属") -> dict[str, Any]:
    named = {"name": "identifier", "valueIdentifier": {"system": ID_CARD, "value": number}}
    parameters = [named, {"name": "reason", "valueString": reason}]
    return {"resourceType": "Parameters", "parameter": parameters}


def _number(answer: Any) -> str:
    return str(answer.get_json()["issue"][0]["details"]["coding"][0]["code"])


def test_breaking_the_glass_tells_those_who_watch(
    world: World, consortium: Consortium, city: Browser, operator: Browser
) -> None:
    case = world.play("unrelated")
    assert city.get(f"/Patient/{case.patient}").status_code == 404
    assert city.post("/Patient/$break-glass", _urgent(case.number)).status_code == 200
    assert city.get(f"/Patient/{case.patient}").status_code == 200
    store = consortium.runtime.store
    row = next(
        one for one in store.audit.find(1, Wanted("lj-city"), 5) if one.word == "$break-glass"
    )
    [reference] = row.seen.resources
    bureau = consortium.client("qs-bureau")
    event = bureau.get(f"/{reference}").get_json()
    assert event["purposeOfEvent"][0]["text"] == "昏迷，无家属"
    found = Validator(consortium.runtime.definitions).check(event)
    assert [one for one in found if one.severity in {"error", "fatal"}] == []
    assert operator.get(f"/{reference}").status_code == 200
    assert consortium.client("qs-county").get(f"/{reference}").status_code == 404
    told = {one.recipient for one in store.outbox.search(1) if one.focus == reference}
    assert {"qs-bureau", "operator"} <= told


def test_breaking_the_glass_tells_nothing_of_whether_the_person_is_known(
    world: World, city: Browser
) -> None:
    known = city.post("/Patient/$break-glass", _urgent(world.play("unrelated").number))
    unknown = city.post("/Patient/$break-glass", _urgent("429901195001010018"))
    assert known.status_code == unknown.status_code == 200
    assert known.get_json().keys() == unknown.get_json().keys()


def test_the_glass_needs_a_hospital_and_a_reason(consortium: Consortium, city: Browser) -> None:
    insurer = consortium.client("qs-insurer")
    asked = _urgent("429901195001010018")
    assert _number(insurer.post("/Patient/$break-glass", asked)) == "GW-8033"
    assert _number(city.post("/Patient/$break-glass", _urgent("1", "x"))) == "GW-7020"
    nobody = {"resourceType": "Parameters", "parameter": asked["parameter"][1:]}
    assert _number(city.post("/Patient/$break-glass", nobody)) == "GW-7020"


def test_a_regulator_reads_identified_referrals_for_a_documented_purpose_only(
    world: World, consortium: Consortium
) -> None:
    case = world.play("received")
    bureau = consortium.client("qs-bureau")
    path = f"/ServiceRequest?subject=Patient/{case.patient}"
    stated = {PURPOSE: "PUBHLTH; check of referral rates"}
    assert bureau.get(path).get_json()["total"] == 0
    assert bureau.ask("GET", path, headers={PURPOSE: "PUBHLTH"}).get_json()["total"] == 0
    found = bureau.ask("GET", path, headers=stated).get_json()
    assert found["total"] == 1
    order = found["entry"][0]["resource"]["id"]
    assert bureau.get(f"/ServiceRequest/{order}").status_code == 404
    answer = bureau.ask("GET", f"/ServiceRequest/{order}", headers=stated)
    assert answer.status_code == 200
    row = consortium.runtime.store.audit.find(1, Wanted("qs-bureau"), 1)[0]
    assert (row.purpose, row.reason) == ("PUBHLTH", "check of referral rates")
    refused = bureau.ask("GET", path, headers={PURPOSE: "CURIOSITY; x"})
    assert _number(refused) == "GW-8032"


@pytest.mark.parametrize(
    ("provision", "number"),
    [
        ({"type": "permit", "purpose": [{"code": "TREAT"}]}, "GW-8030"),
        ({"type": "permit", "class": [{"code": "Observation"}]}, "GW-8030"),
        ({"period": {"end": "2030"}}, "GW-8030"),
        (
            {
                "type": "permit",
                "actor": [
                    {
                        "role": {"text": "x"},
                        "reference": {"reference": "Organization/org-unknown"},
                    }
                ],
            },
            "GW-8031",
        ),
        (
            {
                "type": "deny",
                "provision": [
                    {"type": "permit", "period": {"end": "2030"}},
                    {"type": "permit"},
                ],
            },
            "GW-8030",
        ),
    ],
)
def test_a_consent_that_cannot_be_enforced_is_refused(
    world: World, county: Browser, provision: dict[str, Any], number: str
) -> None:
    patient = world.play("unrelated").patient
    consent = {
        "resourceType": "Consent",
        "status": "active",
        "scope": {"text": "privacy"},
        "category": [{"text": "privacy"}],
        "patient": {"reference": f"Patient/{patient}"},
        "policyRule": {"text": "consortium"},
        "provision": provision,
    }
    answer = county.post("/Consent", consent)
    assert answer.status_code == 422
    assert _number(answer) == number
