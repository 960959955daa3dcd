"""The body of a notice: a topic-based notification in the R4 form of the R5 Backport guide, 1.1.0.

A Bundle of type history; the first entry is the status as Parameters, the others name the focus of
each event. By its address only (content ``id-only``), who receives it reads the record with its own
rights. http://hl7.org/fhir/uv/subscriptions-backport/STU1.1/notifications.html
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import NAMESPACE_URL, uuid5

from gateway.delivery.subscription import GUIDE, Content
from gateway.fhir.systems import ROOT
from gateway.fhir.times import format_instant
from gateway.records import Json, Resource
from gateway.store import Delivery

Kind = Literal["handshake", "heartbeat", "event-notification", "query-status", "query-event"]
Focus = Callable[[str], Resource | None]
"""``Type/id`` → the resource, None when it is gone."""


def topic_url(topic: str) -> str:
    """Give the canonical of one of our topics."""
    return f"{ROOT}/SubscriptionTopic/{topic}"


@dataclass(frozen=True, slots=True)
class Notification:
    """What a notification says of its subscription; ``address`` is that of our FHIR API."""

    address: str
    recipient: str
    topic: str
    kind: Kind
    key: str
    count: int
    status: str = "active"
    content: Content = "id-only"
    error: str | None = None

    @property
    def id(self) -> str:
        """Give the id, the same for every attempt."""
        return str(uuid5(NAMESPACE_URL, f"{ROOT}/notice/{self.key}"))

    def bundle(
        self, events: Sequence[Delivery], now_utc: datetime, focus: Focus | None = None
    ) -> Resource:
        """Make the Bundle; ``focus`` reads the records of content ``full-resource``."""
        entries = [] if self.content == "empty" else [self._entry(one, focus) for one in events]
        return {
            "resourceType": "Bundle",
            "id": self.id,
            "meta": {"profile": [f"{GUIDE}/backport-subscription-notification-r4"]},
            "type": "history",
            "timestamp": format_instant(now_utc),
            "entry": [
                {
                    "fullUrl": f"urn:uuid:{self.id}",
                    "resource": self.parameters(events),
                    "request": {"method": "GET", "url": f"{self._subscription}/$status"},
                    "response": {"status": "200"},
                },
                *{str(entry["fullUrl"]): entry for entry in entries}.values(),
            ],
        }

    def parameters(self, events: Sequence[Delivery] = ()) -> Resource:
        """Make the status."""
        error = [{"name": "error", "valueCodeableConcept": {"text": self.error}}]
        return {
            "resourceType": "Parameters",
            "id": self.id,
            "meta": {"profile": [f"{GUIDE}/backport-subscription-status-r4"]},
            "parameter": [
                {
                    "name": "subscription",
                    "valueReference": {"reference": self._subscription},
                },
                {"name": "topic", "valueCanonical": self.topic},
                {"name": "status", "valueCode": self.status},
                {"name": "type", "valueCode": self.kind},
                {"name": "events-since-subscription-start", "valueString": str(self.count)},
                *({"name": "notification-event", "part": self._event(one)} for one in events),
                *(error if self.error else ()),
            ],
        }

    @property
    def _subscription(self) -> str:
        return f"{self.address}/{self.recipient}"

    def _event(self, delivery: Delivery) -> list[Json]:
        parts: list[Json] = [
            {"name": "event-number", "valueString": str(delivery.number)},
            {"name": "timestamp", "valueInstant": format_instant(delivery.created_utc)},
        ]
        if self.content != "empty":
            reference = {"reference": f"{self.address}/{delivery.focus}"}
            parts.append({"name": "focus", "valueReference": reference})
        if delivery.stream not in (delivery.focus, delivery.recipient):
            context = {"reference": f"{self.address}/{delivery.stream}"}
            parts.append({"name": "additional-context", "valueReference": context})
        return parts

    def _entry(self, delivery: Delivery, focus: Focus | None) -> Resource:
        type_ = delivery.focus.split("/")[0]
        found = focus(delivery.focus) if focus and self.content == "full-resource" else None
        return {
            "fullUrl": f"{self.address}/{delivery.focus}",
            **({"resource": found} if found is not None else {}),
            "request": {"method": "POST", "url": type_},
            "response": {"status": "201"},
        }


def notification(delivery: Delivery, fhir_address: str, now_utc: datetime) -> Resource:
    """Build the notification Bundle of one notice to a member; the same for every attempt.

    The event number counts per recipient and stream; the stream (a referral or claim) is the
    event's additional context, so that a receiver can see a gap.
    """
    said = Notification(
        fhir_address,
        f"Subscription/{delivery.recipient}",
        topic_url(delivery.topic),
        "event-notification",
        delivery.idempotency_key,
        delivery.number,
    )
    return said.bundle([delivery], now_utc)
