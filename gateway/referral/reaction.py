"""The referral's reaction: which event leads to which step of the referral's way."""

from collections.abc import Sequence

from gateway.fhir.systems import LOINC
from gateway.reactions import Answer, Turn, codes, is_referral, literal
from gateway.records import Event, MapContext, Reaction, Reading
from gateway.referral import arrival, discharge, sending, summary
from gateway.referral.state import FULFIL, SIGN, check_order, check_task, kind_of

DISCHARGE_SUMMARY = "18842-5"


def react(events: Sequence[Event], reading: Reading, context: MapContext) -> Reaction:
    """Answer what happened to orders, tasks, encounters and documents of referrals.

    Raises GW-6201 to GW-6204 when a referral or its task is made to go no legal way. Each step
    writes a resource at most once; what follows from what it wrote, the next round finds.
    """
    answer = Answer()
    for event in events:
        turn = Turn(event, reading, context, answer)
        match event.resource["resourceType"]:
            case "ServiceRequest" if is_referral(event.resource):
                check_order(event, reading, context.member)
                sending.order_changed(turn)
                discharge.order_changed(turn)
            case "Task" if kind := kind_of(event.resource):
                check_task(event, reading, context.member)
                if kind == FULFIL:
                    sending.task_changed(turn)
                    arrival.task_accepted(turn)
                elif kind == SIGN:
                    discharge.signing_changed(turn)
    summary.refresh(events, reading, context, answer)
    for event in _encounters(events, reading, context.member):
        turn = Turn(event, reading, context, answer)
        if not arrival.link(turn):
            discharge.close_stay(turn)
    return answer.reaction()


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
