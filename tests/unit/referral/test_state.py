"""Every step of a fulfil-referral task by every actor, against a table written out by hand."""

from typing import Any

import pytest

from gateway.errors import GatewayError
from gateway.records import Event
from gateway.referral.state import check_order, check_task
from tests.support.reading import NOW
from tests.support.referral_records import consortium, ref, referral, task

STATUSES = (
    "draft", "requested", "received", "accepted", "rejected", "ready", "cancelled",
    "in-progress", "on-hold", "failed", "completed", "entered-in-error",
)  # fmt: skip
# What requirements 2.3 allow, read from left to right: before, then who may bring it where.
SENDER: dict[str | None, str] = {
    None: "draft requested",
    "draft": "requested cancelled entered-in-error",
    "requested": "cancelled entered-in-error",
    "received": "cancelled entered-in-error",
    "accepted": "cancelled",
    "ready": "cancelled",
    "on-hold": "cancelled",
}
RECEIVER: dict[str | None, str] = {
    "requested": "received accepted rejected",
    "received": "accepted rejected",
    "accepted": "ready in-progress on-hold completed failed",
    "ready": "in-progress on-hold completed failed",
    "on-hold": "accepted ready in-progress failed",
    "in-progress": "on-hold completed failed",
}
ORDERS: dict[str | None, str] = {
    None: "draft active",
    "draft": "active revoked entered-in-error",
    "active": "on-hold revoked completed entered-in-error",
    "on-hold": "active revoked entered-in-error",
    "completed": "entered-in-error",
}
ACTORS = ("qs-township", "qs-county", "lj-city")


def is_taken(before: str | None, status: str, actor: str) -> bool:
    reason = {"statusReason": {"text": "无床位"}}
    previous = task(status=before) if before else None
    event = Event(task(status=status) | reason, previous, "qs-township", None, NOW)
    try:
        check_task(event, consortium(), actor)
    except GatewayError as error:
        assert error.number in {"GW-6201", "GW-6202"}  # noqa: PT017 - refused for its status only.
        return False
    return True


@pytest.mark.parametrize("before", [None, *STATUSES])
@pytest.mark.parametrize("actor", ACTORS)
def test_exactly_the_allowed_steps_are_taken(before: str | None, actor: str) -> None:
    table: dict[str | None, str] = {"qs-township": SENDER, "qs-county": RECEIVER}.get(actor, {})
    taken = {one for one in STATUSES if one != before and is_taken(before, one, actor)}
    assert taken == set(table.get(before, "").split())


@pytest.mark.parametrize("before", [None, "draft", "active", "on-hold", "completed", "revoked"])
def test_exactly_the_allowed_steps_of_an_order_are_taken(before: str | None) -> None:
    statuses = {"draft", "active", "on-hold", "revoked", "completed", "entered-in-error"}
    taken = set()
    for status in statuses - {before}:
        previous = referral(status=before) if before else None
        event = Event(referral(status=status), previous, "qs-township", None, NOW)
        try:
            check_order(event, consortium(), "qs-township")
        except GatewayError:
            continue
        taken.add(status)
    assert taken == set(ORDERS.get(before, "").split())


def test_the_sender_records_the_answer_of_a_hospital_outside_the_consortium() -> None:
    outside: dict[str, Any] = {
        "owner": {"type": "Organization", "identifier": {"system": "urn:x", "value": "1"}}
    }
    event = Event(task(status="accepted", **outside), task(**outside), "qs-township", None, NOW)
    check_task(event, consortium(), "qs-township")
    with pytest.raises(GatewayError, match="GW-6202"):
        check_task(event, consortium(), "qs-county")


@pytest.mark.parametrize("element", ["focus", "for", "requester", "owner"])
def test_what_a_task_is_about_and_between_whom_stays(element: str) -> None:
    type_ = {"focus": "ServiceRequest", "for": "Patient"}.get(element, "Organization")
    other: dict[str, Any] = {element: ref(f"{type_}/org-city")}
    event = Event(task(**other), task(), "qs-township", None, NOW)
    with pytest.raises(GatewayError, match="GW-6204"):
        check_task(event, consortium(), "qs-township")
