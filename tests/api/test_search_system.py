"""Search over types, in compartments, and everything about a patient or an encounter."""

from typing import Any
from uuid import uuid4

import pytest

from tests.support.asserts import outcome
from tests.support.consortium import Browser, Consortium
from tests.support.resources import bundle, entry, observation, patient


def ids(answer: Any) -> list[str]:
    """Give ``Type/id`` of the entries."""
    listed = answer.get_json().get("entry", [])
    return ["/".join(one["fullUrl"].split("/")[-2:]) for one in listed]


@pytest.fixture
def record(county: Browser) -> dict[str, str]:
    """A patient with an encounter, two observations and a practitioner of the directory."""
    doctor = county.post("/Practitioner", {"resourceType": "Practitioner"}).get_json()["id"]
    person = county.post("/Patient", patient()).get_json()["id"]
    encounter = county.post(
        "/Encounter",
        {
            "resourceType": "Encounter",
            "status": "finished",
            "class": {
                "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
                "code": "IMP",
            },
            "subject": {"reference": f"Patient/{person}"},
        },
    ).get_json()["id"]
    told = {"performer": [{"reference": f"Practitioner/{doctor}"}]}
    first = county.post(
        "/Observation",
        observation(f"Patient/{person}", encounter={"reference": f"Encounter/{encounter}"}, **told),
    ).get_json()["id"]
    second = county.post("/Observation", observation(f"Patient/{person}")).get_json()["id"]
    county.post("/Observation", observation("Patient/somebody-else"))
    return {
        "patient": f"Patient/{person}",
        "encounter": f"Encounter/{encounter}",
        "doctor": f"Practitioner/{doctor}",
        "first": f"Observation/{first}",
        "second": f"Observation/{second}",
    }


def test_the_system_is_searched_by_type_and_by_what_all_types_have(county: Browser) -> None:
    tag = uuid4().hex
    meta = {"tag": [{"system": "urn:t", "code": tag}]}
    one = county.post("/Patient", patient(meta=meta)).get_json()["id"]
    two = county.post("/Observation", observation("Patient/x", meta=meta)).get_json()["id"]
    both = {f"Patient/{one}", f"Observation/{two}"}
    assert set(ids(county.get(f"/?_tag=urn:t|{tag}"))) == both
    assert set(ids(county.get(f"/?_tag=urn:t|{tag}&_type=Patient,Observation"))) == both
    assert ids(county.get(f"/?_tag=urn:t|{tag}&_type=Patient")) == [f"Patient/{one}"]
    assert county.get(f"/?_tag=urn:t|{tag}&_summary=count").get_json()["total"] == 2
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    posted = county.ask("POST", "/_search", data=f"_tag=urn:t|{tag}", headers=form)
    assert set(ids(posted)) == both
    first = county.get(f"/?_tag=urn:t|{tag}&_count=1").get_json()
    [link] = [one["url"] for one in first["link"] if one["relation"] == "next"]
    assert len(ids(county.get(link.partition("/fhir")[2]))) == 1
    strict = county.get("/?gender=female", Prefer="handling=strict")
    outcome(strict, 400, "GW-7101")
    outcome(county.get("/?_type=Nothing"), 400, "GW-7102")


def test_a_system_search_shows_no_more_than_token_and_member_may_see(
    consortium: Consortium, city: Browser, county: Browser
) -> None:
    tag = uuid4().hex
    meta = {"tag": [{"system": "urn:t", "code": tag}]}
    county.post("/Patient", patient(meta=meta))
    assert ids(city.get(f"/?_tag=urn:t|{tag}")) == []
    reader = consortium.client("qs-county", "system/Observation.rs")
    assert ids(reader.get(f"/?_tag=urn:t|{tag}")) == []
    outcome(reader.get("/?_type=Patient"), 403, "GW-8003")


def test_a_compartment_holds_what_leads_to_its_owner(
    county: Browser, record: dict[str, str]
) -> None:
    found = ids(county.get(f"/{record['patient']}/Observation"))
    assert set(found) == {record["first"], record["second"]}
    assert ids(county.get(f"/{record['patient']}/Encounter")) == [record["encounter"]]
    assert ids(county.get(f"/{record['encounter']}/Observation")) == [record["first"]]
    assert ids(county.get(f"/{record['doctor']}/Observation")) == [record["first"]]
    narrowed = county.get(f"/{record['patient']}/Observation?code=718-7&_count=1").get_json()
    assert narrowed["total"] == 2
    assert len(narrowed["entry"]) == 1
    none = county.get(f"/{record['patient']}/Observation?code=none")
    assert none.get_json()["total"] == 0
    everywhere = set(ids(county.get(f"/{record['patient']}/*")))
    assert {record["first"], record["second"], record["encounter"]} == everywhere


