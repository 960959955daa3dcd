"""The referral's summary as a document of its own, kept beside the referral."""

from collections.abc import Sequence

from gateway.fhir.systems import ROOT
from gateway.fhir.times import format_instant
from gateway.reactions import Answer, Turn, found_for, is_referral, literal, patients_of_person
from gateway.records import BusinessKey, Event, MapContext, Reading, Resource
from gateway.referral.document import assemble

SUMMARY_OF = f"{ROOT}/sid/referral-summary-of"
ADDRESS = f"{ROOT}/fhir"
# Directory entries belong to whoever keeps the directory; everything else must be the sender's own.
DIRECTORY = frozenset({"Organization", "Practitioner", "PractitionerRole", "Location"})


def refresh(events: Sequence[Event], reading: Reading, context: MapContext, answer: Answer) -> None:
    """Assemble the document of every sent referral whose order or Composition is among the events.

    The document is a snapshot: it is made again only when order or Composition changes, and an
    equal one keeps its first timestamp.
    """
    orders: dict[str, tuple[Resource, Event]] = {}
    for event in events:
        resource = event.resource
        if resource["resourceType"] == "ServiceRequest" and is_referral(resource):
            orders[resource["id"]] = (resource, event)
        elif resource["resourceType"] == "Composition":
            for order in _orders_with(resource, reading):
                orders.setdefault(order["id"], (order, event))
    for order, event in orders.values():
        owner = reading.owner_of("ServiceRequest", order["id"])
        if order["status"] == "active" and owner is not None:
            _assemble(order, owner, Turn(event, reading, context, answer))


def _orders_with(composition: Resource, reading: Reading) -> list[Resource]:
    """The person's referrals that carry the Composition; no search parameter leads there."""
    patients = patients_of_person(composition.get("subject"), reading)
    return [
        order
        for order in found_for("ServiceRequest", "subject", patients, reading)
        if is_referral(order) and composition["id"] in _compositions(order)
    ]


def _compositions(order: Resource) -> list[str]:
    targets = (literal(reference) for reference in order.get("supportingInfo", ()))
    return [target[1] for target in targets if target and target[0] == "Composition"]


def _assemble(order: Resource, owner: str, turn: Turn) -> None:
    reading = turn.reading

    def resolve(type_: str, id_: str) -> Resource | None:
        if type_ in DIRECTORY or reading.owner_of(type_, id_) == owner:
            return _bare(reading.read(type_, id_))
        return None

    for id_ in _compositions(order)[:1]:
        composition = resolve("Composition", id_)
        if composition is None:
            continue
        bundle_id = turn.context.id_for(
            BusinessKey("Bundle", SUMMARY_OF, order["id"], is_shared=True)
        )
        bundle = assemble(
            composition,
            resolve,
            address=ADDRESS,
            timestamp=format_instant(turn.event.now_utc),
            identifier={"system": SUMMARY_OF, "value": order["id"]},
            id_=bundle_id,
        )
        stored = reading.read("Bundle", bundle_id)
        if stored is None or stored.get("entry") != bundle["entry"]:
            turn.answer.write(owner, bundle)


def _bare(resource: Resource | None) -> Resource | None:
    """Leave out what the store writes in, so that the same content gives the same document."""
    if resource is None or "meta" not in resource:
        return resource
    meta = {
        key: value
        for key, value in resource["meta"].items()
        if key not in {"versionId", "lastUpdated"}
    }
    return {
        key: (meta if key == "meta" else value)
        for key, value in resource.items()
        if key != "meta" or meta
    }
