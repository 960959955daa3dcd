"""A final report tells the members that look after the person (requirements T-02)."""

from collections.abc import Sequence

from gateway.fhir.systems import REFERRAL_TASK
from gateway.reactions import (
    Answer,
    Turn,
    codes,
    found_for,
    is_referral,
    literal,
    member_named,
    name,
    patients_of_person,
    sender_of,
)
from gateway.records import Event, MapContext, Reaction, Reading, Resource
from gateway.sharing.consent import consent_changed
from gateway.sharing.treating import stay_changed, team_changed

FINAL = frozenset({"final", "amended", "corrected", "appended"})
ACCEPTED = frozenset({"accepted", "ready", "in-progress", "on-hold", "completed"})
SENT = ACCEPTED | {"requested", "received"}


def react(events: Sequence[Event], reading: Reading, context: MapContext) -> Reaction:
    """Open and close a person's records; tell who may read a report that became final or changed.

    Raises GW-8030 and GW-8031 for a consent that cannot be enforced.
    """
    answer = Answer()
    for event in events:
        turn = Turn(event, reading, context, answer)
        match event.resource["resourceType"]:
            case "Consent":
                consent_changed(turn)
            case "Encounter":
                stay_changed(turn)
            case "CareTeam":
                team_changed(turn)
        report = event.resource
        if report["resourceType"] != "DiagnosticReport" or report["status"] not in FINAL:
            continue
        order = _referral_stream(report, reading)
        for member, stream in _members_looking_after(report, event.owner, reading).items():
            key = f"{name(report)}/{_edition(report)}"
            answer.notify(member, "result-available", name(report), order or stream, key)
    return answer.reaction()


def _members_looking_after(report: Resource, owner: str, reading: Reading) -> dict[str, str]:
    """The members with a right to the owner's reports of the person, each with its referral.

    The rights are those that sending and accepting a referral give: the receiver reads the
    sender's records, after acceptance everybody's; the sender reads the receiver's.
    """
    patients = patients_of_person(report.get("subject"), reading)
    found: dict[str, str] = {}
    for order in found_for("ServiceRequest", "subject", patients, reading):
        if not is_referral(order) or order["status"] not in {"active", "completed"}:
            continue
        for task in reading.find("Task", focus=name(order)):
            if "fulfil-referral" not in codes(task.get("code"), REFERRAL_TASK):
                continue
            sender = sender_of(task, order, reading)
            if sender is None:
                continue
            receiver = member_named(task.get("owner"), reading, task)
            is_accepted = task["status"] in ACCEPTED
            if receiver and (is_accepted or (task["status"] in SENT and owner == sender)):
                found.setdefault(receiver, name(order))
            if is_accepted and owner == receiver:
                found.setdefault(sender, name(order))
    found.pop(owner, None)
    return found


def _referral_stream(report: Resource, reading: Reading) -> str | None:
    """The referral that the report itself is based on, so that its notices stay in order."""
    for reference in report.get("basedOn", ()):
        target = literal(reference)
        order = reading.read(*target) if target and target[0] == "ServiceRequest" else None
        if order is not None and is_referral(order):
            return name(order)
    return None


def _edition(report: Resource) -> str:
    """Tell a corrected report from the first one: the issue time, else the status."""
    edition: str = report.get("issued") or report["status"]
    return edition
