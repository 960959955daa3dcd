"""The referral's reaction, step by step and in any order."""

from itertools import permutations

import pytest

from gateway.errors import GatewayError
from gateway.fhir.systems import REFERRAL_TASK, TERMINOLOGY
from gateway.records import Resource
from gateway.referral import react
from gateway.referral.terms import NO_DRAFT
from tests.support.reading import Play
from tests.support.referral_records import (
    composition,
    concept,
    consortium,
    down,
    ref,
    referral,
    stay,
    task,
)

DISPOSITION = f"{TERMINOLOGY}/discharge-disposition"


def fulfil(play: Play, id_: str = "task-1") -> Resource:
    found = play.reading.read("Task", id_)
    assert found is not None
    return found


def linking(play: Play) -> list[str]:
    """What was remarked, the gates excepted."""
    return [one.number for one in play.issues if not one.number.startswith("GW-624")]


def signing(play: Play) -> Resource:
    token = f"{REFERRAL_TASK}|sign-down-referral"
    (found,) = [
        one
        for one in play.reading.resources.values()
        if one["resourceType"] == "Task" and token == "|".join(one["code"]["coding"][0].values())
    ]
    return found


def test_a_sent_referral_gives_the_receiver_the_right_to_read_and_a_notice(play: Play) -> None:
    play.write("qs-township", referral(), task())
    (relation,) = play.relations
    assert (relation.member, relation.owner) == ("qs-county", "qs-township")
    assert relation.classes == 2 | 4 | 32
    assert play.told("referral-received") == {"qs-county"}
    assert len(play.notices) == 1


@pytest.mark.parametrize("order", list(permutations(("order", "task"))))
def test_order_and_task_may_come_apart_and_in_any_order(play: Play, order: tuple[str, str]) -> None:
    parts = {"order": referral(), "task": task()}
    for part in order:
        play.write("qs-township", parts[part])
    assert [one.topic for one in play.notices.values()] == ["referral-received"]


def test_a_draft_gives_nobody_a_right(play: Play) -> None:
    play.write("qs-township", referral(status="draft"), task(status="draft"))
    assert not play.relations
    assert not play.notices


def test_the_summary_becomes_a_document_of_the_senders_own_records(play: Play) -> None:
    summary = composition(
        "sum-1", "57133-1", "pat-township", custodian=ref("Organization/org-township")
    )
    play.reading.put("qs-county", {"resourceType": "Condition", "id": "foreign"})
    summary["section"] = [{"title": "诊断", "entry": [ref("Condition/foreign")]}]
    written = play.write(
        "qs-township", referral(supportingInfo=[ref("Composition/sum-1")]), task(), summary
    )
    (bundle,) = [one for one in written if one["resourceType"] == "Bundle"]
    types = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
    assert bundle["type"] == "document"
    assert types == ["Composition", "Patient", "Organization"]
    assert bundle["identifier"]["system"]
    assert bundle["timestamp"]


def test_the_document_follows_when_the_composition_comes_last_and_stays_equal(play: Play) -> None:
    play.write("qs-township", referral(supportingInfo=[ref("Composition/sum-1")]), task())
    summary = composition("sum-1", "57133-1", "pat-township")
    assert len(play.write("qs-township", summary)) == 1
    assert play.write("qs-township", summary | {"meta": {"versionId": "2"}}) == []


def test_acceptance_opens_the_way_in_both_directions(accepted: Play) -> None:
    rights = {(one.member, one.owner) for one in accepted.relations[1:]}
    assert rights == {("qs-county", None), ("qs-township", "qs-county")}
    assert accepted.told("referral-answered") == {"qs-township"}


def test_a_rejection_needs_a_reason_and_ends_the_right(play: Play) -> None:
    play.write("qs-township", referral(), task())
    with pytest.raises(GatewayError, match="GW-6203"):
        play.write("qs-county", task(status="rejected"))
    play.write("qs-county", task(status="rejected", statusReason={"text": "无床位"}))
    assert {one.reason for one in play.relations} <= play.ended
    assert play.told("referral-answered") == {"qs-township"}


