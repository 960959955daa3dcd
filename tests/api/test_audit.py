"""Every access leaves its row before its answer; auditors and patients read them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.cli import gateway
from gateway.errors import GatewayError
from gateway.fhir.audit_event import audit_event
from gateway.fhir.systems import ID_CARD
from gateway.records import Audited, Channel
from gateway.store import Wanted
from gateway.trail import Trailed, noted
from gateway.validation import Validator
from tests.support.consortium import Browser, Consortium

NUMBER = "420300198802112947"
CHANNEL = Channel("lis", 1, "qs-county", "hl7v2", ())


@pytest.fixture
def patient(county: Browser) -> str:
    identifier = [{"system": ID_CARD, "value": NUMBER}]
    person = {"resourceType": "Patient", "identifier": identifier, "name": [{"text": "程素云"}]}
    answer = county.post("/Patient", person)
    assert answer.status_code == 201
    return f"Patient/{answer.get_json()['id']}"


@pytest.fixture
def observation(county: Browser, patient: str) -> str:
    observed = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]},
        "subject": {"reference": patient},
    }
    return f"Observation/{county.post('/Observation', observed).get_json()['id']}"


def _last(consortium: Consortium, shard: int = 1) -> Audited:
    return consortium.runtime.store.audit.find(shard, Wanted(), 1)[0]


@pytest.mark.parametrize(
    ("accept", "path", "word"),
    [
        ("*/*", "/{0}", "read"),
        ("application/fhir+xml", "/{0}", "read"),
        ("*/*", "/{0}/_history/1", "vread"),
        ("*/*", "/{0}/_history", "history-instance"),
        ("*/*", "/Observation?subject={1}", "search-type"),
        ("*/*", "/Patient?_id={2}&_revinclude=Observation:subject", "search-type"),
        ("*/*", "/{1}/$everything", "$everything"),
        ("*/*", "/{1}/Observation", "search-compartment"),
        ("*/*", "/{0}/$meta", "$meta"),
    ],
)
def test_every_way_of_reading_leaves_its_row(
    consortium: Consortium,
    county: Browser,
    observation: str,
    patient: str,
    accept: str,
    path: str,
    word: str,
) -> None:
    asked = path.format(observation, patient, patient.split("/")[1])
    assert county.get(asked, Accept=accept).status_code == 200
    row = _last(consortium)
    assert (row.client, row.member, row.word, row.status) == (
        "qs-county",
        "qs-county",
        word,
        200,
    )
    assert observation in row.seen.resources
    assert row.seen.persons == [row.seen.resources[observation]]


def test_refusals_are_rows_too(consortium: Consortium, county: Browser, city: Browser) -> None:
    assert city.get("/Patient/nobody").status_code == 404
    row = _last(consortium)
    assert (row.status, row.error, row.member, row.seen.resources) == (
        404,
        "GW-7002",
        "lj-city",
        {},
    )
    stranger = Browser(consortium.app, "no-token")
    assert stranger.get("/Patient/nobody").status_code == 401
    row = _last(consortium, 0)
    assert (row.status, row.error, row.client) == (401, "GW-8002", "")
    assert county.get("/Nothing/x").status_code == 404
    assert _last(consortium).error == "GW-7001"


def test_a_batch_tells_each_of_its_entries(
    consortium: Consortium, county: Browser, patient: str, observation: str
) -> None:
    entries = [{"request": {"method": "GET", "url": one}} for one in (patient, "Patient/nobody")]
    county.post("/", {"resourceType": "Bundle", "type": "batch", "entry": entries})
    row = _last(consortium)
    assert row.seen.steps == [f"0 GET {patient}", "1 GET Patient/nobody", "1 GW-7002"]
    assert patient in row.seen.resources


def test_what_cannot_be_audited_is_not_answered(
    consortium: Consortium,
    county: Browser,
    patient: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Broken:
        def append(self, access: Audited) -> None:
            raise GatewayError("GW-5003", reason="away")

    class Store:
        audit = Broken()

    inner = consortium.app.wsgi_app._behind  # type: ignore[attr-defined]
    monkeypatch.setattr(consortium.app, "wsgi_app", Trailed(inner, Store()))  # type: ignore[arg-type]
    answer = county.get(f"/{patient}")
    assert answer.status_code == 503
    assert "程素云" not in answer.get_data(as_text=True)


def _found(browser: Browser, query: str) -> list[dict[str, Any]]:
    answer = browser.get(f"/AuditEvent?{query}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return [one["resource"] for one in answer.get_json().get("entry", [])]


def test_an_auditor_finds_accesses_by_patient_entity_action_outcome_and_date(
    consortium: Consortium, county: Browser, operator: Browser, patient: str, observation: str
) -> None:
    county.get(f"/{observation}")
    county.get("/Observation/none-such")
    today = datetime.now(UTC).date().isoformat()
    of_patient = _found(operator, f"patient={patient}&action=R&date=ge{today}&_count=1")
    references = [one["what"].get("reference") for one in of_patient[0]["entity"] if "what" in one]
    assert observation in references
    assert patient in references
    assert _found(operator, f"entity={observation}&subtype=read&outcome=0")
    refused = _found(operator, "outcome=4&agent-name=qs-county&_count=1")
    assert "GW-7002" in refused[0]["outcomeDesc"]
    assert _found(operator, f"patient={patient}&date=lt2020-01-01") == []
    check = Validator(consortium.runtime.definitions).check
    for event in (*of_patient, *refused):
        assert [one for one in check(event) if one.severity in {"error", "fatal"}] == []
    assert operator.get(f"/AuditEvent/{refused[0]['id']}").get_json() == refused[0]


def test_pages_of_the_trail_follow_each_other(operator: Browser, patient: str) -> None:
    for _ in range(5):
        operator.get(f"/{patient}")
    query = f"entity={patient}&_count=2"
    first = operator.get(f"/AuditEvent?{query}").get_json()
    following = next(one["url"] for one in first["link"] if one["relation"] == "next")
    second = operator.get(following.partition("/fhir")[2]).get_json()
    ids = [one["resource"]["id"] for page in (first, second) for one in page["entry"]]
    assert len(set(ids)) == 4
    assert ids == sorted(ids, reverse=True)


def test_a_member_sees_its_own_accesses_only(
    county: Browser, city: Browser, operator: Browser, patient: str
) -> None:
    county.get(f"/{patient}")
    [event] = _found(operator, f"patient={patient}&agent-name=qs-county&subtype=read&_count=1")
    assert county.get(f"/AuditEvent/{event['id']}").status_code == 200
    assert city.get(f"/AuditEvent/{event['id']}").status_code == 404
    assert _found(city, f"patient={patient}") == []


def test_the_trail_does_not_tell_that_two_patients_are_one_person(
    county: Browser, city: Browser, operator: Browser, patient: str
) -> None:
    own = {"resourceType": "Patient", "identifier": [{"system": ID_CARD, "value": NUMBER}]}
    theirs = f"Patient/{city.post('/Patient', own).get_json()['id']}"
    assert city.get(f"/{patient}").status_code == 404
    assert _found(city, f"patient={theirs}")
    assert _found(city, f"patient={patient}") == []
    assert _found(operator, f"patient={patient}&agent-name=lj-city")


def test_a_signed_link_is_audited_without_what_opens_it(
    consortium: Consortium, patient: str
) -> None:
    type_, _, id_ = patient.partition("/")
    link = consortium.runtime.access.sign_link(1, "qs-county", type_, id_)
    assert consortium.app.test_client().get(link).status_code == 200
    row = _last(consortium)
    assert (row.word, row.path, row.member) == ("view", "/view/", "qs-county")
    assert patient in row.seen.resources


def test_a_refused_sign_in_names_the_client(consortium: Consortium) -> None:
    form = {"grant_type": "client_credentials", "client_id": "his-9", "client_secret": "wrong"}
    assert consortium.app.test_client().post("/oauth/token", data=form).status_code == 401
    row = _last(consortium, 0)
    assert (row.word, row.client, row.error) == ("login", "his-9", "GW-8008")
    assert "wrong" not in row.query


def test_the_command_verifies_the_chain_and_reports_to_a_patient(
    consortium: Consortium, county: Browser, observation: str, patient: str
) -> None:
    county.get(f"/{observation}")
    settings = consortium.runtime.settings
    given = ["--data-dir", str(settings.data_dir)]
    checked = CliRunner().invoke(gateway, ["audit", "verify", *given])
    assert checked.exit_code == 0, checked.output
    assert "the chain holds" in checked.output
    told = CliRunner().invoke(gateway, ["audit", "patient", *given, patient])
    assert f"/fhir/{observation}" in told.output
    listed = CliRunner().invoke(gateway, ["audit", "list", *given, "--resource", observation])
    assert "qs-county/qs-county" in listed.output
    by_card = CliRunner().invoke(
        gateway, ["audit", "patient", *given, "--id-card"], input=f"{NUMBER}\n"
    )
    assert f"/fhir/{observation}" in by_card.output


def test_a_command_leaves_its_row_before_it_runs(consortium: Consortium) -> None:
    given = ["--data-dir", str(consortium.runtime.settings.data_dir)]
    ran = CliRunner().invoke(gateway, ["messages", "list", *given, "--channel", "none-such"])
    assert ran.exit_code == 0, ran.output
    row = _last(consortium)
    assert (row.client, row.word, row.path) == ("local", "command", "gateway messages list")
    assert row.agent
    assert "channel=none-such" in row.query
    event = audit_event(row)
    check = Validator(consortium.runtime.definitions).check
    assert [one for one in check(event) if one.severity in {"error", "fatal"}] == []
    unknown = CliRunner().invoke(gateway, ["token", *given, "nobody"])
    assert unknown.exit_code != 0
    row = _last(consortium, 0)
    assert (row.path, row.query) == ("gateway token", "name=nobody")


@pytest.mark.parametrize(
    ("answer", "status"), [(b"MSH|^~\\&|\rMSA|AA|1\r", 200), (b"MSH|\rMSA|AE|1\r", 422), (b"", 200)]
)
def test_a_message_over_mllp_leaves_its_row_before_it_is_acknowledged(
    consortium: Consortium, answer: bytes, status: int
) -> None:
    store = consortium.runtime.store
    receive = noted(store, CHANNEL, lambda _raw, _peer: answer)
    assert receive(b"MSH|", "10.1.2.3") == answer
    row = _last(consortium)
    assert (row.method, row.word, row.path) == ("MLLP", "intake", "/intake/lis")
    assert (row.member, row.peer, row.status) == ("qs-county", "10.1.2.3", status)


def test_a_message_that_cannot_be_audited_is_not_acknowledged(
    consortium: Consortium, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_row: Audited) -> None:
        raise GatewayError("GW-5004")

    monkeypatch.setattr(consortium.runtime.store.audit, "append", fail)
    receive = noted(consortium.runtime.store, CHANNEL, lambda _raw, _peer: b"MSH|\rMSA|AA|1\r")
    assert receive(b"MSH|", "10.1.2.3") is None