def test_a_compartment_that_is_none_is_not_found(county: Browser, record: dict[str, str]) -> None:
    for path in (
        "/Organization/x/Observation",
        f"/{record['patient']}/Organization",
        f"/{record['patient']}/Nothing",
    ):
        outcome(county.get(path), 404, "GW-7010")
    outcome(county.get(f"/{record['patient']}/$nothing"), 404, "GW-7019")


def test_a_compartment_shows_no_more_than_the_member_sees(
    city: Browser, consortium: Consortium, record: dict[str, str]
) -> None:
    absent = city.get("/Patient/nobody/Observation").get_json()
    invisible = city.get(f"/{record['patient']}/Observation").get_json()
    for one in (absent, invisible):
        one["link"] = []
    assert absent == invisible
    reader = consortium.client("qs-county", "system/Patient.rs")
    outcome(reader.get(f"/{record['patient']}/Observation"), 403, "GW-8003")


def test_everything_brings_the_compartment_and_what_it_refers_to(
    county: Browser, record: dict[str, str]
) -> None:
    answer = county.get(f"/{record['patient']}/$everything")
    assert set(ids(answer)) == set(record.values())
    assert ids(answer)[0] == record["patient"]
    modes = {
        one["fullUrl"].split("/")[-2]: one["search"]["mode"] for one in answer.get_json()["entry"]
    }
    assert modes["Practitioner"] == "include"
    assert modes["Observation"] == "match"
    of_encounter = set(ids(county.get(f"/{record['encounter']}/$everything")))
    assert of_encounter == {
        record["encounter"], record["first"], record["patient"], record["doctor"]
    }  # fmt: skip


def test_everything_is_narrowed_and_paged(county: Browser, record: dict[str, str]) -> None:
    asked = {
        "resourceType": "Parameters",
        "parameter": [{"name": "_type", "valueCode": "Encounter"}],
    }
    posted = county.ask("POST", f"/{record['patient']}/$everything", asked)
    assert set(ids(posted)) == {record["encounter"]}
    path = f"/{record['patient']}/$everything?_count=1"
    found: list[str] = []
    while path:
        answer = county.get(path)
        found += ids(answer)
        links = {one["relation"]: one["url"] for one in answer.get_json()["link"]}
        path = links.get("next", "").partition("/fhir")[2]
    assert set(found) == set(record.values())
    later = county.get(f"/{record['patient']}/$everything?_since=2999-01-01T00:00:00Z")
    assert ids(later) == [record["patient"]]
    outcome(county.get(f"/{record['patient']}/$everything?begin=2026"), 400, "GW-7020")


def test_everything_of_somebody_invisible_is_not_there(
    city: Browser, record: dict[str, str]
) -> None:
    absent = city.get("/Patient/nobody/$everything")
    invisible = city.get(f"/{record['patient']}/$everything")
    outcome(absent, 404, "GW-7002")
    assert absent.get_data() == invisible.get_data()


def test_searches_and_operations_are_entries_of_bundles(
    county: Browser, record: dict[str, str]
) -> None:
    asked = [
        entry("GET", f"{record['patient']}/Observation"),
        entry("GET", f"{record['patient']}/$everything?_count=5"),
        entry("POST", "Patient/_search?_id=" + record["patient"].partition("/")[2]),
        entry("POST", "Patient/$validate", patient(gender="perhaps")),
        entry("GET", "?_type=Patient&_summary=count"),
        entry("GET", "Patient/_history?_count=1"),
        entry("HEAD", record["patient"]),
    ]
    for kind in ("batch", "transaction"):
        answer = county.post("/", bundle(kind, *asked))
        assert answer.status_code == 200, answer.get_data(as_text=True)
        told = answer.get_json()["entry"]
        assert [one["response"]["status"] for one in told] == ["200 OK"] * 7
        assert told[0]["resource"]["total"] == 2
        assert told[1]["resource"]["type"] == "searchset"
        assert told[2]["resource"]["total"] == 1
        assert told[3]["response"]["outcome"]["issue"][0]["severity"] == "error"
        assert told[5]["resource"]["type"] == "history"


def test_an_operation_that_writes_is_no_part_of_a_transaction(
    county: Browser, record: dict[str, str]
) -> None:
    add = {
        "resourceType": "Parameters",
        "parameter": [{"name": "meta", "valueMeta": {"tag": [{"code": "x"}]}}],
    }
    asked = entry("POST", f"{record['patient']}/$meta-add", add)
    outcome(county.post("/", bundle("transaction", asked)), 400, "GW-7027")
    alone = county.post("/", bundle("batch", asked)).get_json()["entry"][0]
    assert alone["response"]["status"] == "200 OK"


def test_a_read_that_fails_beside_writes_does_not_deny_them(county: Browser) -> None:
    told = county.post(
        "/",
        bundle("transaction", entry("GET", "Patient/nobody"), entry("POST", "Patient", patient())),
    ).get_json()["entry"]
    assert told[0]["response"]["status"].startswith("404")
    assert told[1]["response"]["status"] == "201 Created"
