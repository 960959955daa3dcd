"""What another member writes about a referral moves and opens nothing."""

import pytest

from gateway.errors import GatewayError
from tests.support.reading import Play
from tests.support.referral_records import (
    composition,
    down,
    patient,
    ref,
    referral,
    stay,
    task,
)


def test_a_referral_to_oneself_is_refused_and_opens_nothing(play: Play) -> None:
    city = ref("Organization/org-city")
    play.reading.put("lj-city", patient("pat-city"))
    own = referral("self-1", subject=ref("Patient/pat-city"), requester=city, performer=[city])
    with pytest.raises(GatewayError, match="GW-6205"):
        play.write("lj-city", own)
    play.write("lj-city", own | {"performer": [ref("Organization/org-county")]})
    said = {"for": ref("Patient/pat-city"), "requester": city, "owner": city}
    with pytest.raises(GatewayError, match="GW-6205"):
        play.write("lj-city", task("task-self", "self-1", **said))
    assert {one.member for one in play.relations} == {"qs-county"}


def test_a_task_about_somebody_elses_referral_moves_and_opens_nothing(play: Play) -> None:
    play.write("qs-township", referral(), task())
    before = list(play.relations)
    forged = task(
        "forged", requester=ref("Organization/org-insurer"), owner=ref("Organization/org-city")
    )
    play.write("qs-insurer", forged)
    play.write("lj-city", forged | {"status": "accepted"})
    assert play.relations == before
    assert "referral-answered" not in {one.topic for one in play.notices.values()}


def test_a_draft_task_turned_to_another_sender_opens_nothing(play: Play) -> None:
    city, county = ref("Organization/org-city"), ref("Organization/org-county")
    play.reading.put("lj-city", patient("pat-city"))
    play.write("lj-city", referral("c-1", subject=ref("Patient/pat-city"), requester=city))
    before = list(play.relations)
    draft = task("c-task", "c-1", status="draft", requester=city, owner=county)
    play.write("lj-city", draft)
    sent = draft | {
        "status": "requested",
        "requester": ref("Organization/org-township"),
        "owner": city,
    }
    play.write("lj-city", sent)
    play.write("lj-city", sent | {"status": "accepted"})
    given = play.relations[len(before) :]
    assert [one for one in given if one.owner != "lj-city"] == []


def test_strangers_neither_withdraw_nor_fill_nor_make_a_draft(accepted: Play) -> None:
    accepted.write("qs-county", stay(status="finished"))
    before = down(accepted)
    accepted.reading.put("lj-city", patient("pat-city"))
    city = ref("Organization/org-city")
    of_city = {"basedOn": [ref("ServiceRequest/up-1")], "subject": ref("Patient/pat-city")}
    accepted.write("lj-city", stay("enc-city", "finished", serviceProvider=city, **of_city))
    assert down(accepted) == before
    accepted.write("lj-city", referral("city-down", "down", requester=city, **of_city))
    assert [one for one in down(accepted) if one["id"] != "city-down"] == before


def test_a_strangers_summary_does_not_enter_the_draft(accepted: Play) -> None:
    accepted.write(
        "lj-city", composition("forged", "18842-5", "x", encounter=ref("Encounter/enc-1"))
    )
    accepted.write("qs-county", stay(status="finished"))
    assert "supportingInfo" not in down(accepted)[0]
