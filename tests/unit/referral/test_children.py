"""Small tasks of a referral: bed and slot, taking over at home, the end of the way."""

from typing import Any

import pytest

from gateway.errors import GatewayError
from gateway.fhir.systems import REFERRAL_TASK
from gateway.records import Resource
from gateway.referral.table import BED, FOLLOW, REVIEW
from gateway.referral.trail import replay
from tests.support.reading import Play
from tests.support.referral_records import concept, down, ref, stay, task


def child(kind: str, id_: str = "child-1", **elements: Any) -> Resource:
    said: dict[str, Any] = {
        "code": concept(REFERRAL_TASK, kind),
        "partOf": [ref("Task/task-1")],
        **elements,
    }
    return task(id_, **said)


def status(play: Play, id_: str) -> str:
    found = play.reading.read("Task", id_)
    assert found is not None
    said: str = found["status"]
    return said


def test_a_reserved_bed_makes_the_referral_ready(accepted: Play) -> None:
    accepted.write("qs-township", child(BED))
    assert accepted.told("referral-task") == {"qs-county"}
    accepted.write("qs-county", child(BED, status="completed"))
    assert status(accepted, "task-1") == "ready"
    assert accepted.told("referral-task-answered") == {"qs-township"}


def test_nobody_else_reserves_the_hospitals_bed(accepted: Play) -> None:
    with pytest.raises(GatewayError, match="GW-6201"):
        accepted.write("qs-county", child(BED, status="completed"))
    accepted.write("lj-city", child(BED, owner=ref("Organization/org-city")))
    accepted.write("lj-city", child(BED, owner=ref("Organization/org-city"), status="completed"))
    assert status(accepted, "task-1") == "accepted"


def test_the_insurer_approves_or_refuses_with_a_reason(play: Play) -> None:
    insurer: dict[str, Any] = {"owner": ref("Organization/org-insurer")}
    play.write("qs-township", child(REVIEW, **insurer))
    with pytest.raises(GatewayError, match="GW-6202"):
        play.write("qs-township", child(REVIEW, status="accepted", **insurer))
    with pytest.raises(GatewayError, match="GW-6203"):
        play.write("qs-insurer", child(REVIEW, status="rejected", **insurer))
    play.write("qs-insurer", child(REVIEW, status="accepted", **insurer))
    assert status(play, "child-1") == "accepted"


def test_taking_over_asks_for_a_follow_up_and_its_end_closes_the_way(accepted: Play) -> None:
    accepted.write("qs-county", stay(status="finished"))
    (order,) = down(accepted)
    accepted.write("qs-county", order | {"status": "active"})
    (home,) = _tasks(accepted, "fulfil-referral", order["id"])
    accepted.write("qs-township", home | {"status": "accepted"})
    (follow,) = _tasks(accepted, FOLLOW, order["id"])
    assert follow["owner"] == home["owner"]
    accepted.write("qs-township", follow | {"status": "completed"})
    taken = accepted.reading.read("Task", home["id"])
    assert taken is not None
    accepted.write("qs-township", taken | {"status": "completed"})
    orders = [accepted.reading.read("ServiceRequest", id_) for id_ in ("up-1", order["id"])]
    assert [one["status"] for one in orders if one] == ["completed", "completed"]
    for one in accepted.reading.resources.values():
        if one["resourceType"] == "Task":
            assert replay(one) == one["status"]


def _tasks(play: Play, kind: str, order: str) -> list[Resource]:
    return [
        one
        for one in play.reading.find("Task", focus=f"ServiceRequest/{order}")
        if one["code"]["coding"][0]["code"] == kind
    ]
