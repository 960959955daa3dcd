"""The body of a notice: a topic-based notification in the R4 form of the R5 Backport guide, 1.1.0.

A Bundle of type history; the first entry is the status as Parameters, the second names the focus
by its address only (content ``id-only``): who receives it reads the record with its own rights.
"""

from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from gateway.fhir.systems import ROOT
from gateway.fhir.times import format_instant
from gateway.records import Resource
from gateway.store import Delivery

GUIDE = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition"


def topic_url(topic: str) -> str:
    """Give the canonical of one of our topics."""
    return f"{ROOT}/SubscriptionTopic/{topic}"


def notification(delivery: Delivery, fhir_address: str, now_utc: datetime) -> Resource:
    """Build the notification Bundle of one delivery; the same for every attempt but its time.

    The event number counts per recipient and stream; the stream (a referral or claim) is the
    event's additional context, so that a receiver can see a gap.
    """
    subscription = f"{fhir_address}/Subscription/{delivery.recipient}"
    status_id = str(uuid5(NAMESPACE_URL, f"{ROOT}/notice/{delivery.idempotency_key}"))
    focus = f"{fhir_address}/{delivery.focus}"
    return {
        "resourceType": "Bundle",
        "id": status_id,
        "meta": {"profile": [f"{GUIDE}/backport-subscription-notification-r4"]},
        "type": "history",
        "timestamp": format_instant(now_utc),
        "entry": [
            {
                "fullUrl": f"urn:uuid:{status_id}",
                "resource": _status(delivery, status_id, subscription, focus, fhir_address),
                "request": {"method": "GET", "url": f"{subscription}/$status"},
                "response": {"status": "200"},
            },
            {
                "fullUrl": focus,
                "request": {"method": "POST", "url": delivery.focus.split("/")[0]},
                "response": {"status": "201"},
            },
        ],
    }


def _status(
    delivery: Delivery, status_id: str, subscription: str, focus: str, fhir_address: str
) -> Resource:
    number = str(delivery.number)
    event = [
        {"name": "event-number", "valueString": number},
        {"name": "timestamp", "valueInstant": format_instant(delivery.created_utc)},
        {"name": "focus", "valueReference": {"reference": focus}},
    ]
    if delivery.stream != delivery.focus:
        context = {"reference": f"{fhir_address}/{delivery.stream}"}
        event.append({"name": "additional-context", "valueReference": context})
    return {
        "resourceType": "Parameters",
        "id": status_id,
        "meta": {"profile": [f"{GUIDE}/backport-subscription-status-r4"]},
        "parameter": [
            {"name": "subscription", "valueReference": {"reference": subscription}},
            {"name": "topic", "valueCanonical": topic_url(delivery.topic)},
            {"name": "status", "valueCode": "active"},
            {"name": "type", "valueCode": "event-notification"},
            {"name": "events-since-subscription-start", "valueString": number},
            {"name": "notification-event", "part": event},
        ],
    }
