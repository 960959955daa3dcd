"""Who is told of a result, and whether it may stand in for a new examination."""

from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.fhir.systems import extension
from gateway.records import Resource
from gateway.sharing import react, recognisable
from tests.support.reading import Play
from tests.support.referral_records import consortium, patient, ref, referral, task

NOW = datetime(2026, 11, 10, tzinfo=UTC)


@pytest.fixture
def play() -> Play:
    return Play(consortium(), react)


def report(patient: str = "pat-township", status: str = "final", **elements: object) -> Resource:
    return {
        "resourceType": "DiagnosticReport",
        "id": "rep-1",
        "status": status,
        "code": {"text": "心肌酶"},
        "subject": ref(f"Patient/{patient}"),
        "effectiveDateTime": "2026-11-02T09:00:00+08:00",
        **elements,
    }


def test_the_receiver_of_a_referral_is_told_of_the_senders_result(play: Play) -> None:
    play.write("qs-township", referral(), task())
    play.write("qs-township", report())
    (notice,) = play.notices.values()
    assert (notice.recipient, notice.topic) == ("qs-county", "result-available")
    assert (notice.focus, notice.stream) == ("DiagnosticReport/rep-1", "ServiceRequest/up-1")


def test_the_sender_is_told_of_the_receivers_result_only_after_acceptance(play: Play) -> None:
    play.write("qs-township", referral(), task())
    play.write("qs-county", report("pat-county"))
    assert play.told("result-available") == set()
    play.write("qs-county", task(status="accepted"))
    play.write("qs-county", report("pat-county", "amended"))
    assert play.told("result-available") == {"qs-township"}


def test_a_third_hospitals_result_reaches_who_treats_and_not_who_sent(play: Play) -> None:
    play.reading.put("lj-city", patient("pat-city"))
    play.write("qs-township", referral(), task())
    play.write("lj-city", report("pat-city"))
    assert not play.notices
    play.write("qs-county", task(status="accepted"))
    play.write("lj-city", report("pat-city", "amended"))
    assert play.told("result-available") == {"qs-county"}


@pytest.mark.parametrize("status", ["rejected", "cancelled", "failed"])
def test_a_referral_that_came_to_nothing_gives_no_right_to_results(play: Play, status: str) -> None:
    play.write("qs-township", referral(), task(status=status))
    play.write("qs-township", report())
    assert not play.notices


def test_a_preliminary_report_tells_nobody_and_the_final_one_once(play: Play) -> None:
    play.write("qs-township", referral(), task())
    play.write("qs-township", report(status="preliminary"))
    assert not play.notices
    play.write("qs-township", report())
    play.write("qs-township", report())
    assert len(play.notices) == 1


def test_a_corrected_report_is_told_again(play: Play) -> None:
    play.write("qs-township", referral(), task())
    play.write("qs-township", report(issued="2026-11-02T10:00:00+08:00"))
    play.write("qs-township", report(status="corrected", issued="2026-11-02T12:00:00+08:00"))
    assert len(play.notices) == 2


def marked(**elements: Any) -> Resource:
    parts = [{"url": "scope", "valueCode": "city"}, {"url": "valid-days", "valueInteger": 14}]
    return report(**elements) | {
        "extension": [{"url": extension("mutual-recognition"), "extension": parts}]
    }


ISSUER = {
    "resourceType": "Organization",
    "id": "lab",
    "extension": [
        {"url": extension("qc-certificate"), "valuePeriod": {"start": "2026-01", "end": "2026-12"}}
    ],
}


def test_a_marked_final_report_of_a_certified_laboratory_is_recognisable() -> None:
    found = recognisable(marked(), NOW, issuers=[ISSUER])
    assert found.is_recognisable
    assert found.scopes == ("city",)


@pytest.mark.parametrize(
    ("resource", "issuers", "objection"),
    [
        (report(), [ISSUER], "not-marked"),
        (marked(status="preliminary"), [ISSUER], "not-final"),
        (marked(effectiveDateTime="2026-10-01"), [ISSUER], "expired"),
        (marked(effectiveDateTime=None), [ISSUER], "no-time"),
        (marked(), [], "no-certificate"),
        (marked(), [ISSUER | {"extension": []}], "no-certificate"),
    ],
)
def test_what_stands_against_recognition_is_named(
    resource: Resource, issuers: list[Resource], objection: str
) -> None:
    found = recognisable(resource, NOW, issuers=issuers)
    assert not found.is_recognisable
    assert found.objections == (objection,)
