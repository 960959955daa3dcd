"""What was done stays written in the task, and nobody else writes there."""

from typing import Any

import pytest

from gateway.errors import GatewayError
from gateway.records import Resource
from gateway.referral.terms import EVENT, REASON, STEP
from gateway.referral.trail import event_of, replay, steps_in
from tests.support.reading import Play
from tests.support.referral_records import concept, ref, referral, stay, task


def fulfil(play: Play, id_: str = "task-1") -> Resource:
    found = play.reading.read("Task", id_)
    assert found is not None
    return found


def events(play: Play, id_: str = "task-1") -> list[str | None]:
    return [event_of(note) for note in steps_in(fulfil(play, id_))]


def test_every_step_is_written_with_who_and_when(accepted: Play) -> None:
    accepted.write("qs-county", stay())
    assert events(accepted) == ["send", "accept", "arrive"]
    sent, taken, _ = steps_in(fulfil(accepted))
    assert sent["authorReference"] == ref("Organization/org-township")
    assert taken["authorReference"] == ref("Organization/org-county")
    assert taken["time"] == "2026-11-10T08:00:00.000Z"
    assert replay(fulfil(accepted)) == "in-progress"


def test_a_write_neither_drops_nor_adds_nor_changes_a_step(accepted: Play) -> None:
    forged = {
        "extension": [{"url": STEP, "valueCoding": {"system": EVENT, "code": "complete"}}],
        "text": "forged",
    }
    own = {"text": "请带身份证"}
    accepted.write("qs-county", task(status="accepted", note=[own, forged]))
    assert events(accepted) == ["send", "accept"]
    assert own in fulfil(accepted)["note"]
    accepted.write("qs-county", task(status="accepted"))
    assert events(accepted) == ["send", "accept"]


def test_the_reason_stands_in_the_step(play: Play) -> None:
    play.write("qs-township", referral(), task())
    reason: dict[str, Any] = {"statusReason": concept(REASON, "no-bed") | {"text": "心内科无床位"}}
    play.write("qs-county", task(status="rejected", **reason))
    assert "心内科无床位" in steps_in(fulfil(play))[-1]["text"]


def test_a_code_of_another_steps_reasons_is_refused(play: Play) -> None:
    play.write("qs-township", referral(), task())
    reason: dict[str, Any] = {"statusReason": concept(REASON, "no-drug")}
    with pytest.raises(GatewayError, match="GW-6206"):
        play.write("qs-county", task(status="rejected", **reason))


def test_tasks_carry_the_requisition_and_the_time_limit_of_the_step(accepted: Play) -> None:
    assert fulfil(accepted)["groupIdentifier"] == referral()["requisition"]
    assert fulfil(accepted)["restriction"]["period"]["end"] == "2026-11-17T08:00:00.000Z"
    accepted.write("qs-county", stay())
    assert "restriction" not in fulfil(accepted)


def test_urgency_shortens_the_limit(play: Play) -> None:
    play.write("qs-township", referral(priority="urgent"), task())
    assert fulfil(play)["restriction"]["period"]["end"] == "2026-11-10T10:00:00.000Z"


def test_an_order_without_requisition_gets_one_and_keeps_it(play: Play) -> None:
    bare = referral()
    number = bare.pop("requisition")
    play.write("qs-township", bare, task())
    stored = play.reading.read("ServiceRequest", "up-1")
    assert stored is not None
    assert stored["requisition"] == number
    with pytest.raises(GatewayError, match="GW-6204"):
        play.write("qs-township", bare | {"requisition": number | {"value": "other"}})


def test_a_referral_and_its_tasks_cannot_become_something_else(accepted: Play) -> None:
    plain = fulfil(accepted) | {"code": {"text": "别的任务"}, "status": "completed"}
    with pytest.raises(GatewayError, match="GW-6204"):
        accepted.write("qs-township", plain)
    with pytest.raises(GatewayError, match="GW-6204"):
        accepted.write("qs-township", referral(category=[], status="revoked"))


def test_a_refusal_tells_what_is_allowed_now_and_by_whom(play: Play) -> None:
    play.write("qs-township", referral(), task())
    with pytest.raises(GatewayError) as refused:
        play.write("qs-county", task(status="ready"))
    assert refused.value.number == "GW-6201"
    assert "Accept (accepted) by the owner" in refused.value.text_en
    assert "撤回或改转→cancelled：转出方（requester）" in refused.value.text_zh


def test_a_senders_clock_that_is_ahead_breaks_no_rule_of_the_standard(play: Play) -> None:
    ahead = "2026-11-10T16:07:00+08:00"
    play.write("qs-township", referral(), task(authoredOn=ahead))
    assert fulfil(play)["lastModified"] == ahead
