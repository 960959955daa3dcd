"""SearchParameters of a tenant's own, from POST to $reindex."""

from typing import Any

import pytest

from tests.support.asserts import outcome
from tests.support.consortium import Browser, Consortium
from tests.support.resources import patient


def definition(code: str, **changed: Any) -> dict[str, Any]:
    return {
        "resourceType": "SearchParameter",
        "url": f"https://example.org/SearchParameter/{code}",
        "name": code.replace("-", "_").upper(),
        "status": "active",
        "description": "Of the tests",
        "code": code,
        "base": ["Patient"],
        "type": "token",
        "expression": "Patient.communication.language",
        **changed,
    }


def speaker(language: str) -> dict[str, Any]:
    return patient() | {
        "communication": [
            {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": language}]}}
        ]
    }


def build(consortium: Consortium) -> None:
    while consortium.runtime.store.parameters.work(1):
        pass


def found(browser: Browser, query: str) -> set[str]:
    bundle = browser.get(f"/Patient?{query}").get_json()
    return {one["resource"]["id"] for one in bundle.get("entry", ())}


def status(browser: Browser, path: str) -> dict[str, Any]:
    answer = browser.get(f"{path}/$reindex").get_json()
    return {
        one["name"]: value
        for one in answer["parameter"]
        for key, value in one.items()
        if key.startswith("value")
    }


def claimed(consortium: Consortium, browser: Browser | None = None) -> set[str]:
    client = browser or consortium.client("qs-county")
    [rest] = client.get("/metadata").get_json()["rest"]
    [of_type] = [one for one in rest["resource"] if one["type"] == "Patient"]
    return {one["definition"] for one in of_type["searchParam"]}


def test_a_posted_parameter_is_indexed_online_and_answers_when_whole(
    consortium: Consortium, county: Browser
) -> None:
    before = county.post("/Patient", speaker("zh")).get_json()["id"]
    posted = county.post("/SearchParameter", definition("spoken"))
    assert posted.status_code == 201
    path = f"/SearchParameter/{posted.get_json()['id']}"
    refused = county.get("/Patient?spoken=zh")
    outcome(refused, 503, "GW-7110")
    assert int(refused.headers["Retry-After"]) > 0
    outcome(county.get("/Observation?patient.spoken=zh"), 503, "GW-7110")
    assert status(county, path)["status"] == "building"
    url = definition("spoken")["url"]
    assert url not in claimed(consortium)
    meanwhile = county.post("/Patient", speaker("zh")).get_json()["id"]
    build(consortium)
    told = status(county, path)
    assert (told["status"], told["code"], told["url"]) == ("active", "spoken", url)
    assert told["done"] == told["total"] > 0
    later = county.post("/Patient", speaker("zh")).get_json()["id"]
    assert {before, meanwhile, later} <= found(county, "spoken=zh&_count=1000")
    assert url in claimed(consortium)
    everything = county.get("/SearchParameter/$reindex").get_json()["parameter"]
    assert "spoken" in {part.get("valueCode") for one in everything for part in one["part"]}


def test_a_parameter_is_found_by_conditions_chains_sorts_and_everything_else(
    consortium: Consortium, county: Browser
) -> None:
    county.post("/SearchParameter", definition("tongue"))
    build(consortium)
    person = county.post("/Patient", speaker("fr")).get_json()["id"]
    about = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": f"Patient/{person}"},
    }
    observation = county.post("/Observation", about).get_json()["id"]
    chained = county.get("/Observation?patient.tongue=fr").get_json()
    assert [one["resource"]["id"] for one in chained["entry"]] == [observation]
    assert county.get("/Patient?_sort=tongue&tongue:missing=false").status_code == 200
    again = county.post("/Patient", speaker("fr"), If_None_Exist="tongue=fr")
    assert (again.status_code, again.headers["Location"].split("/")[-3]) == (200, person)


def test_a_deleted_or_retired_parameter_disappears(consortium: Consortium, county: Browser) -> None:
    for code, end in (("ended", "DELETE"), ("closed", "PUT")):
        path = (
            f"/SearchParameter/{county.post('/SearchParameter', definition(code)).get_json()['id']}"
        )
        build(consortium)
        assert county.get(f"/Patient?{code}=zh").status_code == 200
        gone = definition(code) | {"status": "retired", "id": path.rpartition("/")[2]}
        assert county.ask(end, path, gone if end == "PUT" else None).status_code in {200, 204}
        outcome(county.get(f"/Patient?{code}=zh"), 400, "GW-7101")
        build(consortium)
        outcome(county.get(f"/Patient?{code}=zh"), 400, "GW-7101")
        assert definition(code)["url"] not in claimed(consortium)
        if end == "PUT":
            assert status(county, path)["status"] == "inactive"


def test_only_its_owner_rebuilds_a_parameter(
    consortium: Consortium, county: Browser, city: Browser
) -> None:
    path = (
        f"/SearchParameter/{county.post('/SearchParameter', definition('redone')).get_json()['id']}"
    )
    build(consortium)
    outcome(city.post(f"{path}/$reindex", None), 403, "GW-8005")
    reader = consortium.client("qs-county", "system/*.rs")
    outcome(reader.post(f"{path}/$reindex", None), 403, "GW-8003")
    assert county.post(f"{path}/$reindex", None).status_code == 200
    assert status(city, path)["status"] == "building"
    outcome(county.get("/Patient?redone=zh"), 503, "GW-7110")
    build(consortium)
    assert county.get("/Patient?redone=zh").status_code == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"code": "gender"},
        {"expression": "Patient.nothing"},
        {"expression": "Patient.name.where(given.matches('x'))"},
        {"type": "composite"},
        {"url": "https://example.org/SearchParameter/taken"},
        {"code": "taken"},
    ],
)
def test_a_parameter_that_could_not_answer_is_refused_before_it_is_stored(
    consortium: Consortium, county: Browser, changed: dict[str, Any]
) -> None:
    if not found_definition(county, "taken"):
        assert county.post("/SearchParameter", definition("taken")).status_code == 201
        build(consortium)
    wrong = definition("wrong") | changed
    outcome(county.post("/SearchParameter", wrong), 400, "GW-7111")
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"resource": wrong, "request": {"method": "POST", "url": "SearchParameter"}}],
    }
    outcome(county.post("/", bundle), 400, "GW-7111")
    assert not found_definition(county, "wrong")
    assert county.post("/SearchParameter", wrong | {"status": "draft"}).status_code == 201
    for one in found_definition(county, wrong["code"], "draft"):
        county.ask("DELETE", f"/SearchParameter/{one}")


def found_definition(browser: Browser, code: str, state: str = "active") -> list[str]:
    bundle = browser.get(f"/SearchParameter?code={code}&status={state}").get_json()
    return [one["resource"]["id"] for one in bundle.get("entry", ())]


def test_two_of_one_code_in_one_bundle_are_refused(county: Browser) -> None:
    entries = [
        {
            "resource": definition("twin", url=f"urn:twin:{n}"),
            "request": {"method": "POST", "url": "SearchParameter"},
        }
        for n in range(2)
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    outcome(county.post("/", bundle), 400, "GW-7111")
