"""The tasks of a referral: found by kind, and the one that a receiver gets."""

from collections.abc import Iterable

from gateway.fhir.building import build
from gateway.fhir.systems import REFERRAL_TASK
from gateway.records import Json, Resource
from gateway.referral.state import kind_of
from gateway.referral.table import FULFIL, KINDS, final_states


def tasks_of_kind(tasks: Iterable[Resource], kind: str, *, is_open: bool = False) -> list[Resource]:
    """Give the tasks of a kind, those that are not over last; ``is_open`` leaves out the others."""
    final = final_states(kind)
    found = [one for one in tasks if kind_of(one) == kind]
    if is_open:
        found = [one for one in found if one["status"] not in final]
    return sorted(found, key=lambda one: (one["status"] not in final, one.get("authoredOn", "")))


def fulfil_task(order: Resource, receiver: Json, now: str) -> Resource:
    """Make the task by which an order is sent to a receiver; ``now`` is an instant."""
    made = build(
        "Task",
        status="requested",
        intent="order",
        code={"coding": [{"system": REFERRAL_TASK, "code": FULFIL, "display": KINDS[FULFIL][0]}]},
        priority=order.get("priority"),
        focus={"reference": f"ServiceRequest/{order['id']}"},
        **{"for": order["subject"]},
        authoredOn=now,
    )
    return made | {"requester": order.get("requester"), "owner": receiver}
