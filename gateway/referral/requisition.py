"""The one number that holds a referral together: slip, tasks, way back, follow-up."""

from gateway.fhir.systems import ROOT
from gateway.reactions import is_referral, literal
from gateway.records import Reading, Resource

REQUISITION = f"{ROOT}/sid/requisition"


def numbered(order: Resource, previous: Resource | None, reading: Reading) -> Resource:
    """Give the order with its requisition: that of the referral that it answers, or its own."""
    if order.get("requisition"):
        return order
    answered = _answered(order, reading)
    number = (
        (previous or {}).get("requisition")
        or (answered or {}).get("requisition")
        or next((one for one in order.get("identifier", ()) if one.get("value")), None)
        or {"system": REQUISITION, "value": order["id"]}
    )
    return order | {"requisition": number}


def _answered(order: Resource, reading: Reading) -> Resource | None:
    """Give the referral that a down-referral, or a slip written anew, is based on."""
    for reference in (*order.get("basedOn", ()), *order.get("replaces", ())):
        target = literal(reference)
        found = reading.read(*target) if target and target[0] == "ServiceRequest" else None
        if found is not None and is_referral(found):
            return found
    return None
