"""A referral played by its operations, and what is refused to whom."""

from typing import Any

import pytest

from gateway.fhir.systems import REFERRAL_DIRECTION, REFERRAL_TYPE, SERVICE_CATEGORY
from gateway.referral.terms import REASON
from tests.support.asserts import outcome
from tests.support.consortium import Browser, Consortium
from tests.support.resources import patient


def organization(member: str) -> dict[str, str]:
    return {"reference": f"Organization/org-{member}"}


def concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def parameters(**values: Any) -> dict[str, Any]:
    listed = [
        {"name": name, "resource": one}
        if isinstance(one, dict)
        else {"name": name, "valueString": one}
        for name, one in values.items()
    ]
    return {"resourceType": "Parameters"} | ({"parameter": listed} if listed else {})


@pytest.fixture
def township(consortium: Consortium) -> Browser:
    return consortium.client("qs-township")


@pytest.fixture
def draft(township: Browser) -> str:
    """A drafted slip of the township for the county; its path."""
    subject = township.post("/Patient", patient()).get_json()["id"]
    made = township.post(
        "/ServiceRequest",
        {
            "resourceType": "ServiceRequest",
            "status": "draft",
            "intent": "order",
            "category": [
                concept(SERVICE_CATEGORY, "referral"),
                concept(REFERRAL_DIRECTION, "up"),
            ],
            "code": concept(REFERRAL_TYPE, "inpatient"),
            "subject": {"reference": f"Patient/{subject}"},
            "authoredOn": "2026-11-02T10:20:00+08:00",
            "requester": organization("qs-township"),
            "performer": [organization("qs-county")],
        },
    )
    assert made.status_code == 201, made.get_data(as_text=True)
    return f"/ServiceRequest/{made.get_json()['id']}"


def act(browser: Browser, draft: str, operation: str, **values: Any) -> dict[str, Any]:
    answer = browser.post(f"{draft}/${operation}", parameters(**values))
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found: dict[str, Any] = answer.get_json()
    return found


def test_a_referral_goes_its_whole_way_by_operations(
    township: Browser, county: Browser, draft: str
) -> None:
    sent = act(township, draft, "send")
    assert (sent["status"], sent["owner"]["reference"]) == (
        "requested",
        "Organization/org-qs-county",
    )
    assert act(township, draft, "send")["meta"]["versionId"] == sent["meta"]["versionId"]
    assert act(county, draft, "accept")["status"] == "accepted"
    assert act(county, draft, "arrive")["status"] == "in-progress"
    assert act(county, draft, "complete")["status"] == "completed"
    [down] = county.get(f"/ServiceRequest?based-on={draft[1:]}").get_json()["entry"]
    home = f"/ServiceRequest/{down['resource']['id']}"
    assert down["resource"]["status"] == "draft"
    assert act(county, home, "send")["status"] == "active"
    assert act(township, home, "accept")["status"] == "accepted"
    assert act(township, home, "complete")["status"] == "completed"
    assert township.get(draft).get_json()["status"] == "completed"
    page = township.get(f"{draft}/$timeline").get_json()
    steps = [
        part["valueCoding"]["code"]
        for one in page["parameter"]
        if one["name"] == "step"
        for part in one["part"]
        if part["name"] == "event"
    ]
    assert steps[0] == "written"
    wanted = ["send", "accept", "resume-treatment", "arrive", "complete", "sign"]
    assert set(wanted) - {"resume-treatment"} <= set(steps)
    text = page["parameter"][-1]["valueMarkdown"]
    assert "同意接收" in text
    assert "Accept" in text
    assert "随访" in text  # What is still awaited.


def test_a_rejection_states_its_reason_and_the_sender_redirects(
    township: Browser, county: Browser, city: Browser, draft: str
) -> None:
    act(township, draft, "send")
    outcome(county.post(f"{draft}/$reject", parameters()), 422, "GW-6203")
    outcome(county.post(f"{draft}/$reject", parameters(reason="no-drug")), 422, "GW-6206")
    rejected = act(county, draft, "reject", reason="no-bed", alternative="Organization/org-lj-city")
    assert rejected["statusReason"]["coding"][0] == {"system": REASON, "code": "no-bed"}
    assert rejected["output"][0]["valueReference"] == organization("lj-city")
    outcome(city.post(f"{draft}/$accept", parameters()), 404, "GW-7002")
    sent = act(township, draft, "redirect", receiver="Organization/org-lj-city")
    assert sent["owner"]["reference"] == "Organization/org-lj-city"
    assert act(city, draft, "accept")["status"] == "accepted"
    outcome(county.post(f"{draft}/$accept", parameters()), 404, "GW-7002")


def test_a_redirection_ends_what_waited_elsewhere(township: Browser, draft: str) -> None:
    first = act(township, draft, "send")
    act(township, draft, "redirect", receiver="Organization/org-lj-city")
    ended = township.get(f"/Task/{first['id']}").get_json()
    assert ended["status"] == "cancelled"
    assert ended["statusReason"]["coding"][0]["code"] == "redirected"


