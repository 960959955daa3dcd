"""The legal ways of a referral: one table per kind of task, one for the order itself.

Every write passes here, whoever makes it: a PUT as well as an operation or a native record. The
requester side is the member that refers, the owner side the member that is to act. A side outside
the consortium cannot speak for itself; the other side records its answer.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

from gateway.errors import GatewayError
from gateway.fhir.systems import REFERRAL_TASK
from gateway.reactions import codes, literal, member_named, name, organization_of
from gateway.records import Event, Json, Reading, Resource

Side = Literal["requester", "owner"]
Ways = Mapping[str | None, Mapping[str, frozenset[Side]]]

REQUESTER: frozenset[Side] = frozenset({"requester"})
OWNER: frozenset[Side] = frozenset({"owner"})
EITHER: frozenset[Side] = REQUESTER | OWNER

FULFIL = "fulfil-referral"
SIGN = "sign-down-referral"

FULFIL_WAYS: Ways = {
    None: {"draft": REQUESTER, "requested": REQUESTER},
    "draft": {"requested": REQUESTER, "cancelled": REQUESTER, "entered-in-error": REQUESTER},
    "requested": {
        "received": OWNER,
        "accepted": OWNER,
        "rejected": OWNER,
        "cancelled": REQUESTER,
        "entered-in-error": REQUESTER,
    },
    "received": {
        "accepted": OWNER,
        "rejected": OWNER,
        "cancelled": REQUESTER,
        "entered-in-error": REQUESTER,
    },
    # A bed or slot is held: ready. An examination may be done in one go: accepted → completed.
    "accepted": {
        "ready": OWNER,
        "in-progress": OWNER,
        "on-hold": OWNER,
        "completed": OWNER,
        "failed": OWNER,
        "cancelled": REQUESTER,
    },
    "ready": {
        "in-progress": OWNER,
        "on-hold": OWNER,
        "completed": OWNER,
        "failed": OWNER,
        "cancelled": REQUESTER,
    },
    "on-hold": {
        "accepted": OWNER,
        "ready": OWNER,
        "in-progress": OWNER,
        "failed": OWNER,
        "cancelled": REQUESTER,
    },
    "in-progress": {"on-hold": OWNER, "completed": OWNER, "failed": OWNER},
    "completed": {},
    "rejected": {},
    "failed": {},
    "cancelled": {},
    "entered-in-error": {},
}
SIGN_WAYS: Ways = {
    None: {"requested": EITHER},
    "requested": {
        "received": OWNER,
        "in-progress": OWNER,
        "completed": OWNER,
        "rejected": OWNER,
        "cancelled": OWNER,
    },
    "received": {
        "in-progress": OWNER,
        "completed": OWNER,
        "rejected": OWNER,
        "cancelled": OWNER,
    },
    "in-progress": {"completed": OWNER, "rejected": OWNER, "cancelled": OWNER},
    "completed": {},
    "rejected": {},
    "cancelled": {},
}
ORDER_WAYS: Ways = {
    None: {"draft": REQUESTER, "active": REQUESTER},
    "draft": {"active": REQUESTER, "revoked": REQUESTER, "entered-in-error": REQUESTER},
    "active": {
        "on-hold": REQUESTER,
        "revoked": REQUESTER,
        "completed": EITHER,
        "entered-in-error": REQUESTER,
    },
    "on-hold": {"active": REQUESTER, "revoked": REQUESTER, "entered-in-error": REQUESTER},
    "completed": {"entered-in-error": REQUESTER},
    "revoked": {},
    "entered-in-error": {},
}

OPEN = frozenset({"accepted", "ready", "in-progress", "on-hold"})
ACCEPTED = OPEN | {"completed"}
WAITING = frozenset({"requested", "received"})
CLOSED = frozenset({"completed", "rejected", "failed", "cancelled", "entered-in-error"})
GONE = frozenset({"rejected", "cancelled", "failed", "entered-in-error"})

# What the facts may do without a word: who is there has been accepted, who was discharged is done.
BY_FACT: Mapping[str, frozenset[str]] = {
    "in-progress": frozenset({"arrived", "triaged", "in-progress", "onleave", "finished"}),
    "completed": frozenset({"finished"}),
}


def kind_of(task: Resource) -> str | None:
    """Give the kind of referral task, None for any other Task."""
    said = codes(task.get("code"), REFERRAL_TASK)
    return next((kind for kind in (FULFIL, SIGN) if kind in said), None)


def check_task(event: Event, reading: Reading, actor: str) -> None:
    """Refuse a referral task that goes no legal way; raise GW-6201, 6202, 6203 or 6204."""
    task, previous = event.resource, event.previous
    ways = FULFIL_WAYS if kind_of(task) == FULFIL else SIGN_WAYS
    before = previous["status"] if previous else None
    status = task["status"]
    if previous is not None:
        _refuse_moved_parties(task, previous, reading)
    if before == status:
        return
    if status == "rejected" and not _states_reason(task):
        raise GatewayError("GW-6203", expression="Task.statusReason")
    if kind_of(task) == FULFIL:
        _refuse_oneself(task, [task.get("owner")], "owner", reading)
    sides = ways.get(before, {}).get(status)
    if sides is None and _is_fact(task, before, reading):
        sides = OWNER
    _demand(sides, _task_sides(event, reading, actor), before, task)


def check_order(event: Event, reading: Reading, actor: str) -> None:
    """Refuse a referral order that goes no legal way; raise GW-6201 or 6202."""
    order, previous = event.resource, event.previous
    before = previous["status"] if previous else None
    if before == order["status"]:
        return
    if order["status"] in {"draft", "active"}:
        _refuse_oneself(order, order.get("performer", ()), "performer", reading)
    held: set[Side] = set()
    requester = member_named(order.get("requester"), reading, order)
    if actor == requester or (requester is None and actor == event.owner):
        held.add("requester")
    performers = {member_named(one, reading, order) for one in order.get("performer", ())}
    if actor in performers:
        held.add("owner")
    _demand(ORDER_WAYS.get(before, {}).get(order["status"]), held, before, order)


def fulfilments(order: Resource, reading: Reading) -> list[Resource]:
    """Give the tasks by which the order's own member has sent it; others' tasks count nowhere."""
    owner = reading.owner_of("ServiceRequest", order["id"])
    return [
        task
        for task in reading.find("Task", focus=name(order))
        if kind_of(task) == FULFIL and reading.owner_of("Task", task["id"]) == owner
    ]


def _refuse_oneself(
    resource: Resource, receivers: Iterable[Json], element: str, reading: Reading
) -> None:
    """Refuse a referral whose receiver is its sender: its acceptance would open every record."""
    sender = member_named(resource.get("requester"), reading, resource)
    if sender and sender in {member_named(one, reading, resource) for one in receivers}:
        raise GatewayError("GW-6205", expression=f"{resource['resourceType']}.{element}")


def _demand(
    sides: frozenset[Side] | None, held: set[Side], before: str | None, resource: Resource
) -> None:
    expression = f"{resource['resourceType']}.status"
    named = {"resource": name(resource), "status": resource["status"]}
    if sides is None:
        raise GatewayError("GW-6201", expression=expression, previous=before or "(none)", **named)
    if not sides & held:
        side = "/".join(sorted(sides))
        raise GatewayError("GW-6202", expression=expression, side=side, **named)


def _task_sides(event: Event, reading: Reading, actor: str) -> set[Side]:
    """Give the sides for which the acting member may speak."""
    task = event.previous or event.resource
    requester = member_named(task.get("requester"), reading, task) or event.owner
    owner = member_named(task.get("owner"), reading, task)
    held: set[Side] = set()
    if actor == requester:
        held.add("requester")
    if actor == owner or (owner is None and actor == requester):
        held.add("owner")
    return held


def _states_reason(task: Resource) -> bool:
    reason = task.get("statusReason") or {}
    return bool(reason.get("text") or any(c.get("code") for c in reason.get("coding", ())))


def _is_fact(task: Resource, before: str | None, reading: Reading) -> bool:
    """Say whether an encounter at the owner shows what the status says."""
    shows = BY_FACT.get(task["status"])
    referral = literal(task.get("focus"))
    if shows is None or referral is None or before not in WAITING:
        return False
    owner = member_named(task.get("owner"), reading, task)
    return any(
        encounter.get("status") in shows and reading.owner_of("Encounter", encounter["id"]) == owner
        for encounter in reading.find("Encounter", based_on="/".join(referral))
    )


def _refuse_moved_parties(task: Resource, previous: Resource, reading: Reading) -> None:
    """Keep order, person and both sides as they were sent; a redirection is a new task."""
    if previous["status"] == "draft":
        return
    for element in ("focus", "for"):
        if literal(task.get(element)) != literal(previous.get(element)):
            raise GatewayError("GW-6204", element=element, expression=f"Task.{element}")
    for element in ("requester", "owner"):
        now = organization_of(task.get(element), reading, task)
        then = organization_of(previous.get(element), reading, previous)
        if now != then and then is not None:
            raise GatewayError("GW-6204", element=element, expression=f"Task.{element}")
