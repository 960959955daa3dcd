"""What hangs on a referral's task: slot, bed and review, taking over at home, and the end."""

from gateway.fhir.building import build
from gateway.fhir.systems import REFERRAL_TASK, ROOT, TERMINOLOGY
from gateway.fhir.times import format_instant
from gateway.reactions import (
    Turn,
    codes,
    direction,
    literal,
    member_named,
    name,
    organization_of,
)
from gateway.records import BusinessKey, Resource
from gateway.referral.state import fulfilments, kind_of
from gateway.referral.table import BED, FOLLOW, FULFIL, KINDS, REVIEW, SLOT, final_states
from gateway.referral.trail import focus_order

FOLLOW_UP_OF = f"{ROOT}/sid/follow-up-of"
_ENDED = {kind: final_states(kind) for kind in KINDS}


def child_changed(turn: Turn) -> None:
    """Tell who is asked, and who asked when it is done; a reserved bed makes the referral ready."""
    task, previous = turn.event.resource, turn.event.previous
    kind = kind_of(task) or ""
    before = previous["status"] if previous else None
    if before == task["status"]:
        return
    order = task["focus"].get("reference", name(task))
    key = f"{name(task)}/{task['status']}"
    if task["status"] == "requested":
        owner = member_named(task.get("owner"), turn.reading, task)
        turn.answer.notify(owner, "referral-task", name(task), order, key)
    elif task["status"] in _ENDED[kind]:
        asker = member_named(task.get("requester"), turn.reading, task)
        turn.answer.notify(asker, "referral-task-answered", name(task), order, key)
    if kind in {SLOT, BED} and task["status"] == "completed":
        _make_ready(task, turn)


def taken_over(turn: Turn) -> None:
    """Ask the primary care that accepted a down-referral for a follow-up, once."""
    task = turn.event.resource
    order = focus_order(task, turn.reading)
    if task["status"] != "accepted" or order is None or direction(order) != "down":
        return
    if task["id"] not in {one["id"] for one in fulfilments(order, turn.reading)}:
        return
    id_ = turn.context.id_for(BusinessKey("Task", FOLLOW_UP_OF, task["id"], is_shared=True))
    if turn.reading.read("Task", id_) is not None:
        return
    owner = turn.reading.owner_of("ServiceRequest", order["id"]) or turn.event.owner
    follow_up = build(
        "Task",
        id=id_,
        status="requested",
        intent="order",
        code={"coding": [{"system": REFERRAL_TASK, "code": FOLLOW}], "text": KINDS[FOLLOW][0]},
        partOf=[{"reference": name(task)}],
        focus={"reference": name(order)},
        **{"for": order["subject"]},
        authoredOn=format_instant(turn.event.now_utc),
        requester=task.get("requester"),
        owner=task["owner"],
    )
    turn.answer.write(owner, follow_up)


def closed(turn: Turn) -> None:
    """Close the way: the down-referral is done, so are its slip and the one that it answers."""
    task, previous = turn.event.resource, turn.event.previous
    order = focus_order(task, turn.reading)
    was_done = previous is not None and previous["status"] == "completed"
    if task["status"] != "completed" or was_done or order is None or direction(order) != "down":
        return
    if task["id"] not in {one["id"] for one in fulfilments(order, turn.reading)}:
        return
    answered = [literal(one) for one in order.get("basedOn", ())]
    ups = [turn.reading.read(*one) for one in answered if one and one[0] == "ServiceRequest"]
    mine = {turn.context.member}
    for one in (order, *ups):
        if one is None or one["status"] != "active":
            continue
        sides = (one.get("requester"), *one.get("performer", ()))
        if mine & {member_named(side, turn.reading, one) for side in sides}:
            owner = turn.reading.owner_of("ServiceRequest", one["id"]) or turn.event.owner
            turn.answer.write(owner, one | {"status": "completed"})


def _make_ready(task: Resource, turn: Turn) -> None:
    """Bring the referral's own task on, where the same hospital answers for both."""
    for reference in task.get("partOf", ()):
        target = literal(reference)
        parent = turn.reading.read(*target) if target and target[0] == "Task" else None
        if parent is None or kind_of(parent) != FULFIL or parent["status"] != "accepted":
            continue
        if member_named(parent.get("owner"), turn.reading, parent) == turn.context.member:
            owner = turn.reading.owner_of("Task", parent["id"]) or turn.event.owner
            turn.answer.write(owner, parent | {"status": "ready"})


def approved(order: Resource, turn: Turn) -> bool:
    """Say whether an insurer has reviewed and approved the order; nobody else's word counts."""
    return any(
        kind_of(one) == REVIEW and one["status"] == "accepted" and _is_insurer(one, turn)
        for one in turn.reading.find("Task", focus=name(order))
    )


def _is_insurer(review: Resource, turn: Turn) -> bool:
    """Say whether the directory knows the task's owner as an insurer or a government office."""
    id_ = organization_of(review.get("owner"), turn.reading, review)
    entry = turn.reading.read("Organization", id_) if id_ else None
    kinds = codes((entry or {}).get("type"), f"{TERMINOLOGY}/organization-type")
    return bool(kinds & {"ins", "pay", "govt"})
