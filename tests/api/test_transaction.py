"""transaction and batch: POST [base]."""

from typing import Any
from uuid import uuid4

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


def test_links_of_every_kind_between_entries_are_resolved(county: Browser) -> None:
    root = "https://his.example.cn/fhir"
    binary, person = "urn:oid:1.2.156.7", f"{root}/Patient/local-1"
    document = {
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": {"reference": "Patient/local-1"},
        "context": {"related": [{"reference": person}]},
        "content": [{"attachment": {"url": binary}}],
        "text": {
            "status": "generated",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{binary}">文</a></div>',
        },
    }
    data = {"resourceType": "Binary", "contentType": "text/plain", "data": "eA=="}
    answer = county.post(
        "/",
        bundle(
            "transaction",
            entry("POST", "DocumentReference", document, f"{root}/DocumentReference/local-2"),
            entry("POST", "Patient", patient(), person),
            entry("POST", "Binary", data, binary),
        ),
    )
    told = answer.get_json()["entry"]
    made, subject, content = (one["resource"] for one in told)
    assert made["subject"] == {"reference": f"Patient/{subject['id']}"}
    assert made["context"]["related"] == [{"reference": f"Patient/{subject['id']}"}]
    assert made["content"][0]["attachment"]["url"] == f"Binary/{content['id']}"
    assert f'href="Binary/{content["id"]}"' in made["text"]["div"]


def test_a_conditional_reference_finds_its_one_resource_or_names_the_entry(
    county: Browser,
) -> None:
    number = uuid4().hex
    where = f"Patient?identifier=urn:cr|{number}"
    asked = bundle(
        "transaction",
        entry("POST", "Patient", patient()),
        entry("POST", "Observation", observation(where), "urn:uuid:" + str(uuid4())),
    )
    refused = county.post("/", asked)
    outcome(refused, 412, "GW-7042", "Bundle.entry[1].resource.subject")
    named = outcome(refused, 412, "GW-7026", "Bundle.entry[1]")
    assert "urn:uuid:" in named["details"]["text"]
    person = county.post("/Patient", patient(identifier=[{"system": "urn:cr", "value": number}]))
    told = county.post("/", asked).get_json()["entry"]
    assert told[1]["resource"]["subject"]["reference"] == f"Patient/{person.get_json()['id']}"


@pytest.mark.parametrize(
    ("failing", "number"),
    [
        (entry("PUT", "Patient/x", patient(id="y")), "GW-7014"),
        (entry("PUT", "Patient/x", patient(id="x")), "GW-8007"),
        (entry("POST", "Patient", observation("Patient/x")), "GW-7013"),
        (entry("POST", "Patient", patient(gender="perhaps")), "GW-4801"),
        (entry("POST", "Patient", patient(), ifNoneExist="nonsense=1"), "GW-7101"),
        (entry("POST", "Patient", patient(), ifNoneExist="_count=1"), "GW-7043"),
        (entry("DELETE", "Patient?nonsense=1"), "GW-7101"),
        (entry("PUT", "Patient?_id=x", patient(), ifMatch='W/"4"'), "GW-7040"),
        (entry("PATCH", "Patient/x", patient()), "GW-7002"),
        (entry("POST", "Observation", observation("urn:uuid:" + "0" * 8)), "GW-7064"),
        (entry("PATCH", "Patient?_id=x", {"resourceType": "Parameters"}), "GW-7060"),
    ],
)
def test_the_failing_entry_is_named_whatever_fails(
    county: Browser, failing: dict[str, Any], number: str
) -> None:
    answer = county.post(
        "/",
        bundle(
            "transaction",
            entry("GET", "Patient/none"),
            entry("POST", "Patient", patient()),
            failing | {"fullUrl": "urn:uuid:0b0e6d3e-5e0b-4c1f-9a43-3f7a3d8f1e77"},
        ),
    )
    named = outcome(answer, answer.status_code, "GW-7026", "Bundle.entry[2]")
    assert "0b0e6d3e-5e0b-4c1f-9a43-3f7a3d8f1e77" in named["details"]["text"]
    if number != "GW-4801":
        outcome(answer, answer.status_code, number)
    assert 400 <= answer.status_code < 500
