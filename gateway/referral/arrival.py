"""The patient arrives: an encounter at the receiving hospital meets its referral."""

from gateway.errors import issue
from gateway.fhir.times import interval
from gateway.reactions import (
    Answer,
    Turn,
    found_for,
    is_referral,
    literal,
    member_named,
    name,
    patients_of_person,
)
from gateway.records import Event, Reading, Resource
from gateway.referral.state import ACCEPTED, OPEN, WAITING, fulfilments
from gateway.referral.terms import business_status

PRESENT = frozenset({"arrived", "triaged", "in-progress", "onleave", "finished"})
Case = tuple[Resource, Resource]


def link(turn: Turn) -> bool:
    """Base an encounter on its referral and mark the patient as arrived; True when it was linked.

    The referral that the encounter names counts; else the one accepted open referral of the
    person to this hospital. Of several none is chosen.
    """
    event, reading, answer = turn.event, turn.reading, turn.answer
    stay = event.resource
    if stay["status"] not in PRESENT:
        return False
    case, is_new = _named_case(event, reading), False
    if case is None and not stay.get("basedOn"):
        case, is_new = _only_case(event, reading, answer), True
    elif case is None and not _has_literal(stay):
        case, is_new = _numbered_case(event, reading, answer), True
    if case is None:
        return False
    order, task = case
    if is_new:
        kept = [one for one in stay.get("basedOn", ()) if one.get("reference")]
        answer.write(event.owner, stay | {"basedOn": [*kept, {"reference": name(order)}]})
    if task["status"] in (WAITING | OPEN) - {"in-progress"}:
        arrived = business_status("C01003", "患者已到诊")
        owner = reading.owner_of("Task", task["id"]) or event.owner
        answer.write(owner, task | {"status": "in-progress", "businessStatus": arrived})
        sender = member_named(task.get("requester"), reading, task)
        answer.notify(sender, "patient-arrived", name(stay), name(order), name(task))
    return is_new


def task_accepted(turn: Turn) -> None:
    """Link the encounter of a patient who was there before the referral was accepted.

    Emergencies come first, their slip follows (requirements: emergencies are transferred first).
    """
    reading, member = turn.reading, turn.context.member
    task, previous = turn.event.resource, turn.event.previous
    if task["status"] not in OPEN or (previous and previous["status"] in ACCEPTED):
        return
    referral = literal(task.get("focus"))
    order = reading.read(*referral) if referral else None
    if order is None:
        return
    patients = patients_of_person(order.get("subject"), reading)
    stays = [
        stay
        for stay in found_for("Encounter", "subject", patients, reading)
        if reading.owner_of("Encounter", stay["id"]) == member
        and stay["status"] in PRESENT
        and not stay.get("basedOn")
        and not _ended_before(stay, order)
    ]
    if len(stays) == 1 and len(_cases(stays[0], member, reading)) == 1:
        turn.answer.write(member, stays[0] | {"basedOn": [{"reference": name(order)}]})


def _named_case(event: Event, reading: Reading) -> Case | None:
    """The referral that the encounter is literally based on, with its task at this hospital."""
    for reference in event.resource.get("basedOn", ()):
        target = literal(reference)
        order = reading.read(*target) if target and target[0] == "ServiceRequest" else None
        if order is not None and is_referral(order):
            for task in _tasks(order, event.owner, reading):
                if task["status"] in WAITING | ACCEPTED:
                    return order, task
    return None


def _has_literal(stay: Resource) -> bool:
    return any(literal(reference) for reference in stay.get("basedOn", ()))


def _only_case(event: Event, reading: Reading, answer: Answer) -> Case | None:
    cases = _cases(event.resource, event.owner, reading)
    if len(cases) > 1:
        answer.issues.append(
            issue("GW-6210", "warning", expression="Encounter.basedOn", count=len(cases))
        )
    return cases[0] if len(cases) == 1 else None


def _numbered_case(event: Event, reading: Reading, answer: Answer) -> Case | None:
    """The person's referral to this hospital that carries the number given without its issuer."""
    numbers = {
        reference["identifier"].get("value")
        for reference in event.resource["basedOn"]
        if reference.get("identifier")
    } - {None}
    if not numbers:
        return None
    cases = [
        case
        for case in _cases(event.resource, event.owner, reading, WAITING | OPEN)
        if numbers & {one.get("value") for one in case[0].get("identifier", ())}
    ]
    if len(cases) == 1:
        return cases[0]
    answer.issues.append(issue("GW-6211", "warning", expression="Encounter.basedOn"))
    return None


def _cases(
    stay: Resource, member: str, reading: Reading, statuses: frozenset[str] = OPEN
) -> list[Case]:
    """The person's active referrals whose task at this hospital is open, with that task."""
    patients = patients_of_person(stay.get("subject"), reading)
    return [
        (order, task)
        for order in found_for("ServiceRequest", "subject", patients, reading)
        if is_referral(order) and order["status"] == "active" and not _ended_before(stay, order)
        for task in _tasks(order, member, reading)
        if task["status"] in statuses
    ]


def _tasks(order: Resource, member: str, reading: Reading) -> list[Resource]:
    return [
        task
        for task in fulfilments(order, reading)
        if member_named(task.get("owner"), reading, task) == member
    ]


def _ended_before(stay: Resource, order: Resource) -> bool:
    """Whether the stay had ended before the referral was written: it cannot be its fruit."""
    end, authored = stay.get("period", {}).get("end"), order.get("authoredOn")
    return bool(end and authored and interval(end)[1] < interval(authored)[0])