def test_a_referral_sent_again_after_a_rejection_tells_the_receiver_again(play: Play) -> None:
    play.write("qs-township", referral(), task())
    play.write("qs-county", task(status="rejected", statusReason={"text": "无床位"}))
    play.write("qs-township", task("task-2"))
    assert [one.topic for one in play.notices.values()].count("referral-received") == 2
    assert play.relations[-1].reason not in play.ended


@pytest.mark.parametrize("who", ["qs-township", "lj-city"])
def test_only_the_receiver_accepts(play: Play, who: str) -> None:
    play.write("qs-township", referral(), task())
    with pytest.raises(GatewayError, match="GW-6202"):
        play.write(who, task(status="accepted"))


def test_only_the_sender_withdraws_and_the_receiver_is_told(accepted: Play) -> None:
    with pytest.raises(GatewayError, match="GW-6202"):
        accepted.write("qs-county", task(status="cancelled"))
    accepted.write("qs-township", task(status="cancelled"))
    assert accepted.told("referral-withdrawn") == {"qs-county"}


def test_the_receiver_of_a_sent_task_does_not_change(play: Play) -> None:
    play.write("qs-township", referral(), task())
    with pytest.raises(GatewayError, match="GW-6204"):
        play.write("qs-township", task(owner=ref("Organization/org-city")))


def test_an_admission_meets_the_one_accepted_referral(accepted: Play) -> None:
    accepted.write("qs-county", stay())
    encounter = accepted.reading.read("Encounter", "enc-1")
    assert encounter is not None
    assert encounter["basedOn"] == [ref("ServiceRequest/up-1")]
    assert fulfil(accepted)["status"] == "in-progress"
    assert fulfil(accepted)["businessStatus"]["coding"][0]["code"] == "C01003"
    assert accepted.told("patient-arrived") == {"qs-township"}


def test_of_two_accepted_referrals_none_is_guessed_but_the_number_decides(accepted: Play) -> None:
    accepted.write("qs-township", referral("up-2"), task("task-2", "up-2"))
    accepted.write("qs-county", task("task-2", "up-2", status="accepted"))
    accepted.write("qs-county", stay())
    assert linking(accepted) == ["GW-6210"]
    assert fulfil(accepted)["status"] == "accepted"
    number = {"type": "ServiceRequest", "identifier": {"value": "ZZ-up-2"}}
    accepted.write("qs-county", stay(basedOn=[number]))
    assert fulfil(accepted, "task-2")["status"] == "in-progress"
    assert fulfil(accepted)["status"] == "accepted"


def test_an_unknown_referral_number_links_nothing_and_is_remarked(accepted: Play) -> None:
    number = {"type": "ServiceRequest", "identifier": {"value": "ZZ-unknown"}}
    accepted.write("qs-county", stay(basedOn=[number]))
    assert linking(accepted) == ["GW-6211"]
    assert fulfil(accepted)["status"] == "accepted"


@pytest.mark.parametrize(
    "encounter",
    [
        stay(period={"start": "2026-10-01T08:00:00+08:00", "end": "2026-10-09T08:00:00+08:00"}),
        stay(status="planned"),
        stay(subject=ref("Patient/pat-other")),
    ],
    ids=["ended before the referral was written", "only planned", "another person"],
)
def test_an_encounter_that_is_not_the_referrals_fruit_is_not_linked(
    accepted: Play, encounter: Resource
) -> None:
    accepted.write("qs-county", encounter)
    assert fulfil(accepted)["status"] == "accepted"


def test_an_emergency_that_was_there_before_the_acceptance_is_linked_by_it(play: Play) -> None:
    play.write("qs-township", referral(), task())
    play.write("qs-county", stay())
    assert fulfil(play)["status"] == "requested"
    play.write("qs-county", task(status="accepted"))
    assert fulfil(play)["status"] == "in-progress"
    assert play.told("patient-arrived") == {"qs-township"}


