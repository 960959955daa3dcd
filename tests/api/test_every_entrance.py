"""Every address × every method, without a token, with a wrong one and with a useless one."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from gateway.fhir.systems import ID_CARD
from tests.support.consortium import Consortium

# What anybody may ask; nothing of it tells of a patient.
OPEN = re.compile(
    r"/|/healthz|/readyz|/metrics|/openapi.json|/fhir/metadata|/oauth/.*|.*/\.well-known/.*"
    r"|/soap/[^/]+|/view/.*"
)
NAME, NUMBER = "沈不露面", "429901197103020018"


@pytest.fixture(scope="module")
def patient(consortium: Consortium) -> str:
    """A patient whose name and number nobody here may learn."""
    body: dict[str, Any] = {"resourceType": "Patient", "name": [{"text": NAME}]}
    body["identifier"] = [{"system": ID_CARD, "value": NUMBER}]
    made = consortium.client("lj-city").post("/Patient", body)
    assert made.status_code == 201, made.get_data(as_text=True)
    return str(made.get_json()["id"])


def addresses(consortium: Consortium, patient: str) -> Iterator[tuple[str, str]]:
    """Give each address of the application with each of its methods, as if of that patient."""
    given = {"type_": "Patient", "id_": patient, "compartment": "Patient", "version": "1"}
    for rule in consortium.app.url_map.iter_rules():
        path = re.sub(r"<(?:[^:<>]+:)?(\w+)>", lambda found: given.get(found[1], "x"), rule.rule)
        for method in sorted(_methods(rule)):
            yield method, path


def _methods(rule: Rule) -> set[str]:
    return (rule.methods or set()) - {"OPTIONS"}


def told(anybody: FlaskClient, method: str, path: str, token: str | None) -> int:
    """Ask once; fail where the answer names the patient. Gives the status."""
    headers = {"Content-Type": "application/fhir+json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    body = b'{"resourceType":"Parameters"}' if method in {"POST", "PUT", "PATCH"} else None
    answer = anybody.open(path, method=method, headers=headers, data=body)
    text = answer.get_data(as_text=True)
    assert NAME not in text, (method, path)
    assert NUMBER not in text, (method, path)
    assert "GW-7000" not in text, (method, path)
    if path.startswith("/soap/") and answer.status_code == 500:
        return 400  # SOAP 1.1 puts every fault under 500, the caller's too.
    assert answer.status_code < 500, (method, path)
    return answer.status_code


@pytest.mark.parametrize("kind", ["none", "wrong", "of another deployment"])
def test_without_a_token_that_holds_nothing_answers(
    consortium: Consortium, patient: str, kind: str
) -> None:
    anybody = consortium.app.test_client()
    token = {"none": None, "wrong": "a.b.c"}.get(kind, "eyJhbGciOiJIUzI1NiJ9.e30.AAAA")
    asked = set(addresses(consortium, patient))
    assert len(asked) > 60
    wrong = {}
    for method, path in asked:
        status = told(anybody, method, path, token)
        if not OPEN.fullmatch(path):
            wrong[method, path] = status
    assert {one: status for one, status in wrong.items() if status != 401} == {}


@pytest.mark.parametrize("scope", ["intake/nothing", "system/Basic.c", "system/Patient.rs?_id=x"])
def test_a_token_for_something_else_opens_nothing(
    consortium: Consortium, patient: str, scope: str
) -> None:
    anybody = consortium.app.test_client()
    token = consortium.client("qs-county", scope).token
    for method, path in set(addresses(consortium, patient)):
        told(anybody, method, path, token)


def test_the_owner_does_learn_it(consortium: Consortium, patient: str) -> None:
    text = consortium.client("lj-city").get(f"/Patient/{patient}").get_data(as_text=True)
    assert NAME in text
    assert NUMBER in text
    assert str(uuid.UUID(patient)) == patient
