"""$everything of a patient and of an encounter."""

from typing import Any

import pytest

from tests.support.asserts import outcome
from tests.support.consortium import Browser
from tests.support.resources import observation, patient

AMB = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}


def post(browser: Browser, resource: dict[str, Any]) -> str:
    answer = browser.post(f"/{resource['resourceType']}", resource)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    return f"{resource['resourceType']}/{answer.get_json()['id']}"


@pytest.fixture
def record(county: Browser) -> dict[str, str]:
    """A patient with an encounter, two findings of it and an allergy, and who found them."""
    doctor = post(county, {"resourceType": "Practitioner", "name": [{"text": "罗安"}]})
    subject = post(county, patient())
    stay = post(
        county,
        {
            "resourceType": "Encounter",
            "status": "finished",
            "class": AMB,
            "subject": {"reference": subject},
            "period": {"start": "2026-03-01", "end": "2026-03-05"},
        },
    )
    about = {"encounter": {"reference": stay}, "performer": [{"reference": doctor}]}
    early = post(county, observation(subject, effectiveDateTime="2026-03-02", **about))
    late = post(county, observation(subject, effectiveDateTime="2026-06-02"))
    allergy = post(
        county,
        {
            "resourceType": "AllergyIntolerance",
            "clinicalStatus": {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
                        "code": "active",
                    }
                ]
            },
            "patient": {"reference": subject},
        },
    )
    post(county, observation(post(county, patient())))
    return {
        "doctor": doctor, "patient": subject, "stay": stay, "early": early, "late": late,
        "allergy": allergy,
    }  # fmt: skip


def names(browser: Browser, record: dict[str, str], path: str) -> list[str]:
    """Read all pages; name what was found."""
    known = {reference: name for name, reference in record.items()}
    found: list[str] = []
    following: str | None = f"/{path}"
    while following:
        page = browser.get(following).get_json()
        assert page["resourceType"] == "Bundle", page
        assert page["type"] == "searchset"
        found += [known[one["fullUrl"].partition("/fhir/")[2]] for one in page.get("entry", ())]
        links = {one["relation"]: one["url"] for one in page["link"]}
        following = links.get("next", "").partition("/fhir")[2] or None
    return found


def test_a_patients_record_is_whole_and_nobody_elses(
    county: Browser, record: dict[str, str]
) -> None:
    found = names(county, record, f"{record['patient']}/$everything")
    assert sorted(found) == sorted(record)
    assert found[0] == "patient"
    paged = names(county, record, f"{record['patient']}/$everything?_count=1")
    assert sorted(set(paged)) == sorted(record)
    assert sorted(set(paged) - {"doctor"}) == sorted(one for one in paged if one != "doctor")


def test_types_narrow_what_is_returned(county: Browser, record: dict[str, str]) -> None:
    path = f"{record['patient']}/$everything"
    assert sorted(names(county, record, f"{path}?_type=Observation")) == ["early", "late"]
    both = names(county, record, f"{path}?_type=Observation,Patient")
    assert sorted(both) == ["early", "late", "patient"]
    assert names(county, record, f"{path}?_type=Practitioner") == ["doctor"]
    twice = names(county, record, f"{path}?_type=Practitioner&_type=Encounter")
    assert sorted(twice) == ["doctor", "stay"]
    outcome(county.get(f"/{path}?_type=Wrong"), 404, "GW-7001")


def test_a_period_of_care_leaves_in_what_has_no_date(
    county: Browser, record: dict[str, str]
) -> None:
    path = f"{record['patient']}/$everything"
    spring = names(county, record, f"{path}?start=2026-03-01&end=2026-04-01")
    assert sorted(spring) == ["allergy", "doctor", "early", "patient", "stay"]
    later = names(county, record, f"{path}?start=2026-05-01")
    assert sorted(later) == ["allergy", "late", "patient"]
    outcome(county.get(f"/{path}?start=soon"), 400, "GW-7102")


def test_since_gives_what_was_changed_and_says_what_to_ask_next(
    county: Browser, record: dict[str, str]
) -> None:
    path = f"/{record['patient']}/$everything"
    first = county.get(f"{path}?_since=2026-01-01T00:00:00Z").get_json()
    until = first["meta"]["lastUpdated"]
    new = post(county, observation(record["patient"]))
    after = county.get(f"{path}?_since={until}&_type=Observation").get_json()
    assert [one["fullUrl"].partition("/fhir/")[2] for one in after["entry"]] == [new]


def test_the_parameters_may_come_by_post(county: Browser, record: dict[str, str]) -> None:
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "_type", "valueCode": "Observation"},
            {"name": "_type", "valueCode": "Encounter"},
            {"name": "_count", "valueInteger": 2},
        ],
    }
    page = county.post(f"/{record['patient']}/$everything", body).get_json()
    assert len(page["entry"]) >= 1
    following = next(one["url"] for one in page["link"] if one["relation"] == "next")
    rest = county.get(following.partition("/fhir")[2]).get_json()
    types = {one["resource"]["resourceType"] for one in (*page["entry"], *rest["entry"])}
    assert types == {"Observation", "Encounter"}
    body["parameter"] = [{"name": "unknown", "valueCode": "x"}]
    outcome(county.post(f"/{record['patient']}/$everything", body), 400, "GW-7020")


def test_an_encounters_record_holds_what_belongs_to_it(
    county: Browser, record: dict[str, str]
) -> None:
    found = names(county, record, f"{record['stay']}/$everything")
    assert sorted(found) == ["doctor", "early", "patient", "stay"]
    outcome(county.get(f"/{record['stay']}/$everything?start=2026-01-01"), 400, "GW-7020")


def test_what_is_not_seen_answers_like_what_is_not_there(
    city: Browser, record: dict[str, str]
) -> None:
    outcome(city.get(f"/{record['patient']}/$everything"), 404, "GW-7002")


def test_everything_of_all_patients_is_what_each_ones_holds(
    county: Browser, city: Browser, record: dict[str, str]
) -> None:
    device = post(county, {"resourceType": "Device"})
    post(county, observation(device))
    found: list[str] = []
    following = "/Patient/$everything?_count=50"
    while following:
        page = county.get(following).get_json()
        found += [one["fullUrl"].partition("/fhir/")[2] for one in page["entry"]]
        links = {one["relation"]: one["url"] for one in page["link"]}
        following = links.get("next", "").partition("/fhir")[2]
    matches = [one for one in found if not one.startswith(("Practitioner/", "Organization/"))]
    assert len(matches) == len(set(matches))
    assert set(record.values()) <= set(found)
    assert device not in found
    mine = county.get(f"/{record['patient']}/$everything?_count=1000").get_json()
    assert {one["fullUrl"].partition("/fhir/")[2] for one in mine["entry"]} <= set(found)
    hidden = city.get("/Patient/$everything?_count=1000").get_data(as_text=True)
    assert not any(reference in hidden for reference in record.values())
