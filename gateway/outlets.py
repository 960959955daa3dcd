"""The way to each recipient as it is at the moment of sending: endpoint, secret and rights."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from gateway.access import identified
from gateway.delivery import (
    Delivered,
    Failed,
    Letter,
    Notification,
    Outcome,
    Outlet,
    Sender,
    endpoint_secret,
)
from gateway.delivery.subscription import Subscription, read_subscription
from gateway.errors import KINDS, GatewayError
from gateway.fhir import codec, xml
from gateway.records import Audited, Resource, Seen, Visibility
from gateway.store import Delivery, Member, Store

_SILENT: Resource = {
    "resourceType": "Subscription",
    "status": "off",
    "criteria": "Subscription",
    "channel": {"type": "rest-hook", "endpoint": "https://localhost/"},
}
Viewer = Callable[[int, str], Visibility]
"""(shard, member) → what it may see now; raises GW-8012 for no member."""


@dataclass(frozen=True, slots=True)
class MemberOutlet:
    """Notices of what happened, to the one endpoint that a member registered."""

    store: Store
    sender: Sender
    url: str
    secret: bytes
    sight: Visibility
    most: int = 1
    is_open: bool = True

    def permits(self, delivery: Delivery) -> bool:
        """Ask the rights as they are now: a right that was withdrawn stops what is queued."""
        return may_see(self.store, self.sight, delivery)

    def send(self, batch: Sequence[Delivery]) -> Outcome:
        """Send one notice."""
        return self.sender.send(self.url, self.secret, batch[0])

    def ended(self, outcome: Outcome, *, is_parked: bool) -> None:
        """Keep nothing: the outbox says all."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Where a Subscription's notices go, with its headers, signed with its member's secret."""

    wish: Subscription
    secret: bytes

    def letter(self, key: str, body: bytes) -> Letter:
        """Make a notification Bundle ready."""
        return Letter(
            self.wish.endpoint,
            self.secret,
            key,
            body,
            headers=self.wish.headers,
            timeout_s=self.wish.timeout_s,
        )

    def plain(self, key: str, focus: str, resource: Resource) -> Letter:
        """Make R4's notice ready: nothing by POST, or the record itself by PUT.

        https://hl7.org/fhir/R4/subscription.html, valueset-subscription-channel-type.html
        """
        if self.wish.mime is None:
            return self.letter(key, b"")
        is_xml = "xml" in self.wish.mime
        return replace(
            self.letter(key, xml.encode(resource) if is_xml else codec.encode(resource)),
            endpoint=self.wish.endpoint.rstrip("/"),
            path=f"/{focus}",
            method="PUT",
            content_type=self.wish.mime,
        )


Native = Callable[[int, str, Visibility], Outlet | None]
"""(shard, channel, sight of its member) → the way to a system that cannot read FHIR."""
Told = Callable[[int, str, Outcome, bool], None]
"""(shard, Subscription's id, outcome, is parked)."""


def _no_channel(_shard: int, _id: str, _sight: Visibility) -> Outlet | None:
    """Know no channel."""
    return None


def _tell_nobody(_shard: int, _id: str, _outcome: Outcome, _is_parked: bool) -> None:
    """Keep nothing: the outbox says all."""


@dataclass(frozen=True, slots=True)
class SubscriptionOutlet:
    """Notices that a Subscription asked for."""

    store: Store
    sender: Sender
    contact: Contact
    shard: int
    sight: Visibility
    told: Told
    now: Callable[[], datetime]

    @property
    def most(self) -> int:
        """As many as the Subscription takes at once."""
        return self.contact.wish.most

    @property
    def is_open(self) -> bool:
        """Before its handshake, and once it is off, it takes nothing."""
        return self.contact.wish.status in {"active", "error"}

    def permits(self, delivery: Delivery) -> bool:
        """Ask the rights as they are now: a right that was withdrawn stops what is queued."""
        return may_see(self.store, self.sight, delivery)

    def send(self, batch: Sequence[Delivery]) -> Outcome:
        """Send a topic's events in one Bundle, or R4's notice of one change."""
        seen = Seen()
        try:
            letter = self._letter(batch, replace(self.sight, seen=seen))
            audited(self.store, self.sight, self.contact.wish.recipient, batch[0], seen)
        except GatewayError as error:  # What cannot be audited is not told.
            return Failed(error, is_permanent=not KINDS[error.kind].is_retried)
        return Delivered(0) if letter is None else self.sender.call(letter)

    def _letter(self, batch: Sequence[Delivery], sight: Visibility) -> Letter | None:
        """Make ready what is sent; None when nothing is left to tell."""
        wish = self.contact.wish
        read = partial(_read, self.store, sight)
        if wish.is_topic:
            last = batch[-1]
            said = Notification(
                self.sender.address,
                wish.recipient,
                wish.criteria,
                "event-notification",
                "..".join(dict.fromkeys((batch[0].idempotency_key, last.idempotency_key))),
                last.number,
                content=wish.content,
            )
            body = codec.encode(said.bundle(batch, self.now(), read))
            return self.contact.letter(said.key, body)
        one = batch[0]
        resource = read(one.focus) if wish.mime else {}
        if resource is None:
            return None  # Deleted since.
        return self.contact.plain(one.idempotency_key, one.focus, resource)

    def ended(self, outcome: Outcome, *, is_parked: bool) -> None:
        """Show in the Subscription's status how its receiver does."""
        wish = self.contact.wish
        if wish.status == "error" or not isinstance(outcome, Delivered):
            self.told(self.shard, wish.id, outcome, is_parked)


