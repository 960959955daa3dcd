"""search-type: what is asked, what is shown, and how pages go on."""

from typing import Any

import pytest

from tests.support.asserts import outcome
from tests.support.consortium import Browser, Consortium
from tests.support.resources import observation, patient


def names(bundle: dict[str, Any], mode: str = "match") -> list[str]:
    return [
        f"{one['resource']['resourceType']}/{one['resource']['id']}"
        for one in bundle.get("entry", ())
        if one["search"]["mode"] == mode
    ]


def numbered(client: Browser, value: str, **elements: Any) -> str:
    identifier = [{"system": "urn:search", "value": value}]
    made = client.post("/Patient", patient(identifier=identifier, **elements))
    return f"Patient/{made.get_json()['id']}"


def test_a_token_finds_its_resource_and_nobody_elses(county: Browser, city: Browser) -> None:
    mine = numbered(county, "mine")
    found = county.get("/Patient?identifier=urn:search|mine").get_json()
    assert names(found) == [mine]
    assert found["type"] == "searchset"
    hidden = city.get("/Patient?identifier=urn:search|mine").get_json()
    absent = city.get("/Patient?identifier=urn:search|none").get_json()
    assert names(hidden) == names(absent) == []
    assert hidden.get("total") == absent.get("total")


def test_post_search_takes_the_form_as_parameters(county: Browser) -> None:
    mine = numbered(county, "form")
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    found = county.ask(
        "POST", "/Patient/_search", data="identifier=urn:search%7Cform", headers=headers
    )
    assert names(found.get_json()) == [mine]


def test_a_body_that_is_no_form_is_refused_by_a_search(county: Browser) -> None:
    parameters = {"resourceType": "Parameters"}
    outcome(county.post("/Patient/_search", parameters), 415, "GW-7006")
    outcome(county.post("/_search", parameters), 415, "GW-7006")


def test_what_is_contained_is_not_searched_and_whoever_asks_for_it_is_told(county: Browser) -> None:
    mine = numbered(county, "holder")
    path = "/Patient?identifier=urn:search|holder&_contained="
    assert names(county.get(f"{path}false").get_json()) == [mine]
    told = county.get(f"{path}true").get_json()["entry"][-1]
    assert (told["search"]["mode"], "_contained" in str(told["resource"])) == ("outcome", True)
    outcome(county.get(f"{path}both", Prefer="handling=strict"), 400, "GW-7101")


def test_pages_go_on_where_they_stopped_while_others_write(county: Browser) -> None:
    made = {numbered(county, f"page-{n}", birthDate="1911") for n in range(5)}
    url, seen = "/Patient?birthdate=1911&_count=2", []
    for _ in range(5):
        page = county.get(url).get_json()
        seen += names(page)
        numbered(county, "page-late", birthDate="1911")
        following = [link["url"] for link in page["link"] if link["relation"] == "next"]
        if not following:
            break
        url = following[0].partition("/fhir")[2]
    assert len(seen) == 5
    assert set(seen) == made


def test_include_brings_the_patient_along(county: Browser) -> None:
    subject = numbered(county, "include")
    lab = county.post("/Observation", observation(subject)).get_json()["id"]
    found = county.get(f"/Observation?_id={lab}&_include=Observation:subject").get_json()
    assert names(found) == [f"Observation/{lab}"]
    assert names(found, "include") == [subject]


def test_an_unknown_parameter_is_refused_and_an_unknown_underscore_is_told(
    county: Browser,
) -> None:
    outcome(county.get("/Patient?colour=red"), 400, "GW-7101")
    lenient = county.get("/Patient?colour=red&_count=1", Prefer="handling=lenient").get_json()
    [told] = [one for one in lenient["entry"] if one["search"]["mode"] == "outcome"]
    assert told["resource"]["resourceType"] == "OperationOutcome"
    [shown] = [link["url"] for link in lenient["link"] if link["relation"] == "self"]
    assert "colour" not in shown


@pytest.mark.parametrize(
    "query", ["name=%", "name=%zz", "name=%ff", "name=%00", "%e4=1", "name=%ed%a0%80"]
)
def test_a_broken_encoding_is_refused(county: Browser, query: str) -> None:
    outcome(county.get(f"/Patient?{query}"), 400, "GW-7011")


@pytest.mark.parametrize(
    "query",
    [
        "birthdate=yesterday",
        "_count=-1",
        "_count=many",
        "_summary=most",
        "birthdate=ge9999999",
        "name:nonsense=x",
        "_lastUpdated=now",
    ],
)
def test_a_value_that_cannot_be_searched_is_refused(county: Browser, query: str) -> None:
    answer = county.get(f"/Patient?{query}")
    assert answer.status_code == 400, answer.get_data(as_text=True)
    assert answer.get_json()["resourceType"] == "OperationOutcome"


def test_summary_count_gives_the_number_alone(county: Browser) -> None:
    numbered(county, "count", birthDate="1907")
    numbered(county, "count", birthDate="1907")
    found = county.get("/Patient?birthdate=1907&_summary=count").get_json()
    assert found["total"] == 2
    assert "entry" not in found


def test_elements_gives_parts(county: Browser) -> None:
    mine = numbered(county, "elements")
    found = county.get("/Patient?identifier=urn:search|elements&_elements=gender").get_json()
    assert names(found) == [mine]
    assert set(found["entry"][0]["resource"]) == {"resourceType", "id", "meta", "gender"}


def test_a_search_scope_of_one_type_does_not_search_another(consortium: Consortium) -> None:
    narrow = consortium.client("qs-county", "system/Observation.rs")
    outcome(narrow.get("/Patient?_count=1"), 403, "GW-8003")


def test_a_time_without_a_zone_is_taken_as_utc(county: Browser) -> None:
    made = county.post("/Patient", patient(birthDate="1931-02-03")).get_json()["id"]
    for query, is_found in (
        ("birthdate=ge1931-02-03T00:00", True),
        ("birthdate=gt1931-02-03T23:59:59.999999", False),
        ("birthdate=lt1931-02-03T00:00:00", False),
    ):
        found = county.get(f"/Patient?_id={made}&{query}").get_json()
        assert ("entry" in found) is is_found, query