def test_a_discharge_drafts_the_way_home(accepted: Play) -> None:
    accepted.write("qs-county", stay(status="finished"))
    (draft,) = down(accepted)
    assert draft["status"] == "draft"
    assert draft["requisition"] == referral()["requisition"]
    assert draft["subject"] == ref("Patient/pat-county")
    assert draft["requester"]["reference"] == "Organization/org-county"
    assert draft["performer"][0]["reference"] == "Organization/org-township"
    assert draft["reasonReference"] == [ref("Condition/enc-1-DD")]
    assert "supportingInfo" not in draft
    assert signing(accepted)["owner"]["reference"] == "Organization/org-county"
    assert fulfil(accepted)["status"] == "completed"
    assert accepted.told("down-referral-drafted") == {"qs-county", "qs-township"}
    assert accepted.told("discharge") == {"qs-township"}


def test_stay_summary_and_repetition_in_any_order_give_the_same(accepted: Play) -> None:
    parts = {
        "admission": stay(),
        "discharge": stay(status="finished", basedOn=[ref("ServiceRequest/up-1")]),
        "summary": composition("dis-1", "18842-5", "pat-county", encounter=ref("Encounter/enc-1")),
    }
    outcomes = []
    for order in permutations(parts):
        if order.index("admission") > order.index("discharge"):
            continue  # The join keeps an older record from undoing a newer one.
        play = Play(consortium(), react)
        play.write("qs-township", referral(), task())
        play.write("qs-county", task(status="accepted"))
        for part in order:
            play.write("qs-county", parts[part])
        settled = dict(play.reading.resources)
        for part in ("discharge", "summary"):
            assert play.write("qs-county", parts[part]) == []
        outcomes.append(settled)
    assert all(outcome == outcomes[0] for outcome in outcomes)
    (draft,) = down(play)
    assert draft["supportingInfo"] == [ref("Composition/dis-1")]
    assert fulfil(play)["output"][0]["valueReference"] == ref("Composition/dis-1")


@pytest.mark.parametrize(
    ("codings", "reason"),
    [
        ([("", "exp")], "died"),
        ([("", "aadvice")], "against-advice"),
        ([("", "other-hcf"), (None, "2")], "transferred-on"),
    ],
)
def test_death_leaving_against_advice_and_onward_transfer_draft_nothing(
    accepted: Play, codings: list[tuple[str | None, str]], reason: str
) -> None:
    accepted.write("qs-county", stay(status="finished", hospitalization=_ending(codings)))
    assert down(accepted) == []
    assert fulfil(accepted)["status"] == "completed"
    concept_ = fulfil(accepted)["output"][0]["valueCodeableConcept"]
    assert concept_ == concept(NO_DRAFT, reason)


@pytest.mark.parametrize(
    "hospitalization",
    [
        {"dischargeDisposition": {"coding": [{"system": DISPOSITION, "code": "home"}]}},
        {
            "dischargeDisposition": {
                "coding": [{"system": DISPOSITION, "code": "other-hcf"}, {"code": "3"}]
            }
        },
        {
            "dischargeDisposition": {"coding": [{"system": DISPOSITION, "code": "other-hcf"}]},
            "destination": ref("Organization/org-township"),
        },
    ],
    ids=["home", "to the community by the national code", "to the sender itself"],
)
def test_going_home_or_to_the_township_drafts_the_way_home(
    accepted: Play, hospitalization: Resource
) -> None:
    accepted.write("qs-county", stay(status="finished", hospitalization=hospitalization))
    assert len(down(accepted)) == 1


