"""Holds every write to the state table, whoever makes it: a PUT, an operation, a native record.

The requester side is the member that refers, the owner side the member that is to act. A side
outside the consortium cannot speak for itself; the other side records its answer.
"""

from collections.abc import Iterable

from gateway.errors import GatewayError
from gateway.fhir.systems import REFERRAL_TASK
from gateway.reactions import (
    codes,
    codings,
    direction,
    is_referral,
    literal,
    member_named,
    name,
    organization_of,
)
from gateway.records import Event, Json, Reading, Resource
from gateway.referral.table import (
    FULFIL,
    KINDS,
    ORDER,
    REASONS,
    SIDES,
    Side,
    Step,
    allowed,
    step_between,
)
from gateway.referral.terms import REASON

OPEN = frozenset({"accepted", "ready", "in-progress", "on-hold"})
ACCEPTED = OPEN | {"completed"}
WAITING = frozenset({"requested", "received"})
CLOSED = frozenset({"completed", "rejected", "failed", "cancelled", "entered-in-error"})
GONE = frozenset({"rejected", "cancelled", "failed", "entered-in-error"})

# What the facts may do without a word: who is there has been accepted, who was discharged is done.
BY_FACT = {
    "in-progress": frozenset({"arrived", "triaged", "in-progress", "onleave", "finished"}),
    "completed": frozenset({"finished"}),
}


def kind_of(task: Resource) -> str | None:
    """Give the kind of referral task, None for any other Task."""
    said = codes(task.get("code"), REFERRAL_TASK)
    return next((kind for kind in KINDS if kind in said), None)


def concerns_referral(resource: Resource) -> bool:
    """Say whether a resource is a referral's order or one of its tasks."""
    if resource["resourceType"] == "ServiceRequest":
        return is_referral(resource)
    return resource["resourceType"] == "Task" and kind_of(resource) is not None


def check_nature(event: Event) -> None:
    """Refuse that a referral or its task becomes something else and so leaves the table.

    Raises GW-6204.
    """
    now, then = event.resource, event.previous
    if then is None or not concerns_referral(then):
        return
    if now["resourceType"] == "Task" and kind_of(now) != kind_of(then):
        raise GatewayError("GW-6204", element="code", expression="Task.code")
    if now["resourceType"] == "ServiceRequest" and not is_referral(now):
        raise GatewayError("GW-6204", element="category", expression="ServiceRequest.category")


def check_deletions(resources: Iterable[Resource | None]) -> None:
    """Refuse that a referral or task that was sent vanishes; raise GW-6208.

    Whoever wrote one by mistake annuls it (entered-in-error): the trail stays.
    """
    for one in resources:
        if one and concerns_referral(one) and one["status"] not in {"draft", "entered-in-error"}:
            raise GatewayError("GW-6208", expression=f"{one['resourceType']}.status")


def check_task(event: Event, reading: Reading, actor: str) -> Step | None:
    """Refuse a referral task that goes no legal way; give the step, None where it stays.

    Raises GW-6201 (not allowed now), GW-6202 (not by this member), GW-6203 (no reason), GW-6204
    (moved to others), GW-6205 (to oneself), GW-6206 (a reason of another step).
    """
    task, previous = event.resource, event.previous
    kind = kind_of(task) or FULFIL
    before = previous["status"] if previous else None
    if previous is not None:
        _refuse_moved_parties(task, previous, reading)
    if before == task["status"]:
        return None
    step = step_between(kind, before, task["status"])
    if task["status"] == "rejected" and not _states_reason(task):
        raise GatewayError("GW-6203", expression="Task.statusReason")
    if kind == FULFIL:
        _refuse_oneself(task, [task.get("owner")], "owner", reading)
    if step is not None and "encounter" in step.guards and not _is_fact(task, reading):
        step = None
    _demand(step, kind, _task_sides(event, reading, actor), before, task)
    is_said_now = previous is None or task.get("statusReason") != previous.get("statusReason")
    if step is not None and step.reasons and is_said_now:
        _demand_reason(task, step.reasons)
    return step