def test_only_the_sender_withdraws_and_not_from_treatment(
    township: Browser, county: Browser, draft: str
) -> None:
    act(township, draft, "send")
    outcome(county.post(f"{draft}/$withdraw", parameters()), 403, "GW-8005")
    act(county, draft, "accept")
    act(county, draft, "arrive")
    refused = township.post(f"{draft}/$withdraw", parameters(reason="improved"))
    outcome(refused, 422, "GW-6201")
    assert "接收方" in refused.get_data(as_text=True)


def test_a_withdrawn_referral_is_revoked_with_its_tasks(township: Browser, draft: str) -> None:
    sent = act(township, draft, "send")
    assert act(township, draft, "withdraw", reason="patient-refused")["status"] == "revoked"
    assert township.get(f"/Task/{sent['id']}").get_json()["status"] == "cancelled"


@pytest.mark.parametrize("way", ["put", "patch", "transaction", "operation"])
def test_the_sender_cannot_answer_for_the_receiver_in_any_way(
    township: Browser, draft: str, way: str
) -> None:
    task = act(township, draft, "send")
    changed = task | {"status": "accepted"}
    path = f"/Task/{task['id']}"
    entry = {"resource": changed, "request": {"method": "PUT", "url": path[1:]}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    patched = [{"op": "replace", "path": "/status", "value": "accepted"}]
    sent = {"Content-Type": "application/json-patch+json"}
    answer = {
        "put": lambda: township.put(path, changed),
        "patch": lambda: township.ask("PATCH", path, patched, headers=sent),
        "transaction": lambda: township.post("/", bundle),
        "operation": lambda: township.post(f"{draft}/$accept", parameters()),
    }[way]()
    assert answer.status_code == 403
    assert "GW-6202" in answer.get_data(as_text=True)


def test_an_order_that_is_no_referral_has_no_such_operations(township: Browser) -> None:
    subject = township.post("/Patient", patient()).get_json()["id"]
    plain = {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "subject": {"reference": f"Patient/{subject}"},
    }
    id_ = township.post("/ServiceRequest", plain).get_json()["id"]
    outcome(township.post(f"/ServiceRequest/{id_}/$send", parameters()), 422, "GW-6207")
    outcome(township.get(f"/ServiceRequest/{id_}/$timeline"), 422, "GW-6207")


def test_the_reason_why_nobody_is_sent_back_takes_the_drafts_place(
    township: Browser, county: Browser, draft: str
) -> None:
    act(township, draft, "send")
    act(county, draft, "accept")
    act(county, draft, "arrive")
    outcome(county.post(f"{draft}/$complete", parameters(reason="tired")), 400, "GW-7020")
    act(county, draft, "complete", reason="no-aftercare")
    found = county.get(f"/ServiceRequest?based-on={draft[1:]}").get_json()
    assert "entry" not in found


def test_what_was_sent_is_not_deleted_but_a_draft_is(
    township: Browser, county: Browser, draft: str
) -> None:
    sent = act(township, draft, "send")
    outcome(county.ask("DELETE", f"/Task/{sent['id']}"), 422, "GW-6208")
    outcome(township.ask("DELETE", draft), 422, "GW-6208")


def test_who_only_drops_the_trail_changes_nothing(township: Browser, draft: str) -> None:
    sent = act(township, draft, "send")
    bare = {key: value for key, value in sent.items() if key not in {"note", "restriction"}}
    answer = township.put(f"/Task/{sent['id']}", bare)
    assert (answer.status_code, answer.get_json()) == (200, sent)


def test_a_consent_given_with_the_sending_is_stored_and_named_by_the_slip(
    township: Browser, draft: str
) -> None:
    subject = township.get(draft).get_json()["subject"]
    consent = {
        "resourceType": "Consent",
        "status": "active",
        "scope": concept("http://terminology.hl7.org/CodeSystem/consentscope", "treatment"),
        "category": [{"text": "转诊知情同意"}],
        "patient": subject,
        "dateTime": "2026-11-02",
        "performer": [subject],
        "policyRule": {"text": "转诊知情同意书"},
        "provision": {
            "type": "permit",
            "actor": [{"role": {"text": "接收机构"}, "reference": organization("qs-county")}],
        },
    }
    sent = act(township, draft, "send", consent=consent)
    assert sent["status"] == "requested"
    [named] = township.get(draft).get_json()["supportingInfo"]
    assert township.get(f"/{named['reference']}").get_json()["performer"] == [subject]


def test_a_refusal_given_with_the_sending_stops_it_and_writes_nothing(
    township: Browser, draft: str
) -> None:
    subject = township.get(draft).get_json()["subject"]
    refusal = {
        "resourceType": "Consent",
        "status": "rejected",
        "scope": concept("http://terminology.hl7.org/CodeSystem/consentscope", "treatment"),
        "category": [{"text": "转诊知情同意"}],
        "patient": subject,
        "policyRule": {"text": "转诊知情同意书"},
    }
    refused = township.post(f"{draft}/$send", parameters(consent=refusal))
    assert refused.status_code == 422
    assert "GW-6242" in refused.get_data(as_text=True)
    assert township.get(draft).get_json()["status"] == "draft"