def test_the_hospitals_own_down_referral_takes_the_drafts_place(accepted: Play) -> None:
    own = referral(
        "own-down",
        "down",
        basedOn=[ref("ServiceRequest/up-1")],
        requester=ref("Organization/org-county"),
        performer=[ref("Organization/org-township")],
        subject=ref("Patient/pat-county"),
    )
    accepted.write("qs-county", stay(status="finished"))
    accepted.write("qs-county", own)
    assert {one["id"]: one["status"] for one in down(accepted)}.pop("own-down") == "active"
    assert sorted(one["status"] for one in down(accepted)) == ["active", "revoked"]
    assert signing(accepted)["status"] == "cancelled"


def test_no_draft_is_made_when_the_hospital_wrote_its_own_first(accepted: Play) -> None:
    own = referral(
        "own-down",
        "down",
        basedOn=[ref("ServiceRequest/up-1")],
        requester=ref("Organization/org-county"),
        performer=[ref("Organization/org-township")],
    )
    accepted.write("qs-county", own)
    accepted.write("qs-county", stay(status="finished"))
    assert [one["id"] for one in down(accepted)] == ["own-down"]
    assert fulfil(accepted)["status"] == "completed"


def test_signing_sends_the_draft_to_the_township(accepted: Play) -> None:
    accepted.write("qs-county", stay(status="finished"))
    accepted.write("qs-county", signing(accepted) | {"status": "completed"})
    (order,) = down(accepted)
    assert order["status"] == "active"
    assert accepted.told("down-referral-signed") == {"qs-county", "qs-township"}
    assert "qs-township" in accepted.told("referral-received")
    (sent,) = accepted.reading.find("Task", focus=f"ServiceRequest/{order['id']}")[1:]
    assert (sent["status"], sent["owner"]["reference"]) == (
        "requested",
        "Organization/org-township",
    )


def test_a_signed_down_referral_is_not_changed_by_a_late_summary(accepted: Play) -> None:
    accepted.write("qs-county", stay(status="finished"))
    (draft,) = down(accepted)
    accepted.write("qs-county", draft | {"status": "active"})
    assert signing(accepted)["status"] == "completed"
    late = composition("dis-1", "18842-5", "pat-county", encounter=ref("Encounter/enc-1"))
    written = accepted.write("qs-county", late)
    assert [one["resourceType"] for one in written] == ["Task"]
    assert fulfil(accepted)["output"][0]["valueReference"] == ref("Composition/dis-1")


def test_a_declined_signature_revokes_the_draft_and_tells_the_township(accepted: Play) -> None:
    accepted.write("qs-county", stay(status="finished"))
    declined = {"status": "rejected", "statusReason": {"text": "患者不愿下转"}}
    accepted.write("qs-county", signing(accepted) | declined)
    assert down(accepted)[0]["status"] == "revoked"
    assert accepted.told("down-referral-declined") == {"qs-township"}


def test_the_township_cannot_sign_for_the_hospital(accepted: Play) -> None:
    accepted.write("qs-county", stay(status="finished"))
    with pytest.raises(GatewayError, match="GW-6202"):
        accepted.write("qs-township", signing(accepted) | {"status": "completed"})


def test_an_outpatient_visit_does_not_end_a_referral_for_admission(accepted: Play) -> None:
    visit = stay("visit-1", "finished")
    visit["class"] = visit["class"] | {"code": "AMB"}
    accepted.write("qs-county", visit)
    assert down(accepted) == []
    assert fulfil(accepted)["status"] == "in-progress"


def test_the_end_of_one_of_two_stays_does_not_end_the_referral(accepted: Play) -> None:
    accepted.write("qs-county", stay("enc-2", basedOn=[ref("ServiceRequest/up-1")]))
    accepted.write("qs-county", stay(status="finished", basedOn=[ref("ServiceRequest/up-1")]))
    assert down(accepted) == []
    assert fulfil(accepted)["status"] == "in-progress"


def _ending(codings: list[tuple[str | None, str]]) -> Resource:
    listed = [
        {"code": code} if system is None else {"system": DISPOSITION, "code": code}
        for system, code in codings
    ]
    return {"dischargeDisposition": {"coding": listed}}
