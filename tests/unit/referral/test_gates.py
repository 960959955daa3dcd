"""Consent, record and review before a slip leaves; emergencies go first and file afterwards."""

from functools import partial
from typing import Any

import pytest

from gateway.errors import GatewayError
from gateway.fhir.systems import LOINC, REFERRAL_TASK, TERMINOLOGY
from gateway.reactions import Answer, Turn
from gateway.records import Event, MapContext, Resource
from gateway.referral import Policies, Policy, reactor
from gateway.referral.children import approved
from gateway.referral.table import CORRECT, FILE, REVIEW
from tests.support.reading import NOW, Play
from tests.support.referral_records import composition, concept, consortium, ref, referral, task

STRICT = Policy(consent="strict", completeness="strict", alternative="strict")


@pytest.fixture
def strict() -> Play:
    return Play(consortium(), reactor(Policies(by_member={"qs-township": STRICT})))


def consent(status: str = "active") -> Resource:
    return {
        "resourceType": "Consent",
        "id": "consent-1",
        "status": status,
        "scope": concept(f"{TERMINOLOGY}/consentscope", "treatment"),
        "category": [{"text": "转诊知情同意"}],
        "patient": ref("Patient/pat-township"),
        "dateTime": "2026-11-02",
        "performer": [ref("Patient/pat-township")],
        "provision": {"type": "permit", "actor": [], "class": []},
    }


def summary(*codes: str) -> Resource:
    sections = [
        {"code": concept(LOINC, code), "text": {"status": "generated", "div": "<div>…</div>"}}
        for code in codes
    ]
    return composition("sum-1", "57133-1", "pat-township", section=sections)


def order(**elements: Any) -> Resource:
    carried = [ref("Consent/consent-1"), ref("Composition/sum-1")]
    return referral(supportingInfo=carried, **elements)


WHOLE = summary("10164-2", "29548-5", "18776-5")


def told(play: Play) -> list[str]:
    return [one.number for one in play.issues if one.number.startswith("GW-624")]


def duties(play: Play, kind: str) -> list[Resource]:
    return play.reading.find("Task", code=f"{REFERRAL_TASK}|{kind}")


def is_approved(play: Play, order: str) -> bool:
    found = play.reading.read("ServiceRequest", order)
    assert found is not None
    event = Event(found, found, "qs-township", None, NOW)
    context = MapContext("qs-township", None, NOW, lambda key: key.value)
    return approved(found, Turn(event, play.reading, context, Answer()))


def refused(play: Play, *resources: Resource) -> list[str]:
    with pytest.raises(GatewayError) as found:
        play.write("qs-township", *resources)
    assert found.value.number == "GW-6245"
    return [f"{one.number} {one.text_en}" for one in found.value.issues if one.severity == "error"]


def test_a_whole_record_with_consent_passes_the_strictest_gate(strict: Play) -> None:
    strict.write("qs-township", consent(), WHOLE, order(), task())
    assert told(strict) == []


def test_each_missing_part_is_named(strict: Play) -> None:
    found = refused(strict, consent(), summary("29548-5"), order())
    assert [one.split(".")[0] for one in found] == [
        "GW-6243 The record that goes along has no history",
        "GW-6243 The record that goes along has no treatment",
    ]


def test_a_part_may_come_from_records_already_held_but_not_from_others(strict: Play) -> None:
    report = {
        "resourceType": "DiagnosticReport",
        "id": "r-1",
        "patient": ref("Patient/pat-township"),
    }
    strict.reading.put("lj-city", report)
    assert len(refused(strict, consent(), summary("10164-2", "29548-5"), order())) == 1
    strict.reading.put("qs-township", report | {"id": "r-2"})
    strict.write("qs-township", consent(), summary("10164-2", "29548-5"), order())


def test_without_consent_a_strict_region_refuses_and_another_warns(
    strict: Play, play: Play
) -> None:
    assert [one[:7] for one in refused(strict, WHOLE, order())] == ["GW-6241"]
    play.write("qs-township", WHOLE, order())
    assert told(play) == ["GW-6241"]


def test_a_recorded_refusal_stops_the_referral_in_every_region(play: Play) -> None:
    assert [one[:7] for one in refused(play, consent("rejected"), WHOLE, order())] == ["GW-6242"]


def test_a_draft_waits_for_what_is_still_missing(strict: Play) -> None:
    strict.write("qs-township", order(status="draft"))
    assert len(refused(strict, order())) == 4
    strict.write("qs-township", consent(), WHOLE, order())


def test_an_emergency_leaves_at_once_and_files_afterwards(strict: Play) -> None:
    strict.write("qs-township", order(priority="stat"), task())
    assert strict.told("referral-received") == {"qs-county"}
    (duty,) = duties(strict, FILE)
    assert duty["owner"] == ref("Organization/org-township")
    assert duty["restriction"]["period"]["end"] == "2026-11-13T08:00:00.000Z"
    assert len(duty["input"]) == 4
    assert len(refused(strict, duty | {"status": "completed"})) == 4
    strict.write("qs-township", consent(), WHOLE)
    strict.write("qs-township", duty | {"status": "completed"})
    assert duties(strict, FILE)[0]["status"] == "completed"


def test_an_outbound_referral_nobody_reviewed_is_entered_as_a_violation(play: Play) -> None:
    outside = {"type": "Organization", "display": "省人民医院"}
    out = partial(referral, direction="outbound", performer=[outside])
    play.write("qs-township", out("out-1"))
    assert "GW-6244" in told(play)
    (violation,) = duties(play, CORRECT)
    assert violation["requester"] == ref("Organization/org-bureau")
    assert violation["owner"] == ref("Organization/org-township")
    play.write("qs-township", out("out-2", status="draft"))
    review = task(
        "review-1",
        "out-2",
        code=concept(REFERRAL_TASK, REVIEW),
        owner=ref("Organization/org-insurer"),
    )
    colleague = review | {"id": "review-2", "owner": ref("Organization/org-city")}
    play.write("qs-township", review, colleague)
    play.write("lj-city", colleague | {"status": "accepted"})
    insurer = play.reading.resources["Organization/org-insurer"]
    kind = concept(f"{TERMINOLOGY}/organization-type", "ins")
    play.reading.put("qs-insurer", insurer | {"type": [kind]})
    assert not is_approved(play, "out-2")
    play.write("qs-insurer", review | {"status": "accepted"})
    assert is_approved(play, "out-2")
    play.write("qs-township", out("out-2"))
    assert len(duties(play, CORRECT)) == 1


def test_a_strict_region_wants_an_alternative_with_a_rejection(strict: Play) -> None:
    strict.write("qs-township", consent(), WHOLE, order(), task())
    rejected: dict[str, Any] = {"status": "rejected", "statusReason": {"text": "无床位"}}
    with pytest.raises(GatewayError, match="GW-6246"):
        strict.write("qs-county", task(**rejected))
    kind = concept("https://consortium-fhir.cn/CodeSystem/referral-output", "alternative")
    output = {"type": kind, "valueReference": ref("Organization/org-city")}
    strict.write("qs-county", task(**rejected, output=[output]))
