"""$meta, $meta-add, $meta-delete."""

from typing import Any

import pytest

from tests.support.asserts import outcome
from tests.support.consortium import Browser, Consortium
from tests.support.resources import patient

TAG = {"system": "urn:t", "code": "checked"}


def given(**meta: Any) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": meta}]}


@pytest.fixture
def path(county: Browser) -> str:
    return f"/Patient/{county.post('/Patient', patient()).get_json()['id']}"


def test_labels_are_added_once_and_removed(county: Browser, path: str) -> None:
    profile = "http://hl7.org/fhir/StructureDefinition/Patient"
    added = county.post(f"{path}/$meta-add", given(tag=[TAG], profile=[profile])).get_json()
    [parameter] = added["parameter"]
    assert parameter["name"] == "return"
    assert parameter["valueMeta"]["tag"] == [TAG]
    assert parameter["valueMeta"]["versionId"] == "2"
    again = county.post(f"{path}/$meta-add", given(tag=[TAG | {"display": "x"}])).get_json()
    assert again["parameter"][0]["valueMeta"]["versionId"] == "2"
    assert county.get(f"{path}/$meta").get_json()["parameter"][0]["valueMeta"]["tag"] == [TAG]
    gone = county.post(f"{path}/$meta-delete", given(tag=[TAG])).get_json()
    assert "tag" not in gone["parameter"][0]["valueMeta"]
    assert gone["parameter"][0]["valueMeta"]["profile"] == [profile]
    assert "gender" in county.get(path).get_json()


def test_labels_of_what_is_not_seen_are_not_told(county: Browser, city: Browser, path: str) -> None:
    for method, word, body in (
        ("GET", "$meta", None),
        ("POST", "$meta-add", given(tag=[TAG])),
        ("POST", "$meta-delete", given(tag=[TAG])),
    ):
        absent = city.ask(method, f"/Patient/nobody/{word}", body)
        outcome(absent, 404, "GW-7002")
        assert city.ask(method, f"{path}/{word}", body).get_data() == absent.get_data()
    assert county.get(path).headers["ETag"] == 'W/"1"'


def test_a_body_without_meta_is_refused(county: Browser, path: str) -> None:
    outcome(county.post(f"{path}/$meta-add", patient()), 400, "GW-7013")
    wrong = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": 7}]}
    outcome(county.post(f"{path}/$meta-add", wrong), 422, "GW-4006")
    outcome(county.post(f"{path}/$meta-add", given(tag="x")), 422, "GW-4004")
    nothing = {"resourceType": "Parameters"}
    outcome(county.post(f"{path}/$meta-add", nothing), 400, "GW-7020")
    other = {"resourceType": "Parameters", "parameter": [{"name": "other", "valueCode": "x"}]}
    outcome(county.post(f"{path}/$meta-add", other), 400, "GW-7206")


def labels(browser: Browser, path: str, method: str = "GET") -> dict[str, set[str]]:
    [parameter] = browser.ask(method, path).get_json()["parameter"]
    meta = parameter["valueMeta"]
    assert "versionId" not in meta
    return {
        "profile": set(meta.get("profile", ())),
        "security": {one["code"] for one in meta.get("security", ())},
        "tag": {one["code"] for one in meta.get("tag", ())},
    }


def test_the_labels_in_use_are_told_of_a_type_and_of_all_types(
    county: Browser, city: Browser, path: str
) -> None:
    profile = "http://hl7.org/fhir/StructureDefinition/vitalsigns"
    secret = {
        "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R",
    }  # fmt: skip
    county.post(f"{path}/$meta-add", given(tag=[TAG | {"code": "county"}], security=[secret]))
    city.post("/Patient", patient(meta={"tag": [TAG | {"code": "city"}]}))
    gone = county.post("/Patient", patient(meta={"tag": [TAG | {"code": "gone"}]})).get_json()
    county.ask("DELETE", f"/Patient/{gone['id']}")
    county.post("/Organization", {
        "resourceType": "Organization", "name": "x", "meta": {"tag": [TAG | {"code": "house"}]},
    })  # fmt: skip
    of_type = labels(county, "/Patient/$meta")
    assert {"county"} <= of_type["tag"]
    assert "R" in of_type["security"]
    assert not {"city", "gone", "house"} & of_type["tag"]
    of_all = labels(county, "/$meta", "POST")
    assert {"county", "house"} <= of_all["tag"]
    assert not {"city", "gone"} & of_all["tag"]
    assert {"city", "house"} <= labels(city, "/$meta")["tag"]
    assert profile not in of_all["profile"]


def test_labels_are_told_within_the_scopes_only(consortium: Consortium, county: Browser) -> None:
    county.post("/Patient", patient(meta={"tag": [TAG | {"code": "narrow"}]}))
    narrow = consortium.client("qs-county", "system/Organization.rs")
    assert "narrow" not in labels(narrow, "/$meta")["tag"]
    outcome(narrow.get("/Patient/$meta"), 403, "GW-8003")
