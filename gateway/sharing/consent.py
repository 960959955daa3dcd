"""What a person's Consent opens and closes, as rows that every query asks.

A consent speaks for the records of the member that wrote it. One that was verified with the person
(``Consent.verification``) speaks for everybody's: otherwise any member could open or close what
others hold by a form of its own.
"""

from datetime import datetime

from gateway.access import rules
from gateway.reactions import Turn, member_named, name
from gateway.records import Exclusion, Json, Relation, Resource


def consent_changed(turn: Turn) -> None:
    """Replace what the consent said before; raise GW-8030, GW-8031."""
    event, answer = turn.event, turn.answer
    consent = event.resource
    reason = name(consent)
    answer.ended.append(reason)
    if event.person is None:
        return

    def member_of(reference: Json) -> str | None:
        return member_named(reference, turn.reading, consent)

    owner = None if _is_verified(consent) else event.owner
    spans: dict[tuple[str, str], tuple[int, datetime, datetime]] = {}
    for rule in rules(consent, member_of):
        for member in rule.members or ("",):
            known = spans.get((rule.kind, member), (0, rule.since_utc, rule.until_utc))
            spans[rule.kind, member] = (known[0] | rule.classes, *known[1:])
    for (kind, member), (classes, since, until) in spans.items():
        if kind == "permit":
            answer.relations.append(
                Relation(event.person, member, owner, classes, reason, since, until)
            )
            continue
        is_exempt = kind == "exempt"
        answer.exclusions.append(
            Exclusion(event.person, member, owner, classes, reason, since, until, is_exempt)
        )


def _is_verified(consent: Resource) -> bool:
    return any(one.get("verified") is True for one in consent.get("verification", ()))
