"""transaction and batch: POST [base]."""

from typing import Any

import pytest

from tests.support.asserts import outcome
from tests.support.consortium import Browser
from tests.support.resources import bundle, entry, observation, patient

URN = "urn:uuid:6b6ed376-a7da-44cb-92d1-e75ce1ae73b0"


def test_references_between_new_entries_become_literal(county: Browser) -> None:
    answer = county.post(
        "/",
        bundle(
            "transaction",
            entry("POST", "Observation", observation(URN)),
            entry("POST", "Patient", patient(), URN),
        ),
    )
    assert answer.status_code == 200, answer.get_data(as_text=True)
    told = answer.get_json()
    assert told["type"] == "transaction-response"
    assert [one["response"]["status"] for one in told["entry"]] == ["201 Created"] * 2
    lab, person = (one["resource"] for one in told["entry"])
    assert lab["resourceType"] == "Observation"
    assert lab["subject"] == {"reference": f"Patient/{person['id']}"}
    assert told["entry"][1]["response"]["location"].endswith(f"Patient/{person['id']}/_history/1")


def test_a_failing_entry_is_named_and_nothing_of_the_rest_is_stored(county: Browser) -> None:
    marked = patient(id="x", identifier=[{"system": "urn:t", "value": "rolled-back"}])
    answer = county.post(
        "/",
        bundle(
            "transaction",
            entry("POST", "Patient", marked, URN),
            entry("POST", "Observation", observation(URN, status="perhaps"), "urn:uuid:b"),
        ),
    )
    assert answer.status_code == 422
    expressions = [e for i in answer.get_json()["issue"] for e in i.get("expression", ())]
    assert "Bundle.entry[1].resource.status" in expressions
    assert not any(e.startswith("Bundle.entry[0]") for e in expressions)
    assert "urn:uuid:b" in answer.get_data(as_text=True)
    found = county.get("/Patient?identifier=urn:t|rolled-back").get_json()
    assert "entry" not in found


def test_deletions_run_first_and_reads_last_and_answers_keep_their_order(county: Browser) -> None:
    old = county.post("/Patient", patient()).get_json()["id"]
    kept = county.post("/Patient", patient()).get_json()["id"]
    answer = county.post(
        "/",
        bundle(
            "transaction",
            entry("GET", f"Patient/{kept}"),
            entry("PUT", f"Patient/{kept}", patient(id=kept, gender="male")),
            entry("DELETE", f"Patient/{old}"),
        ),
    )
    told = answer.get_json()["entry"]
    assert told[0]["resource"]["gender"] == "male"
    assert told[1]["response"]["etag"] == 'W/"2"'
    assert told[2]["response"]["status"] == "204 No Content"
    assert county.get(f"/Patient/{old}").status_code == 410


def test_an_entry_with_an_old_version_fails_the_whole(county: Browser) -> None:
    id_ = county.post("/Patient", patient()).get_json()["id"]
    county.put(f"/Patient/{id_}", patient(id=id_, gender="male"))
    late = entry("PUT", f"Patient/{id_}", patient(id=id_, gender="other"), ifMatch='W/"1"')
    outcome(county.post("/", bundle("transaction", late)), 412, "GW-7040")


def test_two_entries_that_mean_one_resource_are_refused(county: Browser) -> None:
    id_ = county.post("/Patient", patient()).get_json()["id"]
    twice = bundle(
        "transaction",
        entry("PUT", f"Patient/{id_}", patient(id=id_)),
        entry("DELETE", f"Patient/{id_}"),
    )
    outcome(county.post("/", twice), 400, "GW-7023")


@pytest.mark.parametrize(
    ("listed", "number", "where"),
    [
        ([{}], "GW-7017", "Bundle.entry[0].request"),
        ([None], "GW-7017", "Bundle.entry[0].request"),
        (
            [{"request": {"method": "FETCH", "url": "x"}}],
            "GW-7017",
            "Bundle.entry[0].request.method",
        ),
        ([{"request": {"method": "GET"}}], "GW-7017", "Bundle.entry[0].request.url"),
        (
            [{"request": {"method": "POST", "url": "Patient"}}],
            "GW-7017",
            "Bundle.entry[0].resource",
        ),
        ([entry("GET", "Nothing/1")], "GW-7001", "Bundle.entry[0].request.url"),
        ([entry("PATCH", "Patient/1")], "GW-7017", "Bundle.entry[0].resource"),
        ([entry("DELETE", "Patient/1/_history")], "GW-7027", None),
        ("x", "GW-7015", "Bundle.entry"),
    ],
)
def test_an_incomplete_entry_is_refused_with_its_place(
    county: Browser, listed: Any, number: str, where: str | None
) -> None:
    body = {"resourceType": "Bundle", "type": "transaction", "entry": listed}
    answer = county.post("/", body)
    outcome(answer, answer.status_code, number, where)
    assert answer.status_code in {400, 404}


def test_a_bundle_that_is_no_request_is_refused(county: Browser) -> None:
    outcome(county.post("/", bundle("collection")), 400, "GW-7016", "Bundle.type")
    outcome(county.post("/", patient()), 400, "GW-7013")


def test_too_many_entries_are_refused_before_anything_is_done(county: Browser) -> None:
    many = bundle("transaction", *[entry("GET", "Patient/x")] * 101)
    outcome(county.post("/", many), 413, "GW-7018")


def test_an_empty_transaction_is_answered_empty(county: Browser) -> None:
    answer = county.post("/", {"resourceType": "Bundle", "type": "transaction"})
    assert answer.get_json() == {"resourceType": "Bundle", "type": "transaction-response"}


def test_the_entries_of_a_batch_succeed_or_fail_each_on_its_own(county: Browser) -> None:
    answer = county.post(
        "/",
        bundle(
            "batch",
            entry("POST", "Patient", patient(gender="perhaps")),
            entry("POST", "Patient", patient()),
            entry("GET", "Patient/nobody"),
            {},
        ),
    )
    assert answer.status_code == 200
    told = answer.get_json()["entry"]
    assert [one["response"]["status"][:3] for one in told] == ["422", "201", "404", "400"]
    assert told[2]["response"]["outcome"]["resourceType"] == "OperationOutcome"


def test_a_transaction_sees_no_more_than_its_member(county: Browser, city: Browser) -> None:
    id_ = county.post("/Patient", patient()).get_json()["id"]
    answer = city.post("/", bundle("transaction", entry("GET", f"Patient/{id_}")))
    outcome(answer, 404, "GW-7002")
