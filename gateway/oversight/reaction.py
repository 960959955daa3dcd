"""Referrals out of the consortium are told to the bureau as they are sent (R-11, R-12, P-09)."""

from collections.abc import Sequence

from gateway.fhir.systems import TERMINOLOGY
from gateway.reactions import Answer, direction, is_referral, name
from gateway.records import Event, MapContext, Reaction, Reading

GOVERNMENT = f"{TERMINOLOGY}/organization-type|govt"


def react(events: Sequence[Event], reading: Reading, context: MapContext) -> Reaction:  # noqa: ARG001 - the signature of every reaction.
    """Tell every government member of an outbound referral that became active."""
    answer = Answer()
    for event in events:
        order, previous = event.resource, event.previous
        if order["resourceType"] != "ServiceRequest" or not is_referral(order):
            continue
        was_active = previous is not None and previous["status"] == "active"
        if direction(order) != "outbound" or order["status"] != "active" or was_active:
            continue
        for organization in reading.find("Organization", type=GOVERNMENT):
            member = reading.member_of(organization["id"])
            answer.notify(member, "outbound-referral", name(order), name(order), name(order))
    return answer.reaction()
