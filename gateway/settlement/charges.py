"""Which charges belong to a stay: named literally, or by the insurance's number of the visit.

Fees may arrive before the admission that they belong to; then they know the visit by its number.
"""

from gateway.reactions import literal, name
from gateway.records import Reading, Resource

NOT_CHARGED = frozenset({"entered-in-error", "aborted", "not-billable"})


def charges_of(stay: str, owner: str, reading: Reading) -> list[Resource]:
    """Give the member's own charge items of ``Encounter/<id>`` that count, in no order.

    What others charge to the stay is none of its account.
    """
    found = {one["id"]: one for one in reading.find("ChargeItem", context=stay)}
    encounter = reading.read(*stay.split("/")) or {}
    for identifier in encounter.get("identifier", ()):
        if identifier.get("system") and identifier.get("value"):
            token = f"{identifier['system']}|{identifier['value']}"
            for one in reading.find("ChargeItem", **{"context:identifier": token}):
                found[one["id"]] = one
    return [
        one
        for one in found.values()
        if one.get("status") not in NOT_CHARGED
        and reading.owner_of("ChargeItem", one["id"]) == owner
    ]


def stay_of(charge: Resource, reading: Reading) -> str | None:
    """Give ``Encounter/<id>`` that a charge item belongs to, where it is known already."""
    context = charge.get("context") or {}
    if target := literal(context):
        return "/".join(target) if target[0] == "Encounter" else None
    identifier = context.get("identifier") or {}
    if not (identifier.get("system") and identifier.get("value")):
        return None
    token = f"{identifier['system']}|{identifier['value']}"
    stays = reading.find("Encounter", identifier=token)
    return name(stays[0]) if len(stays) == 1 else None
