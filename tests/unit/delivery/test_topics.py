"""Which change of a resource is a topic's event."""

import pytest

from gateway.fhir.systems import code_system
from gateway.records import Resource
from gateway.subscriptions import BY_URL, TOPICS

LATE = {"tag": [{"system": code_system("referral-mark"), "code": "overdue"}]}
OTHER = {"tag": [{"system": code_system("referral-mark"), "code": "urgent"}]}


def fired(before: Resource | None, after: Resource) -> set[str]:
    return {
        topic.name
        for topic in TOPICS
        if topic.type == after["resourceType"] and topic.fires(after, before)
    }


def task(**more: object) -> Resource:
    return {"resourceType": "Task", "id": "t", "status": "requested", "intent": "order"} | more


@pytest.mark.parametrize(
    ("before", "after", "is_event"),
    [
        (task(), task(meta=LATE), True),
        (task(meta=OTHER), task(meta=LATE), True),
        (None, task(meta=LATE), True),
        (task(meta=LATE), task(meta=LATE, status="received"), False),
        (task(meta=LATE), task(), False),
        (task(), task(meta=OTHER), False),
    ],
)
def test_a_referral_is_overdue_once_its_task_is_marked(
    before: Resource | None, after: Resource, is_event: bool
) -> None:
    assert ("referral-overdue" in fired(before, after)) is is_event


def test_every_topic_has_an_address_of_its_own() -> None:
    assert len(BY_URL) == len(TOPICS)
