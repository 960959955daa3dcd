"""The items of a claim: the charge items of its stay, in one order whoever came first."""

from decimal import Decimal

from gateway.fhir.systems import extension
from gateway.fhir.times import interval
from gateway.reactions import literal, name
from gateway.records import Resource

CHARGE_ITEM = extension("charge-item")
UNIT_PRICE = extension("nhsa-unit-price")


def is_ours(claim: Resource) -> bool:
    """Whether the claim's items may be filled: it has none, or all were made here."""
    return all(_charge_item(item) for item in claim.get("item", ()))


def items_of(charges: list[Resource], encounter: str) -> list[Resource]:
    """Make the claim items of charge items: by time, then by number, then by id."""
    ordered = sorted(charges, key=_order)
    return [_item(charge, index, encounter) for index, charge in enumerate(ordered, start=1)]


def within(charges: list[Resource], period: Resource) -> list[Resource]:
    """Give the charge items whose time lies in a billable period (whole days count)."""
    low = interval(period["start"])[0] if period.get("start") else None
    high = interval(period["end"])[1] if period.get("end") else None
    kept = []
    for charge in charges:
        occurred = _occurred(charge)
        if occurred:
            start = interval(occurred)[0]
            if (low is None or start >= low) and (high is None or start <= high):
                kept.append(charge)
    return kept


def sum_of(items: list[Resource]) -> Decimal | None:
    """Add the items' nets; None when one of them has none."""
    nets = [item.get("net", {}).get("value") for item in items]
    if any(net is None for net in nets):
        return None
    return sum((Decimal(net) for net in nets), Decimal(0))


def encounter_of(claim: Resource) -> str | None:
    """Give ``Encounter/<id>`` that the claim is about, where it says so."""
    said = [
        *(one for item in claim.get("item", ()) for one in item.get("encounter", ())),
        *(one.get("valueReference") for one in claim.get("supportingInfo", ())),
    ]
    for reference in said:
        target = literal(reference)
        if target and target[0] == "Encounter":
            return "/".join(target)
    return None


def _item(charge: Resource, sequence: int, encounter: str) -> Resource:
    item: Resource = {
        "extension": [{"url": CHARGE_ITEM, "valueReference": {"reference": name(charge)}}],
        "sequence": sequence,
        "productOrService": charge["code"],
    }
    occurred = _occurred(charge)
    if occurred:
        # Claim.item.serviced[x] knows days only; the time stays in the ChargeItem.
        item["servicedDate"] = occurred[:10]
    if charge.get("quantity"):
        item["quantity"] = charge["quantity"]
    for one in charge.get("extension", ()):
        if one.get("url") == UNIT_PRICE and one.get("valueMoney"):
            item["unitPrice"] = one["valueMoney"]
    if charge.get("priceOverride"):
        item["net"] = charge["priceOverride"]
    item["encounter"] = [{"reference": encounter}]
    return item


def _charge_item(item: Resource) -> bool:
    return any(one.get("url") == CHARGE_ITEM for one in item.get("extension", ()))


def _occurred(charge: Resource) -> str | None:
    occurred: str | None = charge.get("occurrenceDateTime") or charge.get(
        "occurrencePeriod", {}
    ).get("start")
    return occurred


def _order(charge: Resource) -> tuple[int, str, str]:
    occurred = _occurred(charge)
    number = next((one.get("value", "") for one in charge.get("identifier", ())), "")
    return (interval(occurred)[0] if occurred else 0, number, charge["id"])
