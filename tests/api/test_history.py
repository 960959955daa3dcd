"""Histories of a type and of the whole system, paged, and with their parameters."""

from typing import Any

import pytest

from tests.support.asserts import outcome
from tests.support.consortium import Browser, Consortium
from tests.support.resources import observation, patient


def pages(browser: Browser, path: str) -> list[list[dict[str, Any]]]:
    """Follow the links to the end."""
    found = []
    while path:
        bundle = browser.get(path).get_json()
        found.append(bundle.get("entry", []))
        links = {one["relation"]: one["url"] for one in bundle["link"]}
        path = links.get("next", "").partition("/fhir")[2]
    return found


@pytest.fixture
def made(county: Browser) -> dict[str, Any]:
    body: dict[str, Any] = county.post("/Patient", patient()).get_json()
    county.put(f"/Patient/{body['id']}", body | {"active": True})
    county.ask("DELETE", f"/Patient/{body['id']}")
    return body


def test_a_type_history_tells_every_version_newest_first(
    county: Browser, made: dict[str, Any]
) -> None:
    county.post("/Observation", observation("Patient/x"))
    listed = county.get("/Patient/_history").get_json()
    assert listed["type"] == "history"
    mine = [one for one in listed["entry"] if made["id"] in one["fullUrl"]]
    assert [one["request"]["method"] for one in mine] == ["DELETE", "PUT", "POST"]
    assert [one["response"]["etag"] for one in mine] == ['W/"3"', 'W/"2"', 'W/"1"']
    assert "resource" not in mine[0]
    assert all("/Patient/" in one["fullUrl"] for one in listed["entry"])


def test_the_system_history_tells_all_types_in_pages_without_gap(
    county: Browser, made: dict[str, Any]
) -> None:
    county.post("/Observation", observation("Patient/x"))
    whole = pages(county, "/_history?_count=1000")[0]
    small = [one for page in pages(county, "/_history?_count=2") for one in page]
    # Others may have written since.
    assert small[-len(whole) :] == whole
    assert {one["fullUrl"].split("/")[-2] for one in whole} >= {"Patient", "Observation"}


def test_since_and_at_narrow_a_history(county: Browser, made: dict[str, Any]) -> None:
    updated = made["meta"]["lastUpdated"]
    since = county.get(f"/Patient/_history?_since={updated}").get_json()
    assert any(made["id"] in one["fullUrl"] for one in since["entry"])
    later = county.get("/Patient/_history?_since=2999-01-01T00:00:00Z").get_json()
    assert later["type"] == "history"
    assert "entry" not in later
    at = county.get(f"/Patient/{made['id']}/_history?_at={updated}").get_json()
    assert at["entry"][-1]["response"]["etag"] == 'W/"1"'
    year = county.get(f"/Patient/{made['id']}/_history?_at={updated[:4]}").get_json()
    assert len(year["entry"]) == 3
    before = county.get(f"/Patient/{made['id']}/_history?_at=1999-12").get_json()
    assert "entry" not in before


@pytest.mark.parametrize("path", ["/_history", "/Patient/_history"])
def test_a_parameter_that_is_not_understood_is_refused(county: Browser, path: str) -> None:
    for query in ("_since=yesterday", "_at=now", "_count=-1", "gender=female"):
        outcome(county.get(f"{path}?{query}"), 400, "GW-7020")


def test_a_history_shows_no_more_than_the_member_sees(
    county: Browser, city: Browser, made: dict[str, Any]
) -> None:
    for path in ("/_history", "/Patient/_history"):
        listed = [one for page in pages(city, path) for one in page]
        assert not any(made["id"] in one["fullUrl"] for one in listed)


def test_a_history_shows_no_more_than_the_token_opens(
    consortium: Consortium, made: dict[str, Any]
) -> None:
    reader = consortium.client("qs-county", "system/Observation.rs")
    outcome(reader.get("/Patient/_history"), 403, "GW-8003")
    listed = [one for page in pages(reader, "/_history") for one in page]
    assert {one["fullUrl"].split("/")[-2] for one in listed} <= {"Observation"}
    writer = consortium.client("qs-county", "system/*.c")
    outcome(writer.get("/_history"), 403, "GW-8003")


def test_a_history_may_be_asked_of_what_a_list_names(county: Browser, city: Browser) -> None:
    first, second, third = (county.post("/Patient", patient()).get_json() for _ in range(3))
    for one in (first, second, third):
        county.put(f"/Patient/{one['id']}", one | {"active": True})
    items = [
        f"Patient/{first['id']}",
        f"Patient/{second['id']}/_history/1",
        f"https://elsewhere.example/Patient/{third['id']}",
        f"Patient/{third['id']}/_history/x",
    ]
    entries = [{"item": {"reference": one}} for one in items] + [{"item": {"display": "x"}}]
    listed = {"resourceType": "List", "status": "current", "mode": "working", "entry": entries}
    id_ = county.post("/List", listed).get_json()["id"]

    def given(browser: Browser, path: str) -> list[str]:
        query = f"{path}/_history?_list={id_}&_count=2"
        return [
            f"{one['fullUrl'].rpartition('/')[2]}/{one['response']['etag'][3:-1]}"
            for page in pages(browser, query)
            for one in page
        ]

    due = [f"{first['id']}/2", f"{second['id']}/1", f"{first['id']}/1"]
    assert given(county, "/Patient") == given(county, "") == due
    assert given(county, f"/Patient/{first['id']}") == [due[0], due[2]]
    assert given(county, "/Observation") == []
    whole = county.get(f"/Patient/_history?_list={id_}").get_json()
    assert whole["total"] == len(due)
    assert "total" not in county.get(f"/Patient/_history?_list={id_}&_count=1").get_json()
    # Who does not see the list is answered as if there were none.
    assert given(city, "/Patient") == given(city, "") == []
    outcome(county.get("/Patient/_history?_list=$current-problems"), 400, "GW-7020")
