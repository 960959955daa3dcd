"""The referral's reaction: which event leads to which step of the referral's way."""

from collections.abc import Sequence
from functools import partial

from gateway.errors import GatewayError
from gateway.fhir.merge import same_content
from gateway.fhir.systems import LOINC
from gateway.reactions import Answer, Turn, codes, is_referral, literal, member_named, name
from gateway.records import Event, MapContext, Reaction, Reactor, Reading, Resource
from gateway.referral import (
    arrival,
    children,
    discharge,
    duties,
    gates,
    home,
    sending,
    summary,
    trail,
)
from gateway.referral.policy import Policies, Policy
from gateway.referral.requisition import numbered
from gateway.referral.state import check_nature, check_order, check_task, kind_of
from gateway.referral.table import FULFIL, SIGN, Step

DISCHARGE_SUMMARY = "18842-5"
DEFAULTS = Policies()


def reactor(policies: Policies) -> Reactor:
    """Give the reaction under a deployment's policies."""
    return partial(react, policies=policies)


def react(
    events: Sequence[Event],
    reading: Reading,
    context: MapContext,
    policies: Policies = DEFAULTS,
) -> Reaction:
    """Answer what happened to orders, tasks, encounters and documents of referrals.

    Raises GW-6201 to GW-6206 when a referral or its task is made to go no legal way, GW-6245 and
    GW-6246 when what a strict region demands is missing. Each step
    writes a resource at most once; what follows from what it wrote, the next round finds.
    """
    answer = Answer()
    for event in events:
        turn = Turn(event, reading, context, answer)
        check_nature(event)
        match event.resource["resourceType"]:
            case "ServiceRequest" if is_referral(event.resource):
                _order_changed(turn, policies)
            case "Task" if kind := kind_of(event.resource):
                _task_changed(turn, kind, policies)
            case "Communication":
                home.feedback_given(turn)
    summary.refresh(events, reading, context, answer)
    for event in _encounters(events, reading, context.member):
        turn = Turn(event, reading, context, answer)
        if not arrival.link(turn):
            discharge.close_stay(turn)
        home.discharged(turn)
    return answer.reaction()


def _order_changed(turn: Turn, policies: Policies) -> None:
    event = turn.event
    step = check_order(event, turn.reading, turn.context.member)
    order = numbered(event.resource, event.previous, turn.reading)
    if order is not event.resource:
        turn.answer.write(event.owner, order)
    if step is not None and "gates" in step.guards:
        already = len(turn.answer.issues)
        urgent = gates.check_gates(turn, policies.of(event.owner))
        if urgent:
            duties.ask_to_file(turn, urgent)
        else:
            duties.note_violation(turn, turn.answer.issues[already:])
    sending.order_changed(turn)
    discharge.order_changed(turn)


def _task_changed(turn: Turn, kind: str, policies: Policies) -> None:
    event, reading, actor = turn.event, turn.reading, turn.context.member
    step = check_task(event, reading, actor)
    order = trail.focus_order(event.resource, reading)
    sender = reading.owner_of("ServiceRequest", order["id"]) if order else event.owner
    policy = policies.of(sender)
    if step is not None:
        _check_guards(turn, step, order, policy)
    written = trail.recorded(event, reading, actor, order, policy)
    if not same_content(written, event.resource):
        turn.answer.write(event.owner, written)
    _tell_overdue(turn, written)
    if kind == FULFIL:
        sending.task_changed(turn)
        arrival.task_accepted(turn)
        children.taken_over(turn)
        children.closed(turn)
        discharge.completed(turn)
    elif kind == SIGN:
        discharge.signing_changed(turn)
    else:
        children.child_changed(turn)


def _check_guards(turn: Turn, step: Step, order: Resource | None, policy: Policy) -> None:
    """Ask what the table demands of a step beyond who takes it; raise GW-6245, GW-6246."""
    if "filed" in step.guards and order is not None:
        gates.check_filed(turn, order, policy)
    if "alternative" in step.guards:
        found = gates.alternative_missing(turn.event.resource, policy)
        if found is not None and found[1] == "strict":
            raise GatewayError("GW-6246", expression="Task.output")
        if found is not None:
            turn.answer.issues.append(found[0])


def _tell_overdue(turn: Turn, task: Resource) -> None:
    """Tell both sides once that the time of a step has passed."""
    previous = turn.event.previous
    if not trail.is_overdue(task) or previous is None or trail.is_overdue(previous):
        return
    order = task["focus"].get("reference", name(task))
    for side in ("owner", "requester"):
        member = member_named(task.get(side), turn.reading, task)
        key = f"{name(task)}/{task['status']}/{trail.due(task)}"
        turn.answer.notify(member, "referral-overdue", name(task), order, key)


def _encounters(events: Sequence[Event], reading: Reading, member: str) -> list[Event]:
    """The member's own stays that an event touches: the stay itself or its discharge summary."""
    touched: dict[str, Event] = {}
    for event in events:
        resource = event.resource
        if resource["resourceType"] == "Encounter":
            touched[resource["id"]] = event
    for event in events:
        resource = event.resource
        if resource["resourceType"] != "Composition":
            continue
        target = literal(resource.get("encounter"))
        is_discharge = DISCHARGE_SUMMARY in codes(resource.get("type"), LOINC)
        if is_discharge and target and target[1] not in touched:
            stay = reading.read(*target)
            owner = reading.owner_of(*target)
            if stay is not None and owner is not None:
                touched[target[1]] = Event(
                    stay, stay, owner, reading.person_of(*target), event.now_utc
                )
    return [event for event in touched.values() if event.owner == member]
