"""A stay that came from an up-referral ends: the drafted down-referral, chased until signed."""

from dataclasses import dataclass

from gateway.fhir.systems import LOINC, REFERRAL_TYPE, TERMINOLOGY
from gateway.reactions import (
    Turn,
    codes,
    direction,
    is_referral,
    literal,
    member_named,
    name,
    organization_of,
)
from gateway.records import Event, Reading, Resource
from gateway.referral import drafting
from gateway.referral.disposition import reason_for_no_draft
from gateway.referral.state import ACCEPTED, WAITING, fulfilments
from gateway.referral.terms import NO_DRAFT, OUTPUT, business_status

DISCHARGE_SUMMARY = "18842-5"
OVER = frozenset({"finished", "cancelled", "entered-in-error"})


@dataclass(frozen=True, slots=True)
class Stay:
    """One finished stay with its up-referral, the receiving task and both sides."""

    event: Event
    up: Resource
    task: Resource | None
    sender: str | None
    sender_organization: str | None

    @property
    def encounter(self) -> Resource:
        """The finished Encounter."""
        return self.event.resource


def close_stay(turn: Turn) -> None:
    """Complete the referral of a finished stay and draft the way back, or say why there is none.

    Runs again whenever stay or summary changes and then only fills in what is new. A hospital's
    own down-referral takes the draft's place.
    """
    event, reading, context = turn.event, turn.reading, turn.context
    stay = _stay(event, reading)
    if stay is None:
        return
    summaries = _summaries(event, reading)
    reason = reason_for_no_draft(event.resource, stay.sender_organization, reading)
    own = _own_down_referrals(stay, drafting.draft_id(stay.up, context), reading)
    if reason is None and not own:
        content = drafting.Content(_reasons(event.resource), summaries)
        drafting.write(drafting.draft(stay.up, content, turn), stay.up, turn)
    else:
        drafting.withdraw(stay.up, turn)
    _complete(stay, summaries, None if own else reason, turn)


def completed(turn: Turn) -> None:
    """Draft the way back of a referral that was completed by hand, without any record of a stay.

    So every finished up-referral ends in a draft or in a listed reason.
    """
    event, reading = turn.event, turn.reading
    task, previous = event.resource, event.previous
    if task["status"] != "completed" or (previous and previous["status"] == "completed"):
        return
    target = literal(task.get("focus"))
    up = reading.read(*target) if target else None
    receiver = member_named(task.get("owner"), reading, task)
    if up is None or direction(up) not in {"up", "outbound"} or receiver != turn.context.member:
        return
    said = {code for one in task.get("output", ()) for code in codes(one.get("type"), OUTPUT)}
    is_drafted = reading.read("ServiceRequest", drafting.draft_id(up, turn.context)) is not None
    if is_drafted or "no-down-referral" in said:
        return
    if task["id"] not in {one["id"] for one in fulfilments(up, reading)}:
        return
    # What the draft takes from a stay: whose it is and where.
    visit: Resource = {"subject": up["subject"], "serviceProvider": task["owner"]}
    stay = Event(visit | {"status": "finished"}, None, receiver, event.person, event.now_utc)
    if _own_down_referrals(Stay(stay, up, task, None, None), "", reading):
        return
    at = Turn(stay, reading, turn.context, turn.answer)
    summaries = [
        one["valueReference"]["reference"]
        for one in task.get("output", ())
        if "discharge-summary" in codes(one.get("type"), OUTPUT)
        and one.get("valueReference", {}).get("reference")
    ]
    drafting.write(drafting.draft(up, drafting.Content([], summaries), at), up, at)


def order_changed(turn: Turn) -> None:
    """Follow what happens to a down-referral: signed, revoked, or the hospital's own one."""
    order, previous = turn.event.resource, turn.event.previous
    if direction(order) != "down":
        return
    up = _up_of(order, turn.reading)
    if up is None:
        return
    if order["id"] != drafting.draft_id(up, turn.context):
        if order["status"] != "entered-in-error":
            drafting.withdraw(up, turn)
        return
    if previous is not None and previous["status"] == "draft" and order["status"] == "active":
        drafting.send(order, up, turn)
    elif order["status"] == "revoked" and previous and previous["status"] != "revoked":
        drafting.close_signing(up, "cancelled", turn)


def signing_changed(turn: Turn) -> None:
    """Carry a finished or declined signing over to the drafted order."""
    event, reading, answer = turn.event, turn.reading, turn.answer
    task, previous = event.resource, event.previous
    target = literal(task.get("focus"))
    order = reading.read(*target) if target else None
    if order is None or order["status"] != "draft":
        return
    before = previous["status"] if previous else None
    owner = reading.owner_of("ServiceRequest", order["id"]) or event.owner
    if task["status"] == "completed" and before != "completed":
        answer.write(owner, order | {"status": "active"})
    elif task["status"] == "rejected" and before != "rejected":
        answer.write(owner, order | {"status": "revoked"})
        receiver = member_named(task.get("requester"), reading, task)
        answer.notify(
            receiver, "down-referral-declined", name(task), drafting.stream(order), name(task)
        )


