"""Conditional update, delete and patch, and the version headers of all writes."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from tests.support.asserts import outcome
from tests.support.consortium import Browser, Consortium
from tests.support.resources import bundle, entry, patient

MERGE = "application/json-patch+json"


@pytest.fixture
def number() -> str:
    return uuid4().hex


def known(number: str, **elements: Any) -> dict[str, Any]:
    return patient(identifier=[{"system": "urn:n", "value": number}], **elements)


def test_a_conditional_update_creates_then_updates(county: Browser, number: str) -> None:
    path = f"/Patient?identifier=urn:n|{number}"
    first = county.put(path, known(number))
    assert first.status_code == 201
    second = county.put(path, known(number, active=True))
    assert second.status_code == 200
    assert second.headers["ETag"] == 'W/"2"'
    assert second.get_json()["id"] == first.get_json()["id"]
    third = county.put(path, known(number, active=False, id=first.get_json()["id"]))
    assert third.headers["ETag"] == 'W/"3"'


def test_a_conditional_update_whose_id_is_another_is_refused(county: Browser, number: str) -> None:
    path = f"/Patient?identifier=urn:n|{number}"
    other = county.post("/Patient", patient()).get_json()["id"]
    outcome(county.put(path, known(number, id=other)), 409, "GW-7047")
    county.put(path, known(number))
    outcome(county.put(path, known(number, id=other)), 400, "GW-7046", "Patient.id")
    outcome(county.put(path, known(number, id="no id!")), 400, "GW-7014")


def test_a_conditional_update_under_a_new_id_follows_the_rule_for_ids(
    county: Browser, number: str
) -> None:
    path = f"/Patient?identifier=urn:n|{number}"
    outcome(county.put(path, known(number, id=f"qs-county.{number}")), 405, "GW-8007")


def test_conditions_that_match_several_are_refused_by_all(county: Browser, number: str) -> None:
    for _ in range(2):
        county.post("/Patient", known(number))
    path = f"/Patient?identifier=urn:n|{number}"
    outcome(county.put(path, known(number)), 412, "GW-7041")
    outcome(county.ask("DELETE", path), 412, "GW-7041")
    outcome(county.ask("PATCH", path, data=b"[]", headers={"Content-Type": MERGE}), 412, "GW-7041")
    assert county.get(path).get_json()["total"] == 2


def test_conditions_that_ask_nothing_are_refused(county: Browser) -> None:
    for path in ("/Patient", "/Patient?_format=json", "/Patient?_count=1"):
        outcome(county.ask("DELETE", path), 412, "GW-7043")
        outcome(county.put(path, patient()), 412, "GW-7043")
    # A parameter that is not known must never widen what is deleted.
    outcome(county.ask("DELETE", "/Patient?_nonsense=1&gender=female"), 400, "GW-7101")


def test_a_conditional_delete_takes_the_one_and_is_content_with_none(
    county: Browser, number: str
) -> None:
    path = f"/Patient?identifier=urn:n|{number}"
    id_ = county.post("/Patient", known(number)).get_json()["id"]
    done = county.ask("DELETE", path)
    assert done.status_code == 204
    assert done.headers["ETag"] == 'W/"2"'
    assert county.get(f"/Patient/{id_}").status_code == 410
    assert county.ask("DELETE", path).status_code == 204


def test_conditions_find_only_what_the_member_sees(
    county: Browser, city: Browser, number: str
) -> None:
    path = f"/Patient?identifier=urn:n|{number}"
    id_ = county.post("/Patient", known(number)).get_json()["id"]
    assert city.ask("DELETE", path).status_code == 204
    outcome(city.ask("PATCH", path, data=b"[]", headers={"Content-Type": MERGE}), 404, "GW-7048")
    made = city.put(path, known(number))
    assert made.status_code == 201
    assert made.get_json()["id"] != id_
    assert county.get(f"/Patient/{id_}").headers["ETag"] == 'W/"1"'


def test_if_match_holds_for_every_write(county: Browser, number: str) -> None:
    made = county.post("/Patient", known(number)).get_json()
    path, condition = f"/Patient/{made['id']}", f"/Patient?identifier=urn:n|{number}"
    old = {"If-Match": 'W/"9"'}
    patch = {**old, "Content-Type": MERGE}
    outcome(county.ask("PUT", path, made, headers=old), 412, "GW-7040")
    outcome(county.ask("PUT", condition, made, headers=old), 412, "GW-7040")
    outcome(county.ask("DELETE", path, headers=old), 412, "GW-7040")
    outcome(county.ask("DELETE", condition, headers=old), 412, "GW-7040")
    outcome(county.ask("PATCH", path, data=b"[]", headers=patch), 412, "GW-7040")
    outcome(county.ask("PATCH", condition, data=b"[]", headers=patch), 412, "GW-7040")
    assert county.get(path).headers["ETag"] == 'W/"1"'
    done = county.ask("DELETE", condition, headers={"If-Match": 'W/"1"'})
    assert done.status_code == 204


def test_if_match_star_demands_that_there_is_something(county: Browser, number: str) -> None:
    path = f"/Patient?identifier=urn:n|{number}"
    outcome(county.put(path, known(number), If_Match="*"), 412, "GW-7040")
    county.post("/Patient", known(number))
    assert county.put(path, known(number, active=True), If_Match="*").status_code == 200


def test_if_none_match_star_demands_that_there_is_nothing(
    operator: Browser, county: Browser, number: str
) -> None:
    made = county.post("/Patient", known(number)).get_json()
    path = f"/Patient/{made['id']}"
    outcome(county.put(path, made, If_None_Match="*"), 412, "GW-7044")
    outcome(county.put(path, made, If_None_Match='W/"1"'), 412, "GW-7044")
    new = f"/Patient/new-{number}"
    body = patient(id=f"new-{number}")
    assert operator.put(new, body, If_None_Match="*").status_code == 201
    outcome(operator.put(new, body, If_None_Match="*"), 412, "GW-7044")


def test_a_site_may_demand_if_match(consortium: Consortium, number: str) -> None:
    settings = replace(consortium.runtime.settings, demand_if_match=True)
    county = Consortium(replace(consortium.runtime, settings=settings)).client("qs-county")
    made = county.post("/Patient", known(number)).get_json()
    path = f"/Patient/{made['id']}"
    outcome(county.put(path, made), 428, "GW-7045")
    outcome(county.ask("DELETE", path), 428, "GW-7045")
    empty = {"Content-Type": MERGE}
    outcome(county.ask("PATCH", path, data=b"[]", headers=empty), 428, "GW-7045")
    assert county.post("/Patient", patient()).status_code == 201
    changed = county.put(path, made | {"active": True}, If_Match='W/"1"')
    assert changed.status_code == 200


def test_conditional_entries_do_the_same_in_a_transaction(county: Browser, number: str) -> None:
    where = f"Patient?identifier=urn:n|{number}"
    told = county.post("/", bundle("transaction", entry("PUT", where, known(number)))).get_json()[
        "entry"
    ]
    assert told[0]["response"]["status"] == "201 Created"
    assert told[0]["response"]["location"].endswith("/_history/1")
    assert told[0]["response"]["etag"] == 'W/"1"'
    told = county.post("/", bundle("batch", entry("DELETE", where), entry("DELETE", where)))
    assert [one["response"]["status"] for one in told.get_json()["entry"]] == ["204 No Content"] * 2
    assert told.get_json()["entry"][0]["response"]["etag"] == 'W/"2"'
    gone = bundle("transaction", entry("DELETE", where))
    assert county.post("/", gone).get_json()["entry"][0]["response"]["status"] == "204 No Content"


def test_entries_under_one_condition_mean_one_resource(county: Browser, number: str) -> None:
    where = f"identifier=urn:n|{number}"
    twice = bundle(
        "transaction",
        entry("GET", "Patient/x"),
        entry("POST", "Patient", known(number), ifNoneExist=where),
        entry("PUT", f"Patient?{where}", known(number)),
    )
    told = outcome(county.post("/", twice), 400, "GW-7023")
    assert "1" in told["details"]["text"]
    assert "2" in told["details"]["text"]
    assert county.get(f"/Patient?{where}").get_json()["total"] == 0


def test_two_names_of_one_resource_are_refused(county: Browser, number: str) -> None:
    made = county.post("/Patient", known(number)).get_json()
    twice = bundle(
        "transaction",
        entry("PUT", f"Patient/{made['id']}", made | {"active": True}),
        entry("DELETE", f"Patient?identifier=urn:n|{number}"),
    )
    outcome(county.post("/", twice), 400, "GW-7023")
    assert county.get(f"/Patient/{made['id']}").headers["ETag"] == 'W/"1"'


@pytest.mark.parametrize(
    ("request_", "status", "number_"),
    [
        ({"ifMatch": 'W/"9"'}, 412, "GW-7040"),
        ({"ifNoneMatch": "*"}, 412, "GW-7044"),
    ],
)
def test_a_precondition_of_an_entry_names_it(
    county: Browser, number: str, request_: dict[str, str], status: int, number_: str
) -> None:
    made = county.post("/Patient", known(number)).get_json()
    failing = bundle(
        "transaction",
        entry("POST", "Patient", patient(), "urn:uuid:6f0c5f0e-1111-4c9b-9c54-000000000001"),
        entry(
            "PUT", f"Patient/{made['id']}", made, f"https://x.cn/Patient/{made['id']}", **request_
        ),
    )
    answer = county.post("/", failing)
    outcome(answer, status, number_)
    named = outcome(answer, status, "GW-7026", "Bundle.entry[1]")
    assert f"https://x.cn/Patient/{made['id']}" in named["details"]["text"]


def test_search_parameters_in_the_address_of_a_create_are_its_condition(county: Browser) -> None:
    number = f"urn:address|{uuid4()}"
    system, _, value = number.partition("|")
    content = patient(identifier=[{"system": system, "value": value}])
    first = county.post(f"/Patient?identifier={number}&_format=json", content)
    again = county.post(f"/Patient?identifier={number}", content)
    assert [first.status_code, again.status_code] == [201, 200]
    assert again.get_json()["id"] == first.get_json()["id"]
    both = county.post(f"/Patient?identifier={number}", content, If_None_Exist="identifier=x")
    outcome(both, 400, "GW-7020")
