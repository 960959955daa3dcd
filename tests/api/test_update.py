"""update and delete, their conditions, and what members may change."""

import pytest

from tests.support.asserts import outcome
from tests.support.consortium import Browser, Consortium
from tests.support.resources import patient


@pytest.fixture
def id_(county: Browser) -> str:
    made: str = county.post("/Patient", patient()).get_json()["id"]
    return made


def test_an_update_makes_the_next_version(county: Browser, id_: str) -> None:
    changed = county.put(f"/Patient/{id_}", patient(id=id_, birthDate="1962-05"))
    assert changed.status_code == 200
    assert changed.headers["ETag"] == 'W/"2"'
    assert county.get(f"/Patient/{id_}").get_json()["birthDate"] == "1962-05"


def test_the_same_content_makes_no_new_version(county: Browser, id_: str) -> None:
    again = county.put(f"/Patient/{id_}", patient(id=id_))
    assert (again.status_code, again.headers["ETag"]) == (200, 'W/"1"')


def test_if_match_refuses_what_is_no_longer_current(county: Browser, id_: str) -> None:
    county.put(f"/Patient/{id_}", patient(id=id_, gender="male"), If_Match='W/"1"')
    late = county.put(f"/Patient/{id_}", patient(id=id_, gender="other"), If_Match='W/"1"')
    outcome(late, 412, "GW-7040")
    assert county.get(f"/Patient/{id_}").get_json()["gender"] == "male"


@pytest.mark.parametrize("tag", ["1", "W/1", "", '"1", 2', 'w/"1"', '"1'])
def test_an_if_match_that_is_no_tag_is_refused(county: Browser, id_: str, tag: str) -> None:
    outcome(county.put(f"/Patient/{id_}", patient(id=id_), If_Match=tag), 400, "GW-7012")


@pytest.mark.parametrize("tag", ['W/"x"', '"2", "3"', '"01"', 'W/"' + "9" * 40 + '"'])
def test_an_if_match_of_no_current_version_fails(county: Browser, id_: str, tag: str) -> None:
    outcome(county.put(f"/Patient/{id_}", patient(id=id_), If_Match=tag), 412, "GW-7040")


@pytest.mark.parametrize("tag", ['"1"', 'W/"1"', 'W/"9", W/"1"', '"1","x"', "*"])
def test_an_if_match_that_lists_the_current_version_holds(
    county: Browser, id_: str, tag: str
) -> None:
    done = county.put(f"/Patient/{id_}", patient(id=id_, gender="male"), If_Match=tag)
    assert (done.status_code, done.headers["ETag"]) == (200, 'W/"2"')


@pytest.mark.parametrize("body_id", [None, "other", 7])
def test_the_id_of_body_and_address_have_to_agree(
    county: Browser, id_: str, body_id: object
) -> None:
    body = patient() if body_id is None else patient(id=body_id)
    outcome(county.put(f"/Patient/{id_}", body), 400, "GW-7014", "Patient.id")


def test_an_update_of_nothing_and_of_something_invisible_answer_alike(
    city: Browser, id_: str
) -> None:
    hidden = city.put(f"/Patient/{id_}", patient(id=id_))
    absent = city.put("/Patient/free-id", patient(id="free-id"))
    outcome(hidden, 405, "GW-8007")
    assert hidden.get_data() == absent.get_data()


def test_the_operator_creates_under_an_id_of_its_choice(operator: Browser) -> None:
    made = operator.put("/Patient/chosen", patient(id="chosen"))
    assert made.status_code == 201
    assert operator.get("/Patient/chosen").status_code == 200


def test_a_deleted_resource_is_gone_and_can_come_back(county: Browser, id_: str) -> None:
    assert county.ask("DELETE", f"/Patient/{id_}").status_code == 204
    outcome(county.get(f"/Patient/{id_}"), 410, "GW-7003")
    outcome(county.get(f"/Patient/{id_}/_history/2"), 410, "GW-7003")
    assert county.get(f"/Patient/{id_}/_history/1").status_code == 200
    back = county.put(f"/Patient/{id_}", patient(id=id_))
    assert back.headers["ETag"] == 'W/"3"'
    assert county.get(f"/Patient/{id_}").status_code == 200


def test_deleting_nothing_or_something_invisible_changes_nothing(
    county: Browser, city: Browser, id_: str
) -> None:
    assert city.ask("DELETE", f"/Patient/{id_}").status_code == 204
    assert city.ask("DELETE", "/Patient/nobody").status_code == 204
    assert county.get(f"/Patient/{id_}").status_code == 200


def test_another_members_directory_entry_is_read_but_not_changed(
    county: Browser, city: Browser
) -> None:
    entry = {"resourceType": "Organization", "name": "青山县人民医院"}
    id_ = county.post("/Organization", entry).get_json()["id"]
    assert city.get(f"/Organization/{id_}").status_code == 200
    refused = city.put(f"/Organization/{id_}", entry | {"id": id_, "name": "别的医院"})
    outcome(refused, 403, "GW-8005")
    outcome(city.ask("DELETE", f"/Organization/{id_}"), 403, "GW-8005")


def test_history_tells_every_version_newest_first_and_pages(county: Browser, id_: str) -> None:
    for gender in ("male", "other"):
        county.put(f"/Patient/{id_}", patient(id=id_, gender=gender))
    county.ask("DELETE", f"/Patient/{id_}")
    whole = county.get(f"/Patient/{id_}/_history").get_json()
    assert [e["response"]["etag"] for e in whole["entry"]] == [f'W/"{n}"' for n in (4, 3, 2, 1)]
    assert [e["request"]["method"] for e in whole["entry"]] == ["DELETE", "PUT", "PUT", "POST"]
    assert "resource" not in whole["entry"][0]
    page = county.get(f"/Patient/{id_}/_history?_count=3").get_json()
    [following] = [link["url"] for link in page["link"] if link["relation"] == "next"]
    rest = county.get(following.partition("/fhir")[2]).get_json()
    assert [e["response"]["etag"] for e in rest["entry"]] == ['W/"1"']


def test_a_page_link_holds_for_its_member_and_query_only(
    county: Browser, consortium: Consortium, id_: str
) -> None:
    county.put(f"/Patient/{id_}", patient(id=id_, gender="male"))
    page = county.get(f"/Patient/{id_}/_history?_count=1").get_json()
    [url] = [link["url"] for link in page["link"] if link["relation"] == "next"]
    following = url.partition("/fhir")[2]
    assert county.get(following).status_code == 200
    outcome(county.get(following.replace("_count=1", "_count=2")), 400, "GW-7108")
    outcome(county.get(following[:-4] + "AAAA"), 400, "GW-7108")
    outcome(consortium.client("operator").get(following), 400, "GW-7108")