def _stay(event: Event, reading: Reading) -> Stay | None:
    encounter = event.resource
    if encounter["status"] != "finished":
        return None
    up = _up_of(encounter, reading)
    if up is None or not _ends_referral(event, up, reading):
        return None
    task = next(
        (
            one
            for one in fulfilments(up, reading)
            if one["status"] in WAITING | ACCEPTED
            and member_named(one.get("owner"), reading, one) == event.owner
        ),
        None,
    )
    organization = organization_of(up.get("requester"), reading, up)
    sender = reading.member_of(organization) if organization else None
    performers = {member_named(one, reading, up) for one in up.get("performer", ())}
    if task is None and (sender == event.owner or event.owner not in performers):
        # The sender's own visit in which the referral was written, or nobody's who was asked.
        return None
    return Stay(event, up, task, sender, organization)


def _up_of(resource: Resource, reading: Reading) -> Resource | None:
    """The up-referral (or the one out of the consortium) that a resource is based on."""
    for reference in resource.get("basedOn", ()):
        target = literal(reference)
        order = reading.read(*target) if target and target[0] == "ServiceRequest" else None
        if order is not None and is_referral(order) and direction(order) in {"up", "outbound"}:
            return order
    return None


def _ends_referral(event: Event, up: Resource, reading: Reading) -> bool:
    """An outpatient visit does not end a referral for admission, nor one stay of several."""
    encounter = event.resource
    is_visit = encounter.get("class", {}).get("code") == "AMB"
    if is_visit and "inpatient" in codes(up.get("code"), REFERRAL_TYPE):
        return False
    return all(
        other["id"] == encounter["id"]
        or other["status"] in OVER
        or reading.owner_of("Encounter", other["id"]) != event.owner
        for other in reading.find("Encounter", based_on=name(up))
    )


def _summaries(event: Event, reading: Reading) -> list[str]:
    found = reading.find("Composition", encounter=name(event.resource))
    return sorted(
        name(one)
        for one in found
        if DISCHARGE_SUMMARY in codes(one.get("type"), LOINC)
        and one.get("status") != "entered-in-error"
        and reading.owner_of("Composition", one["id"]) == event.owner
    )


def _reasons(encounter: Resource) -> list[str]:
    """The discharge diagnoses; all diagnoses when the record gives none a role."""
    roles = f"{TERMINOLOGY}/diagnosis-role"
    listed = [
        (codes(one.get("use"), roles), one.get("condition", {}).get("reference"))
        for one in encounter.get("diagnosis", ())
    ]
    discharge = [target for said, target in listed if target and "DD" in said]
    return discharge or [target for said, target in listed if target and not said]


def _own_down_referrals(stay: Stay, draft_id: str, reading: Reading) -> list[Resource]:
    return [
        order
        for order in reading.find("ServiceRequest", based_on=name(stay.up))
        if is_referral(order)
        and direction(order) == "down"
        and order["id"] != draft_id
        and order["status"] != "entered-in-error"
        and reading.owner_of("ServiceRequest", order["id"]) == stay.event.owner
    ]


def _complete(stay: Stay, summaries: list[str], reason: str | None, turn: Turn) -> None:
    """Complete the receiving task; its output names the summary, or why nobody is sent back."""
    if stay.task is None:
        return
    outputs: list[Resource] = [
        {
            "type": {"coding": [{"system": OUTPUT, "code": "discharge-summary"}]},
            "valueReference": {"reference": summary},
        }
        for summary in summaries
    ]
    if reason:
        outputs.append(
            {
                "type": {"coding": [{"system": OUTPUT, "code": "no-down-referral"}]},
                "valueCodeableConcept": {"coding": [{"system": NO_DRAFT, "code": reason}]},
            }
        )
    others = [
        one
        for one in stay.task.get("output", ())
        if not codes(one.get("type"), OUTPUT) & {"discharge-summary", "no-down-referral"}
    ]
    done = stay.task | {
        "status": "completed",
        "businessStatus": business_status("C01004", "患者已出院"),
    }
    if outputs or others:
        done["output"] = others + outputs
    else:
        done.pop("output", None)
    owner = turn.reading.owner_of("Task", stay.task["id"]) or stay.event.owner
    turn.answer.write(owner, done)
    before = (stay.event.previous or {}).get("status")
    if stay.task["status"] != "completed" or before != "finished":
        encounter = name(stay.encounter)
        turn.answer.notify(stay.sender, "discharge", encounter, name(stay.up), encounter)
