"""read, conditional read, HEAD, vread, formats of the answer."""

import gzip

import pytest

from tests.support.asserts import outcome
from tests.support.consortium import Browser
from tests.support.resources import patient


@pytest.fixture
def path(county: Browser) -> str:
    return f"/Patient/{county.post('/Patient', patient()).get_json()['id']}"


def test_absent_and_invisible_answer_alike(county: Browser, city: Browser, path: str) -> None:
    hidden = city.get(path)
    absent = city.get("/Patient/nobody")
    outcome(hidden, 404, "GW-7002")
    assert hidden.get_data() == absent.get_data()
    assert city.get(f"{path}/_history/1").get_data() == city.get("/Patient/x/_history/1").get_data()
    assert city.get(f"{path}/_history").get_data() == city.get("/Patient/x/_history").get_data()


def test_a_client_that_holds_the_version_gets_304(county: Browser, path: str) -> None:
    first = county.get(path)
    again = county.get(path, If_None_Match=first.headers["ETag"])
    assert (again.status_code, again.get_data()) == (304, b"")
    assert again.headers["ETag"] == 'W/"1"'
    since = county.get(path, If_Modified_Since=first.headers["Last-Modified"])
    assert since.status_code == 304
    assert county.get(path, If_None_Match='W/"7"').status_code == 200


def test_head_answers_the_headers_without_a_body(county: Browser, path: str) -> None:
    head = county.ask("HEAD", path)
    assert (head.status_code, head.get_data()) == (200, b"")
    assert head.headers["ETag"] == 'W/"1"'


def test_vread_gives_each_version_as_it_was(county: Browser, path: str) -> None:
    id_ = path.rpartition("/")[2]
    county.put(path, patient(id=id_, gender="male"))
    assert county.get(f"{path}/_history/1").get_json()["gender"] == "female"
    assert county.get(f"{path}/_history/2").get_json()["gender"] == "male"
    assert county.get(f"{path}/_history/1", If_None_Match='W/"1"').status_code == 304
    for bad in ("3", "0", "x", "٣", "9" * 30):
        outcome(county.get(f"{path}/_history/{bad}"), 404, "GW-7004")


@pytest.mark.parametrize("id_", ["a" * 65, "a b", "é", "a%00b", "%2e%2e%2fetc", "a'--", "a" * 5000])
def test_an_id_that_cannot_be_one_is_simply_not_there(county: Browser, id_: str) -> None:
    assert county.get(f"/Patient/{id_}").status_code == 404


@pytest.mark.parametrize(
    "accept",
    [
        "application/fhir+json",
        "application/json",
        "*/*",
        "text/html,application/xml;q=0.9,*/*;q=0.8",
    ],
)
def test_json_is_answered_to_whoever_takes_it(county: Browser, path: str, accept: str) -> None:
    answer = county.get(path, Accept=accept)
    assert answer.status_code == 200
    assert answer.mimetype in {"application/fhir+json", "application/json"}


@pytest.mark.parametrize(
    "accept", ["text/turtle", "image/png", "application/fhir+json;fhirVersion=5.0"]
)
def test_what_cannot_be_answered_is_406(county: Browser, path: str, accept: str) -> None:
    assert county.get(path, Accept=accept).status_code == 406


def test_format_wins_over_accept_and_pretty_indents(county: Browser, path: str) -> None:
    answer = county.get(f"{path}?_format=application/fhir+json&_pretty=true", Accept="text/turtle")
    assert answer.status_code == 200
    assert answer.get_data().startswith(b'{\n  "resourceType"')
    outcome(county.get(f"{path}?_format=ttl"), 406, "GW-7005")


def test_a_large_answer_is_zipped_for_whoever_takes_it(county: Browser) -> None:
    large = patient(name=[{"text": "林" * 2000}])
    path = f"/Patient/{county.post('/Patient', large).get_json()['id']}"
    zipped = county.get(path, Accept_Encoding="gzip")
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(zipped.get_data()) == county.get(path).get_data()


def test_elements_and_summary_give_a_marked_part(county: Browser, path: str) -> None:
    part = county.get(f"{path}?_elements=birthDate").get_json()
    assert set(part) == {"resourceType", "id", "meta", "birthDate"}
    assert part["meta"]["tag"][0]["code"] == "SUBSETTED"
    assert county.get(f"{path}?_summary=true").get_json()["gender"] == "female"
    outcome(county.get(f"{path}?_summary=most"), 400, "GW-7020")


def test_without_a_token_nothing_is_answered(county: Browser, path: str) -> None:
    refused = county.app.test_client().get(f"/fhir{path}")
    outcome(refused, 401, "GW-8001")
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_client_that_prefers_english_reads_english_first(county: Browser) -> None:
    issue = county.get("/Patient/nobody", Accept_Language="en-US,en").get_json()["issue"][0]
    assert issue["details"]["text"].startswith("There is no")
