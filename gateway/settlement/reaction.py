"""The settlement's reaction: whichever of stay, charges, claim and answer comes first."""

from collections.abc import Sequence
from decimal import Decimal

from gateway.access.classes import FINANCE, IDENTITY
from gateway.errors import issue
from gateway.fhir.systems import TERMINOLOGY
from gateway.reactions import (
    Answer,
    found_for,
    is_referral,
    literal,
    member_named,
    name,
    patients_of_person,
)
from gateway.records import Event, Issue, MapContext, Reaction, Reading, Relation, Resource
from gateway.settlement.balance import TOLERANCE, amounts_of, balance
from gateway.settlement.charges import charges_of, stay_of
from gateway.settlement.items import (
    encounter_of,
    is_ours,
    items_of,
    sum_of,
    within,
)

INFORMATION = f"{TERMINOLOGY}/claiminformationcategory"
VOID = frozenset({"cancelled", "entered-in-error"})


def react(events: Sequence[Event], reading: Reading, context: MapContext) -> Reaction:  # noqa: ARG001 - the signature of every reaction.
    """Fill claims from what is known of their stay, link answers, check amounts, tell both sides.

    Every claim is looked at whole whenever anything of its stay comes, so that the order of
    arrival does not matter and a repetition changes nothing.
    """
    answer = Answer()
    for event in events:
        match event.resource["resourceType"]:
            case "Claim":
                _claim_received(event, reading, answer)
            case "ClaimResponse":
                _claim_answered(event, reading, answer)
    for claim in _claims(events, reading).values():
        owner = reading.owner_of("Claim", claim["id"])
        if owner is not None:
            _complete(claim, owner, events, reading, answer)
    return answer.reaction()


def _claim_received(event: Event, reading: Reading, answer: Answer) -> None:
    """Let the insurer read the person's finance records of this owner, and tell it."""
    claim = event.resource
    insurer = member_named(claim.get("insurer"), reading, claim)
    if insurer is None or claim["status"] != "active":
        return
    if event.person is not None:
        answer.relations.append(
            Relation(
                event.person, insurer, event.owner, FINANCE | IDENTITY, name(claim), event.now_utc
            )
        )
    if event.previous is None or event.previous["status"] != "active":
        answer.notify(insurer, "claim-received", name(claim), name(claim), name(claim))


def _claim_answered(event: Event, reading: Reading, answer: Answer) -> None:
    """Check the answer's balance, link it to its claim and tell the provider."""
    response = event.resource
    claim = _claim_of(response, event.owner, reading)
    if claim is not None and literal(response.get("request")) is None:
        linked = (response.get("request") or {}) | {"reference": name(claim)}
        answer.write(event.owner, response | {"request": linked})
        return  # The linked form comes back as an event of its own.
    answer.issues += balance(response)
    if claim is not None:
        answer.issues += _compare(claim, response)
    if event.previous is None:
        provider = response.get("requestor") or (claim or {}).get("provider")
        stream = name(claim) if claim else name(response)
        member = member_named(provider, reading, response)
        answer.notify(member, "claim-answered", name(response), stream, name(response))


def _compare(claim: Resource, response: Resource) -> list[Issue]:
    total = claim.get("total", {}).get("value")
    settled = amounts_of(response).get("medfee_sumamt", [])
    if total is not None and len(settled) == 1 and abs(Decimal(total) - settled[0]) > TOLERANCE:
        return [issue("GW-6223", "warning", expression="Claim.total")]
    return []


def _claims(events: Sequence[Event], reading: Reading) -> dict[str, Resource]:
    """The claims that the events touch: themselves, or through stay, charge or answer."""
    found: dict[str, Resource] = {}
    for event in events:
        resource = event.resource
        match resource["resourceType"]:
            case "Claim":
                found[resource["id"]] = resource
                if stay := encounter_of(resource):  # Its coming may divide the items anew.
                    found |= _claims_of_stay(stay, resource.get("patient"), reading)
            case "Encounter":
                found |= _claims_of_stay(name(resource), resource.get("subject"), reading)
            case "ChargeItem" if stay := stay_of(resource, reading):
                encounter = reading.read(*stay.split("/")) or {}
                found |= _claims_of_stay(stay, encounter.get("subject"), reading)
    return {id_: reading.read("Claim", id_) or claim for id_, claim in found.items()}


def _claims_of_stay(stay: str, patient: Resource | None, reading: Reading) -> dict[str, Resource]:
    """All claims about a stay; one without items is found through its patient."""
    patients = patients_of_person(patient, reading)
    claims = found_for("Claim", "patient", patients, reading)
    return {claim["id"]: claim for claim in claims if encounter_of(claim) == stay}


def _claim_of(response: Resource, owner: str, reading: Reading) -> Resource | None:
    """The claim that an answer names literally, or by the hospital's settlement number."""
    request = response.get("request") or {}
    if target := literal(request):
        claim = reading.read(*target) if target[0] == "Claim" else None
        return claim if claim and _may_answer(owner, claim, reading) else None
    identifier = request.get("identifier") or {}
    if not identifier.get("value"):
        return None
    token = f"{identifier.get('system', '')}|{identifier['value']}"
    found = reading.find("Claim", identifier=token)
    claims = [claim for claim in found if _may_answer(owner, claim, reading)]
    return claims[0] if len(claims) == 1 else None