def check_order(event: Event, reading: Reading, actor: str) -> Step | None:
    """Refuse a referral order that goes no legal way; give the step, None where it stays.

    Raises GW-6201, GW-6202, GW-6204 or GW-6205.
    """
    order, previous = event.resource, event.previous
    before = previous["status"] if previous else None
    if previous is not None and before != "draft":
        _refuse_moved_order(order, previous, reading)
    if before == order["status"]:
        return None
    if order["status"] in {"draft", "active"}:
        _refuse_oneself(order, order.get("performer", ()), "performer", reading)
    held: set[Side] = set()
    requester = member_named(order.get("requester"), reading, order)
    if actor == requester or (requester is None and actor == event.owner):
        held.add("requester")
    performers = {member_named(one, reading, order) for one in order.get("performer", ())}
    if actor in performers:
        held.add("owner")
    step = step_between(ORDER, before, order["status"])
    _demand(step, ORDER, held, before, order)
    return step


def fulfilments(order: Resource, reading: Reading) -> list[Resource]:
    """Give the tasks by which the order's own member has sent it; others' tasks count nowhere."""
    return [task for task in own_tasks(order, reading) if kind_of(task) == FULFIL]


def own_tasks(order: Resource, reading: Reading) -> list[Resource]:
    """Give the referral tasks about an order that its own member wrote."""
    owner = reading.owner_of("ServiceRequest", order["id"])
    return [
        task
        for task in reading.find("Task", focus=name(order))
        if kind_of(task) is not None and reading.owner_of("Task", task["id"]) == owner
    ]


def _refuse_oneself(
    resource: Resource, receivers: Iterable[Json], element: str, reading: Reading
) -> None:
    """Refuse a referral whose receiver is its sender: its acceptance would open every record."""
    sender = member_named(resource.get("requester"), reading, resource)
    if sender and sender in {member_named(one, reading, resource) for one in receivers}:
        raise GatewayError("GW-6205", expression=f"{resource['resourceType']}.{element}")


def _demand(
    step: Step | None, kind: str, held: set[Side], before: str | None, resource: Resource
) -> None:
    """Raise what tells which steps are open now, and to whom."""
    expression = f"{resource['resourceType']}.status"
    allowed_zh, allowed_en = allowed(kind, before)
    said = {
        "resource": name(resource),
        "status": resource["status"],
        "allowed_zh": allowed_zh,
        "allowed_en": allowed_en,
    }
    if step is None:
        raise GatewayError("GW-6201", expression=expression, previous=before or "(none)", **said)
    if not step.actors & held:
        sides = [SIDES[side] for side in sorted(step.actors)]
        side_zh, side_en = "或".join(zh for zh, _ in sides), " or ".join(en for _, en in sides)
        raise GatewayError(
            "GW-6202", expression=expression, side_zh=side_zh, side_en=side_en, **said
        )


def _demand_reason(task: Resource, listed: str) -> None:
    """Refuse a code of ours that is not among the step's own reasons; free text stays possible."""
    for system, code in codings(task.get("statusReason")):
        if system == REASON and code not in REASONS[listed]:
            raise GatewayError(
                "GW-6206", code=code, known=", ".join(REASONS[listed]),
                expression="Task.statusReason",
            )  # fmt: skip


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


def _is_fact(task: Resource, reading: Reading) -> bool:
    """Say whether an encounter at the owner shows what the status says."""
    shows = BY_FACT.get(task["status"])
    referral = literal(task.get("focus"))
    if shows is None or referral is None:
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


def _refuse_moved_order(order: Resource, previous: Resource, reading: Reading) -> None:
    """Keep sender, direction and requisition of a slip that was signed."""
    then = organization_of(previous.get("requester"), reading, previous)
    if then is not None and organization_of(order.get("requester"), reading, order) != then:
        raise GatewayError("GW-6204", element="requester", expression="ServiceRequest.requester")
    if direction(order) != direction(previous):
        raise GatewayError("GW-6204", element="category", expression="ServiceRequest.category")
    known, said = previous.get("requisition"), order.get("requisition")
    if known and said and known.get("value") != said.get("value"):
        raise GatewayError(
            "GW-6204", element="requisition", expression="ServiceRequest.requisition"
        )
