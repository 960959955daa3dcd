"""Several clients at once: conditions hold, references lead to what stands."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from werkzeug.test import TestResponse

from tests.support.consortium import Browser
from tests.support.resources import bundle, entry, observation, patient

CLIENTS = 6


def at_once(ask: Callable[[int], TestResponse]) -> list[TestResponse]:
    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(ask, range(CLIENTS)))


def test_conditional_updates_at_once_make_one_resource(county: Browser) -> None:
    number = uuid4().hex
    person = patient(identifier=[{"system": "urn:n", "value": number}])
    path = f"/Patient?identifier=urn:n|{number}"
    answers = at_once(
        lambda turn: county.put(path, person | {"address": [{"text": f"第 {turn} 号"}]})
    )
    assert {one.status_code for one in answers} <= {200, 201, 409, 412}
    assert [one.status_code for one in answers].count(201) == 1
    found = county.get(path).get_json()
    assert found["total"] == 1
    written = [one for one in answers if one.status_code < 300]
    assert found["entry"][0]["resource"]["meta"]["versionId"] == str(len(written))


def test_references_lead_to_what_stands_when_transactions_meet(county: Browser) -> None:
    number, urn = uuid4().hex, "urn:uuid:" + str(uuid4())
    person = patient(identifier=[{"system": "urn:n", "value": number}])
    asked = bundle(
        "transaction",
        entry("POST", "Patient", person, urn, ifNoneExist=f"identifier=urn:n|{number}"),
        entry("POST", "Observation", observation(urn), "urn:uuid:" + str(uuid4())),
    )
    answers = at_once(lambda _: county.post("/", asked))
    assert [one.status_code for one in answers] == [200] * CLIENTS
    [stands] = county.get(f"/Patient?identifier=urn:n|{number}").get_json()["entry"]
    subjects = {one.get_json()["entry"][1]["resource"]["subject"]["reference"] for one in answers}
    assert subjects == {f"Patient/{stands['resource']['id']}"}


def test_patches_under_one_version_let_one_through(county: Browser) -> None:
    made = county.post("/Patient", patient()).get_json()

    def ask(turn: int) -> TestResponse:
        body = f'[{{"op": "add", "path": "/address", "value": [{{"text": "第 {turn} 号"}}]}}]'
        headers = {"Content-Type": "application/json-patch+json", "If-Match": 'W/"1"'}
        return county.ask("PATCH", f"/Patient/{made['id']}", data=body.encode(), headers=headers)

    answers = at_once(ask)
    assert sorted(one.status_code for one in answers)[0] == 200
    assert {one.status_code for one in answers[1:]} <= {200, 409, 412}
    assert [one.status_code for one in answers].count(200) == 1
    assert county.get(f"/Patient/{made['id']}").headers["ETag"] == 'W/"2"'
