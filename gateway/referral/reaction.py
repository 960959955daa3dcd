"""The referral's reaction: which event leads to which step of the referral's way."""

from collections.abc import Sequence
from functools import partial

from gateway.fhir.merge import same_content
from gateway.fhir.systems import LOINC
from gateway.reactions import Answer, Turn, codes, is_referral, literal
from gateway.records import Event, MapContext, Reaction, Reactor, Reading
from gateway.referral import arrival, children, discharge, sending, summary, trail
from gateway.referral.policy import Policies
from gateway.referral.requisition import numbered
from gateway.referral.state import check_nature, check_order, check_task, kind_of
from gateway.referral.table import FULFIL, SIGN

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

    Raises GW-6201 to GW-6206 when a referral or its task is made to go no legal way. Each step
    writes a resource at most once; what follows from what it wrote, the next round finds.
    """
    answer = Answer()
    for event in events:
        turn = Turn(event, reading, context, answer)
        check_nature(event)
        match event.resource["resourceType"]:
            case "ServiceRequest" if is_referral(event.resource):
                _order_changed(turn)
            case "Task" if kind := kind_of(event.resource):
                _task_changed(turn, kind, policies)
    summary.refresh(events, reading, context, answer)
    for event in _encounters(events, reading, context.member):
        turn = Turn(event, reading, context, answer)
        if not arrival.link(turn):
            discharge.close_stay(turn)
    return answer.reaction()


def _order_changed(turn: Turn) -> None:
    event = turn.event
    check_order(event, turn.reading, turn.context.member)
    order = numbered(event.resource, event.previous, turn.reading)
    if order is not event.resource:
        turn.answer.write(event.owner, order)
    sending.order_changed(turn)
    discharge.order_changed(turn)


def _task_changed(turn: Turn, kind: str, policies: Policies) -> None:
    event, reading, actor = turn.event, turn.reading, turn.context.member
    check_task(event, reading, actor)
    order = trail.focus_order(event.resource, reading)
    sender = reading.owner_of("ServiceRequest", order["id"]) if order else event.owner
    written = trail.recorded(event, reading, actor, order, policies.of(sender))
    if not same_content(written, event.resource):
        turn.answer.write(event.owner, written)
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
