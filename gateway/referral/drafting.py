"""The drafted down-referral and the task to sign it.

The draft belongs to the discharging hospital and stays ``draft`` until its doctor signs or
declines: the gateway signs in nobody's name. What the hospital has signed is never changed here.
"""

from dataclasses import dataclass

from gateway.fhir.building import build
from gateway.fhir.systems import (
    DOWN_REFERRAL_OF,
    REFERRAL_DIRECTION,
    REFERRAL_TASK,
    ROOT,
    SERVICE_CATEGORY,
)
from gateway.fhir.times import format_instant
from gateway.reactions import Turn, member_named, name, organization_of
from gateway.records import BusinessKey, Event, Json, MapContext, Reading, Resource
from gateway.referral.state import CLOSED
from gateway.referral.table import FULFIL, SIGN

FULFILMENT_OF = f"{ROOT}/sid/fulfilment-of"


@dataclass(frozen=True, slots=True)
class Content:
    """What the stay gives to the draft: references to discharge diagnoses and summaries."""

    reasons: list[str]
    summaries: list[str]


def draft_id(up: Resource, context: MapContext) -> str:
    """Give the id of the one draft that an up-referral can have, whoever asks."""
    return context.id_for(BusinessKey("ServiceRequest", DOWN_REFERRAL_OF, up["id"], is_shared=True))


def stream(order: Resource) -> str:
    """Name the stream of notices of a down-referral: the up-referral that it answers."""
    based_on: str = order["basedOn"][0]["reference"]
    return based_on


def draft(up: Resource, content: Content, turn: Turn) -> Resource:
    """Make the draft, or fill the stored one; a signed or revoked one is given as it stands."""
    event, reading = turn.event, turn.reading
    id_ = draft_id(up, turn.context)
    stored = reading.read("ServiceRequest", id_)
    if stored is not None and not _is_open(stored, turn):
        return stored
    fresh = stored or _new_order(id_, up, event, reading)
    diagnoses = {
        one.get("condition", {}).get("reference") for one in event.resource.get("diagnosis", ())
    }
    return _with_references(
        _with_references(fresh, "reasonReference", content.reasons, diagnoses),
        "supportingInfo",
        content.summaries,
        set(),
    )


def write(order: Resource, up: Resource, turn: Turn) -> None:
    """Write the draft with its signing task, and tell both hospitals once."""
    event, reading, answer = turn.event, turn.reading, turn.answer
    is_new = reading.read("ServiceRequest", order["id"]) is None
    answer.write(event.owner, order)
    if not is_new:
        return
    task = build(
        "Task",
        id=_signing_id(up, turn.context),
        status="requested",
        intent="order",
        code={"coding": [{"system": REFERRAL_TASK, "code": SIGN}], "text": "签署下转单"},
        focus={"reference": name(order)},
        **{"for": order["subject"]},
        authoredOn=format_instant(event.now_utc),
        requester=order["performer"][0] if order.get("performer") else None,
        owner=order.get("requester"),
    )
    answer.write(event.owner, task)
    receiver = member_named(up.get("requester"), reading, up)
    for member in dict.fromkeys((receiver, event.owner)):
        answer.notify(member, "down-referral-drafted", name(order), name(up), name(order))


def send(order: Resource, up: Resource, turn: Turn) -> None:
    """Hand the signed draft over: the receiver gets its task, both hospitals are told."""
    event, reading, answer = turn.event, turn.reading, turn.answer
    close_signing(up, "completed", turn)
    id_ = turn.context.id_for(BusinessKey("Task", FULFILMENT_OF, order["id"], is_shared=True))
    if order.get("performer") and reading.read("Task", id_) is None:
        task = build(
            "Task",
            id=id_,
            status="requested",
            intent="order",
            code={"coding": [{"system": REFERRAL_TASK, "code": FULFIL}], "text": "接收下转"},
            focus={"reference": name(order)},
            **{"for": order["subject"]},
            authoredOn=format_instant(event.now_utc),
            requester=order.get("requester"),
            owner=order["performer"][0],
        )
        answer.write(event.owner, task)
    receiver = member_named(up.get("requester"), reading, up)
    for member in dict.fromkeys((receiver, event.owner)):
        answer.notify(member, "down-referral-signed", name(order), name(up), name(order))


def withdraw(up: Resource, turn: Turn) -> None:
    """Revoke an unsigned draft that is no longer wanted, and its signing task."""
    stored = turn.reading.read("ServiceRequest", draft_id(up, turn.context))
    if stored is not None and _is_open(stored, turn):
        turn.answer.write(turn.event.owner, stored | {"status": "revoked"})
        close_signing(up, "cancelled", turn)


def _is_open(draft: Resource, turn: Turn) -> bool:
    """Whether the draft still waits, and is the hospital's own whose record came."""
    owner = turn.reading.owner_of("ServiceRequest", draft["id"])
    return draft["status"] == "draft" and owner == turn.event.owner


def close_signing(up: Resource, status: str, turn: Turn) -> None:
    """Bring the signing task to its end unless it has come there."""
    task = turn.reading.read("Task", _signing_id(up, turn.context))
    if task is not None and task["status"] not in CLOSED:
        owner = turn.reading.owner_of("Task", task["id"]) or turn.context.member
        turn.answer.write(owner, task | {"status": status})


def _signing_id(up: Resource, context: MapContext) -> str:
    return context.id_for(BusinessKey("Task", DOWN_REFERRAL_OF, up["id"], is_shared=True))


def _new_order(id_: str, up: Resource, event: Event, reading: Reading) -> Resource:
    """The slip home: from the hospital that the up-referral went to, to the one it came from."""
    encounter = event.resource
    hospital = encounter.get("serviceProvider") or next(iter(up.get("performer", ())), None)
    receiver = _organization(up.get("requester"), up, reading)
    return build(
        "ServiceRequest",
        id=id_,
        identifier=[{"system": DOWN_REFERRAL_OF, "value": up["id"]}],
        basedOn=[{"reference": name(up)}],
        requisition=up.get("requisition") or next(iter(up.get("identifier", ())), None),
        status="draft",
        intent="order",
        category=[
            {"coding": [{"system": SERVICE_CATEGORY, "code": "referral"}]},
            {"coding": [{"system": REFERRAL_DIRECTION, "code": "down"}]},
        ],
        subject=encounter["subject"],
        encounter={"reference": name(encounter)} if encounter.get("id") else None,
        authoredOn=format_instant(event.now_utc),
        requester=_organization(hospital, up, reading),
        performer=[receiver] if receiver else None,
    )


def _organization(reference: Json, within: Resource, reading: Reading) -> Resource | None:
    """A reference to the organisation itself: literal when known, else as it was said."""
    found = organization_of(reference, reading, within)
    if found is None:
        is_said = bool(reference) and not reference.get("reference", "").startswith("#")
        return dict(reference) if is_said else None
    display = {"display": reference["display"]} if reference.get("display") else {}
    return {"reference": f"Organization/{found}", "type": "Organization"} | display


def _with_references(
    order: Resource, element: str, wanted: list[str], ours: set[str | None]
) -> Resource:
    """Set the references that the stay gives; what a person added stays behind them."""
    added = [
        one
        for one in order.get(element, ())
        if one.get("reference") not in wanted and one.get("reference") not in ours
    ]
    references: list[Resource] = [{"reference": target} for target in wanted] + added
    if not references:
        return {key: value for key, value in order.items() if key != element}
    return order | {element: references}