def _may_answer(member: str, claim: Resource, reading: Reading) -> bool:
    """Only the claim's own member, which records the answer, and its insurer answer a claim."""
    insurer = member_named(claim.get("insurer"), reading, claim)
    return member in (reading.owner_of("Claim", claim["id"]), insurer)


def _complete(
    claim: Resource, owner: str, events: Sequence[Event], reading: Reading, answer: Answer
) -> None:
    """Give a claim its stay, referral and items, and its answers the link to it."""
    stay = encounter_of(claim) or _only_stay(claim, events)
    completed, found = dict(claim), list[Issue]()
    # A claim learns nothing from the stay of another member, which its own may not see.
    if stay is not None and reading.owner_of(*stay.split("/")) in (owner, None):
        completed = _with_stay(completed, stay)
        completed = _with_referral(completed, stay, reading)
        completed = _with_items(completed, stay, owner, reading, found)
    if completed != claim:
        answer.write(owner, completed)  # It comes back as an event and is checked then.
    else:
        answer.issues += [*found, *_check_total(claim)]
    _link_answers(claim, reading, answer)


def _only_stay(claim: Resource, events: Sequence[Event]) -> str | None:
    """The one stay of the same patient that was told together with the claim."""
    patient = literal(claim.get("patient"))
    stays = {
        name(event.resource)
        for event in events
        if event.resource["resourceType"] == "Encounter"
        and literal(event.resource.get("subject")) == patient
    }
    return stays.pop() if len(stays) == 1 else None


def _with_stay(claim: Resource, stay: str) -> Resource:
    if encounter_of(claim) is not None:
        return claim
    # Claim has no element for its stay before it has items.
    listed = claim.get("supportingInfo", [])
    said = {
        "sequence": 1 + max((one["sequence"] for one in listed), default=0),
        "category": {"coding": [{"system": INFORMATION, "code": "info"}]},
        "valueReference": {"reference": stay},
    }
    return claim | {"supportingInfo": [*listed, said]}


def _with_referral(claim: Resource, stay: str, reading: Reading) -> Resource:
    if claim.get("referral"):
        return claim
    encounter = reading.read("Encounter", stay.split("/")[1]) or {}
    for reference in encounter.get("basedOn", ()):
        target = literal(reference)
        order = reading.read(*target) if target and target[0] == "ServiceRequest" else None
        if order is not None and is_referral(order):
            return claim | {"referral": {"reference": name(order)}}
    return claim


def _with_items(
    claim: Resource, stay: str, owner: str, reading: Reading, found: list[Issue]
) -> Resource:
    """Fill the items; of several settlements only those that state their period are divided."""
    total = claim.get("total", {}).get("value")
    is_reversal = total is not None and Decimal(total) < 0
    if not is_ours(claim) or is_reversal or claim["status"] in VOID:
        return claim
    charges = charges_of(stay, owner, reading)
    others = _claims_of_stay(stay, claim.get("patient"), reading) | {claim["id"]: claim}
    settling = [
        one
        for id_, one in others.items()
        if _is_settling(one) and reading.owner_of("Claim", id_) == owner
    ]
    if len(settling) > 1:
        if not all(one.get("billablePeriod") for one in settling):
            found.append(issue("GW-6224", "warning", expression="Claim.item", count=len(settling)))
            return _without_items(claim)
        charges = within(charges, claim["billablePeriod"])
    items = items_of(charges, stay)
    return claim | {"item": items} if items else _without_items(claim)


def _without_items(claim: Resource) -> Resource:
    return {key: value for key, value in claim.items() if key != "item"}


def _is_settling(claim: Resource) -> bool:
    total = claim.get("total", {}).get("value")
    return (
        claim["status"] not in VOID
        and claim.get("use", "claim") == "claim"
        and (total is None or Decimal(total) >= 0)
    )


def _check_total(claim: Resource) -> list[Issue]:
    total = claim.get("total", {}).get("value")
    listed = claim.get("item") or []
    summed = sum_of(listed) if listed else None
    if total is not None and summed is not None and abs(Decimal(total) - summed) > TOLERANCE:
        return [issue("GW-6222", "warning", expression="Claim.total")]
    return []


def _link_answers(claim: Resource, reading: Reading, answer: Answer) -> None:
    """Link the answers that came before their claim."""
    patients = patients_of_person(claim.get("patient"), reading)
    ours = {(one.get("system"), one.get("value")) for one in claim.get("identifier", ())}
    for response in found_for("ClaimResponse", "patient", patients, reading):
        request = response.get("request") or {}
        identifier = request.get("identifier") or {}
        is_meant = (identifier.get("system"), identifier.get("value")) in ours
        owner = reading.owner_of("ClaimResponse", response["id"])
        is_free = is_meant and literal(request) is None
        if is_free and owner is not None and _may_answer(owner, claim, reading):
            linked = request | {"reference": name(claim)}
            answer.write(owner, response | {"request": linked})
