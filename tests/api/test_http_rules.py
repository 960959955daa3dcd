"""Rules of R4's http.html that hold across interactions. https://hl7.org/fhir/R4/http.html"""

from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from uuid import uuid4

import pytest

from tests.support.asserts import outcome
from tests.support.consortium import Browser
from tests.support.resources import bundle, entry, observation, patient


@pytest.fixture
def path(county: Browser) -> str:
    return f"/Patient/{county.post('/Patient', patient()).get_json()['id']}"


def test_what_was_written_says_where_and_when_and_which_version(county: Browser) -> None:
    made = county.post("/Patient", patient())
    body = made.get_json()
    assert made.headers["Location"].endswith(f"/fhir/Patient/{body['id']}/_history/1")
    assert made.headers["ETag"] == 'W/"1"'
    stated = datetime.fromisoformat(body["meta"]["lastUpdated"]).replace(microsecond=0)
    assert parsedate_to_datetime(made.headers["Last-Modified"]) == stated
    path = f"/Patient/{body['id']}"
    read = county.get(path)
    assert {name: read.headers[name] for name in ("ETag", "Last-Modified")} == {
        name: made.headers[name] for name in ("ETag", "Last-Modified")
    }
    updated = county.put(path, body | {"active": True})
    assert updated.headers["Location"].endswith(f"{path}/_history/2")
    assert updated.headers["ETag"] == 'W/"2"'
    deleted = county.ask("DELETE", path)
    assert (deleted.status_code, deleted.headers["ETag"]) == (204, 'W/"3"')


def test_if_modified_since_answers_304_until_something_changes(county: Browser, path: str) -> None:
    modified = parsedate_to_datetime(county.get(path).headers["Last-Modified"])
    for seconds, status in ((0, 304), (60, 304), (-60, 200)):
        since = format_datetime(modified + timedelta(seconds=seconds), usegmt=True)
        answer = county.get(path, If_Modified_Since=since)
        assert answer.status_code == status
        assert answer.headers["ETag"] == 'W/"1"'
        assert bool(answer.get_data()) is (status == 200)


@pytest.mark.parametrize("shown", ["representation", "minimal", "OperationOutcome"])
def test_prefer_holds_for_update_and_patch_as_for_create(
    county: Browser, path: str, shown: str
) -> None:
    prefer = {"Prefer": f"return={shown}"}
    changed = patient(id=path.rpartition("/")[2], active=True)
    operations = [{"op": "replace", "path": "/active", "value": False}]
    patching = prefer | {"Content-Type": "application/json-patch+json"}
    kinds = {"representation": "Patient", "minimal": None, "OperationOutcome": "OperationOutcome"}
    for answer in (
        county.put(path, changed, **prefer),
        county.ask("PATCH", path, operations, headers=patching),
    ):
        assert answer.status_code == 200
        told = answer.get_json() if answer.get_data() else {}
        assert told.get("resourceType") == kinds[shown]


def test_the_versions_of_what_was_deleted_and_made_again(county: Browser, path: str) -> None:
    county.ask("DELETE", path)
    outcome(county.get(path), 410, "GW-7003")
    outcome(county.get(f"{path}/_history/2"), 410, "GW-7003")
    assert county.get(f"{path}/_history/1").status_code == 200
    again = county.put(path, patient(id=path.rpartition("/")[2]))
    assert (again.status_code, again.headers["ETag"]) == (201, 'W/"3"')
    told = county.get(f"{path}/_history").get_json()["entry"]
    assert [one["request"]["method"] for one in told] == ["PUT", "DELETE", "POST"]


def test_a_posted_search_takes_its_parameters_from_body_and_address(county: Browser) -> None:
    number = uuid4().hex
    identified = {"identifier": [{"system": "urn:both", "value": number}]}
    made = county.post("/Patient", patient(**identified)).get_json()["id"]
    county.post("/Patient", patient(**identified | {"gender": "male"}))
    found = county.ask(
        "POST",
        "/Patient/_search?gender=female",
        data=f"identifier=urn:both|{number}",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    ).get_json()
    assert [one["resource"]["id"] for one in found["entry"]] == [made]
    [link] = [one["url"] for one in found["link"] if one["relation"] == "self"]
    assert "gender=female" in link
    assert number in link


def test_head_answers_searches_and_histories_without_their_bodies(
    county: Browser, path: str
) -> None:
    for address in (path, "/Patient?gender=female", f"{path}/_history", f"{path}/_history/1"):
        answer = county.ask("HEAD", address)
        assert answer.status_code == 200
        assert answer.get_data() == b""
    assert county.ask("HEAD", "/Patient/nobody").status_code == 404


def test_an_instance_history_is_narrowed_and_paged(county: Browser, path: str) -> None:
    id_ = path.rpartition("/")[2]
    for gender in ("male", "other", "unknown"):
        county.put(path, patient(id=id_, gender=gender))
    seen, following = [], f"{path}/_history?_count=2"
    while following:
        page = county.get(following).get_json()
        assert len(page["entry"]) <= 2
        seen += [one["response"]["etag"] for one in page["entry"]]
        links = {one["relation"]: one["url"] for one in page["link"]}
        following = links.get("next", "").partition("/fhir")[2]
    assert seen == [f'W/"{number}"' for number in (4, 3, 2, 1)]
    later = county.get(f"{path}/_history?_since=2999-01-01T00:00:00Z").get_json()
    assert "entry" not in later
    assert "entry" in county.get(f"{path}/_history?_since=2020-01-01T00:00:00Z").get_json()


def test_operations_and_searches_are_answered_inside_a_transaction(
    county: Browser, path: str
) -> None:
    number = uuid4().hex
    person = patient(identifier=[{"system": "urn:inside", "value": number}])
    gender = "http://hl7.org/fhir/administrative-gender"
    answer = county.post(
        "/",
        bundle(
            "transaction",
            entry("GET", f"Patient?identifier=urn:inside|{number}"),
            entry("GET", f"CodeSystem/$lookup?system={gender}&code=male"),
            entry("GET", f"{path[1:]}/_history"),
            entry("GET", f"{path[1:]}/$everything"),
            entry("POST", "Patient", person),
        ),
    )
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found, looked, history, everything, made = answer.get_json()["entry"]
    assert found["resource"]["entry"][0]["resource"]["id"] == made["resource"]["id"]
    assert looked["resource"]["resourceType"] == "Parameters"
    assert history["resource"]["type"] == "history"
    assert everything["resource"]["entry"][0]["resource"]["id"] == path.rpartition("/")[2]


def test_a_conditional_reference_of_a_transaction_means_exactly_one(county: Browser) -> None:
    number = uuid4().hex
    known = patient(identifier=[{"system": "urn:one", "value": number}])
    lab = observation(f"Patient?identifier=urn:one|{number}")
    asked = bundle("transaction", entry("POST", "Observation", lab, "urn:uuid:lab"))
    refused = county.post("/", asked)
    outcome(refused, 412, "GW-7042", "Bundle.entry[0].resource.subject")
    assert "urn:uuid:lab" in refused.get_data(as_text=True)
    id_ = county.post("/Patient", known).get_json()["id"]
    [made] = county.post("/", asked).get_json()["entry"]
    assert made["resource"]["subject"]["reference"] == f"Patient/{id_}"
    county.post("/Patient", known)
    outcome(county.post("/", asked), 412, "GW-7042")