@dataclass(slots=True)
class Outlets:
    """Finds the outlet of a recipient: a member, ``Subscription/<id>`` or ``Channel/<id>``."""

    store: Store
    sender: Sender
    secret: bytes
    viewer: Viewer
    now: Callable[[], datetime]
    told: Told = _tell_nobody
    native: Native = _no_channel

    def __call__(self, shard: int, recipient: str) -> Outlet | None:
        """Give the outlet; None when the recipient has none (any more)."""
        type_, _, id_ = recipient.rpartition("/")
        if type_ == "Subscription":
            return self._subscription(shard, id_)
        if type_ == "Channel":
            return self._channel(shard, id_)
        member = self.store.registry.member(shard, recipient)
        if member is None or not member.endpoint:
            return None
        secret = endpoint_secret(self.secret, shard, recipient)
        sight = self._sight(member)
        return MemberOutlet(self.store, self.sender, member.endpoint, secret, sight)

    def contact(self, shard: int, owner: str, wish: Subscription) -> Contact:
        """Give the way to a Subscription's receiver."""
        return Contact(wish, endpoint_secret(self.secret, shard, owner))

    def _sight(self, member: Member) -> Visibility:
        """Give what a member may be told of; a notice is part of a documented purpose."""
        return identified(self.viewer(member.shard, member.id), member.roles)

    def _channel(self, shard: int, id_: str) -> Outlet | None:
        found = [one for one in self.store.registry.channels(shard) if one.id == id_]
        member = self.store.registry.member(shard, found[0].member) if found else None
        return None if member is None else self.native(shard, id_, self._sight(member))

    def _subscription(self, shard: int, id_: str) -> Outlet | None:
        everything = Visibility(shard, "", sees_all=True)
        stored = self.store.read(everything, "Subscription", id_)
        if stored is None or stored.is_deleted:
            return None
        resource = codec.decode_stored(stored.body)
        if resource["status"] == "off":  # It may say what it likes: what waits goes on waiting.
            resource = _SILENT | {"id": id_}
        wish = read_subscription(resource)
        sight = self.viewer(shard, stored.owner)
        contact = self.contact(shard, stored.owner, wish)
        return SubscriptionOutlet(
            self.store, self.sender, contact, shard, sight, self.told, self.now
        )


def audited(
    store: Store, sight: Visibility, recipient: str, delivery: Delivery, seen: Seen
) -> None:
    """Write down, before it leaves, what a notice tells of; nothing where it names records only."""
    if seen.resources:
        path, query = f"/{delivery.focus}", f"to={recipient}&topic={delivery.topic}"
        access = Audited(
            sight.shard, "gateway", sight.member, "POST", "notify", path, query, 200, seen=seen
        )
        store.audit.append(access)


def _read(store: Store, sight: Visibility, focus: str) -> Resource | None:
    """Read the record that a notice is about, with the subscriber's rights."""
    type_, _, id_ = focus.partition("/")
    stored = store.read(sight, type_, id_)
    return None if stored is None or stored.is_deleted else codec.decode_stored(stored.body)


def may_see(store: Store, sight: Visibility, delivery: Delivery) -> bool:
    """Say whether what a notice is about can be seen, a deletion too."""
    type_, _, id_ = delivery.focus.partition("/")
    return store.read(sight, type_, id_) is not None
