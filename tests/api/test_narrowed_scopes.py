"""Scopes with search parameters (SMART 2.0): what they leave out is absent on every way."""

import uuid
from typing import Any

import pytest

from tests.support.consortium import SECRET, Browser, Consortium

LAB = "system/Observation.rs?category=laboratory"
NOW = "2026-03-02T12:00:00Z"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


def observation(category: str, subject: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"system": CATEGORY, "code": category}]}],
        "code": {"text": "x"},
        "subject": {"reference": f"Patient/{subject}"},
        **more,
    }


@pytest.fixture(scope="module")
def people(consortium: Consortium) -> dict[str, str]:
    county = consortium.client("qs-county")
    patient = county.post("/Patient", {"resourceType": "Patient"}).get_json()["id"]
    made = {"patient": patient, "code": f"narrow-{uuid.uuid4()}"}
    for category in ("laboratory", "survey"):
        answer = county.post("/Observation", observation(category, patient))
        assert answer.status_code == 201, answer.get_data(as_text=True)
        made[category] = answer.get_json()["id"]
    return made


@pytest.fixture(params=[LAB, f"{LAB} system/Patient.rs", f"{LAB} system/*.r"])
def narrow(consortium: Consortium, request: pytest.FixtureRequest) -> Browser:
    return consortium.client("qs-county", request.param)


def ids(browser: Browser, path: str) -> set[str]:
    answer = browser.get(path)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    entries = answer.get_json().get("entry", [])
    found = [one["resource"] for one in entries if one["resource"]["resourceType"] == "Observation"]
    return {one["id"] for one in found}


def test_read_and_search_give_what_the_parameters_find(
    narrow: Browser, people: dict[str, str]
) -> None:
    lab, survey = people["laboratory"], people["survey"]
    assert narrow.get(f"/Observation/{lab}").status_code == 200
    hidden = narrow.get(f"/Observation/{survey}")
    absent = narrow.get("/Observation/nowhere")
    assert hidden.status_code == absent.status_code == 404
    assert hidden.get_json()["issue"][0]["details"] == absent.get_json()["issue"][0]["details"]
    subject = f"subject=Patient/{people['patient']}"
    for path in (
        f"/Observation?{subject}",
        f"/Observation?{subject}&_sort=-_lastUpdated",
        f"/Observation?{subject}&category=survey,laboratory",
        f"/Observation?_id={lab},{survey}",
        f"/Observation?{subject}&status=final&_sort=_id",
    ):
        assert ids(narrow, path) == {lab}
    assert ids(narrow, f"/Observation?{subject}&category=survey") == set()
    assert narrow.get(f"/Observation?{subject}&_summary=count").get_json()["total"] == 1


def test_history_gives_current_versions_that_the_parameters_find(
    narrow: Browser, people: dict[str, str]
) -> None:
    lab, survey = people["laboratory"], people["survey"]
    assert narrow.get(f"/Observation/{lab}/_history/1").status_code == 200
    assert narrow.get(f"/Observation/{survey}/_history/1").status_code == 404
    assert ids(narrow, f"/Observation/{lab}/_history") == {lab}
    assert narrow.get(f"/Observation/{survey}/_history").status_code == 404
    assert survey not in ids(narrow, "/Observation/_history?_count=200")


def test_includes_and_chains_do_not_reach_what_is_left_out(
    consortium: Consortium, people: dict[str, str]
) -> None:
    narrow = consortium.client("qs-county", f"{LAB} system/Patient.rs")
    patient, lab = people["patient"], people["laboratory"]
    path = f"/Patient?_id={patient}&_revinclude=Observation:subject"
    assert ids(narrow, path) == {lab}
    for category, found in (("laboratory", 1), ("survey", 0)):
        has = f"/Patient?_id={patient}&_has:Observation:subject:category={category}"
        assert narrow.get(has).get_json()["total"] == found
    everything = narrow.get(f"/Patient/{patient}/$everything").get_json()["entry"]
    told = {one["resource"]["id"] for one in everything}
    assert lab in told
    assert people["survey"] not in told


def test_what_changed_out_of_the_scope_is_gone_with_its_older_versions(
    consortium: Consortium, people: dict[str, str]
) -> None:
    county, narrow = consortium.client("qs-county"), consortium.client("qs-county", LAB)
    made = county.post("/Observation", observation("laboratory", people["patient"])).get_json()
    address = f"/Observation/{made['id']}"
    assert narrow.get(address).status_code == 200
    changed = observation("survey", people["patient"], id=made["id"])
    assert county.put(address, changed).status_code == 200
    for path in (address, f"{address}/_history/1", f"{address}/_history/2"):
        assert narrow.get(path).status_code == 404
    gone = consortium.client("operator", LAB)
    assert gone.get(address).status_code == 404


def test_what_is_left_out_is_not_changed_either(
    consortium: Consortium, people: dict[str, str]
) -> None:
    writer = consortium.client("qs-county", f"system/Observation.cud {LAB}")
    for category, status in (("laboratory", 200), ("survey", 405)):
        changed = observation(category, people["patient"], id=people[category], issued=NOW)
        answer = writer.put(f"/Observation/{people[category]}", changed)
        assert answer.status_code == status, answer.get_data(as_text=True)
    absent = writer.put("/Observation/nowhere", observation("survey", "x", id="nowhere"))
    assert (absent.status_code, absent.get_json()) == (405, answer.get_json())


def test_a_scope_that_cannot_be_enforced_is_refused_at_the_token(consortium: Consortium) -> None:
    form = {"grant_type": "client_credentials", "scope": "system/Observation.rs?subject.name=x"}
    form |= {"client_id": "qs-county", "client_secret": SECRET}
    answer = consortium.app.test_client().post("/oauth/token", data=form)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_scope")
