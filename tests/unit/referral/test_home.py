"""Who comes home is told of at home, referral or not; feedback reaches the other side."""

import pytest

from gateway.records import Resource
from gateway.referral import react
from gateway.referral.home import TEAMS
from tests.support.reading import Play
from tests.support.referral_records import concept, consortium, patient, ref, stay, task


@pytest.fixture
def named() -> Play:
    """The county's own record of the patient names the township as the general practitioner."""
    play = Play(consortium(), react)
    doctor = {"generalPractitioner": [ref("Organization/org-township")]}
    play.write("qs-county", patient("pat-county") | doctor)
    return play


def team(owner: str = "org-township", **elements: object) -> Resource:
    return {
        "resourceType": "CareTeam",
        "id": "team-1",
        "status": "active",
        "category": [concept(TEAMS, "family-doctor")],
        "subject": ref("Patient/pat-township"),
        "period": {"start": "2026-01-01", "end": "2026-12-31"},
        "managingOrganization": [ref(f"Organization/{owner}")],
        **elements,
    }


def test_a_discharge_without_referral_tells_the_township_that_the_hospital_names(
    named: Play,
) -> None:
    named.write("qs-county", stay())
    assert named.told("discharge") == set()
    named.write("qs-county", stay(status="finished"))
    assert named.told("discharge") == {"qs-township"}
    (right,) = named.relations
    assert (right.member, right.owner) == ("qs-township", "qs-county")
    assert right.until_utc is not None
    named.write("qs-county", stay(status="finished", reasonCode=[{"text": "胸痛"}]))
    assert len(named.notices) == 1


def test_a_signed_family_doctor_is_told_and_gets_no_right_beyond_the_teams(play: Play) -> None:
    play.write("qs-township", team())
    play.write("qs-county", stay(status="finished"))
    assert play.told("discharge") == {"qs-township"}
    assert play.relations == []


@pytest.mark.parametrize(
    "claim",
    [
        team(period={"start": "2025-01-01", "end": "2025-12-31"}),
        team(status="inactive"),
        team("org-county"),
        patient("pat-city") | {"generalPractitioner": [ref("Organization/org-city")]},
    ],
    ids=["a contract that has ended", "not in force", "managed by another", "its own word"],
)
def test_nobody_else_is_told_where_a_patient_was(play: Play, claim: Resource) -> None:
    play.write("lj-city", claim)
    play.write("qs-county", stay(status="finished"))
    assert play.told("discharge") == set()
    assert play.relations == []


def test_an_outpatient_visit_tells_nobody(named: Play) -> None:
    visit = stay(status="finished")
    visit["class"] = visit["class"] | {"code": "AMB"}
    named.write("qs-county", visit)
    assert named.notices == {}


def test_interim_feedback_reaches_the_sender(accepted: Play) -> None:
    message = {
        "resourceType": "Communication",
        "id": "feedback-1",
        "status": "completed",
        "basedOn": [ref("ServiceRequest/up-1")],
        "subject": ref("Patient/pat-county"),
        "payload": [{"contentString": "已行造影"}],
    }
    accepted.write("lj-city", message | {"id": "feedback-2"})
    assert accepted.told("referral-feedback") == set()
    accepted.write("qs-county", message)
    assert accepted.told("referral-feedback") == {"qs-township"}
    assert accepted.reading.read("Task", task()["id"]) is not None
