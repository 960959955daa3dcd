"""Whoever comes home from a hospital: the primary care there is told, referral or not.

Most patients bypass primary care, so no referral leads back to it. Home is where the family-doctor
team was signed, or whom the discharging hospital itself names as the general practitioner. A
member's own word that a stranger is its patient counts nowhere. (Requirements P-01, P-02, F-01.)
"""

from collections.abc import Iterator
from datetime import timedelta

from gateway.access.classes import CLINICAL, IDENTITY
from gateway.fhir.systems import ROOT
from gateway.fhir.times import interval, microseconds
from gateway.reactions import (
    Turn,
    codes,
    found_for,
    is_referral,
    literal,
    member_named,
    name,
    patients_of_person,
)
from gateway.records import Relation, Resource
from gateway.referral.state import fulfilments

TEAMS = f"{ROOT}/CodeSystem/care-team-category"
STAYS = frozenset({"IMP", "ACUTE", "NONAC", "SS", "EMER"})
OPEN_FOR = timedelta(days=30)


def discharged(turn: Turn) -> None:
    """Tell the primary care at home of a discharge, and let it read what it was named for."""
    event, answer = turn.event, turn.answer
    stay, previous = event.resource, event.previous
    was_over = previous is not None and previous["status"] == "finished"
    is_stay = stay.get("class", {}).get("code") in STAYS
    if stay["status"] != "finished" or was_over or not is_stay:
        return
    named = list(dict.fromkeys(_named_by_hospital(turn)))
    for member in named:
        if event.person is not None:
            answer.relations.append(
                Relation(
                    event.person,
                    member,
                    event.owner,
                    CLINICAL | IDENTITY,
                    f"{name(stay)}:home:{member}",
                    event.now_utc,
                    event.now_utc + OPEN_FOR,
                )
            )
    for member in dict.fromkeys((*named, *_with_family_doctor(turn))):
        answer.notify(member, "discharge", name(stay), name(stay), name(stay))


def feedback_given(turn: Turn) -> None:
    """Tell the other side of a referral what one side reports in between (R-16)."""
    event, reading = turn.event, turn.reading
    message = event.resource
    if message["status"] != "completed":
        return
    for reference in message.get("basedOn", ()):
        target = literal(reference)
        order = reading.read(*target) if target and target[0] == "ServiceRequest" else None
        if order is None or not is_referral(order):
            continue
        sides = {member_named(order.get("requester"), reading, order)} | {
            member_named(task.get("owner"), reading, task) for task in fulfilments(order, reading)
        }
        if event.owner in sides:
            for member in sorted(one for one in sides - {event.owner} if one):
                turn.answer.notify(
                    member, "referral-feedback", name(message), name(order), name(message)
                )


def _named_by_hospital(turn: Turn) -> Iterator[str]:
    """Give the members that the hospital's own record names as the general practitioner."""
    event, reading = turn.event, turn.reading
    target = literal(event.resource.get("subject"))
    if target is None or reading.owner_of(*target) != event.owner:
        return
    patient: Resource = reading.read(*target) or {}
    for reference in patient.get("generalPractitioner", ()):
        member = member_named(reference, reading, patient)
        if member and member != event.owner:
            yield member


def _with_family_doctor(turn: Turn) -> Iterator[str]:
    """Give the members whose signed family-doctor team looks after the person now."""
    event, reading = turn.event, turn.reading
    patients = patients_of_person(event.resource.get("subject"), reading)
    for team in found_for("CareTeam", "subject", patients, reading):
        owner = reading.owner_of("CareTeam", team["id"])
        managing = {
            member_named(one, reading, team) for one in team.get("managingOrganization", ())
        }
        is_signed = team.get("status") == "active" and _is_now(team, turn)
        if not (is_signed and "family-doctor" in codes(team.get("category"), TEAMS)):
            continue
        if owner is not None and owner in managing and owner != event.owner:
            yield owner


def _is_now(team: Resource, turn: Turn) -> bool:
    period, now = team.get("period", {}), microseconds(turn.event.now_utc)
    if not (period.get("start") and period.get("end")):
        return False
    return interval(period["start"])[0] <= now <= interval(period["end"])[1]
