"""Who is treating a person: a stay that is going on, a family-doctor team that was signed.

A treating member reads what the others wrote about the person, what is sensitive excepted. The
right ends with the stay, and at the latest after ``LONGEST`` without any news of it.
"""

from datetime import UTC, datetime, timedelta

from gateway.access import CLINICAL, IDENTITY
from gateway.fhir.systems import ROOT
from gateway.fhir.times import interval
from gateway.reactions import Turn, codes, member_named, name
from gateway.records import Json, Relation

PRESENT = frozenset({"arrived", "triaged", "in-progress", "onleave"})
TEAMS = f"{ROOT}/CodeSystem/care-team-category"
FAMILY_DOCTOR = "family-doctor"
LONGEST = timedelta(days=90)


def stay_changed(turn: Turn) -> None:
    """Open the person's records while the patient is here, close them at the end."""
    event, answer = turn.event, turn.answer
    stay, reason = event.resource, name(event.resource)
    start, _ = _span(stay.get("period"))
    # The stay may have been another person's before.
    answer.ended.append(reason)
    is_here = stay["status"] in PRESENT and start is not None and start <= event.now_utc
    if not is_here or event.person is None or start is None:
        return
    until = event.now_utc + LONGEST
    answer.relations.append(
        Relation(event.person, event.owner, None, CLINICAL | IDENTITY, reason, start, until)
    )


def team_changed(turn: Turn) -> None:
    """Open the person's records to the member whose family-doctor team was signed, for its term."""
    event, answer = turn.event, turn.answer
    team, reason = event.resource, name(event.resource)
    answer.ended.append(reason)
    since, until = _span(team.get("period"))
    named = {member_named(one, turn.reading, team) for one in team.get("managingOrganization", ())}
    is_own = event.owner in named
    is_signed = team.get("status") == "active" and since is not None and until is not None
    if not (is_own and is_signed and FAMILY_DOCTOR in codes(team.get("category"), TEAMS)):
        return
    if event.person is not None and since is not None:
        answer.relations.append(
            Relation(event.person, event.owner, None, CLINICAL | IDENTITY, reason, since, until)
        )


def _span(period: Json) -> tuple[datetime | None, datetime | None]:
    given = period if isinstance(period, dict) else {}
    start, end = given.get("start"), given.get("end")
    return (
        _moment(interval(start)[0]) if start else None,
        _moment(interval(end)[1] + 1) if end else None,
    )


def _moment(us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
