"""Which Subscriptions a write concerns: its changes against compiled criteria, in memory.

No Subscription costs a query of its own: those of a shard are kept compiled and read anew when one
was written here, or after ``REFRESH_S`` because another process may have written one. That is
shorter than the time before a Subscription becomes active, so none in force is overlooked.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Protocol
from urllib.parse import parse_qsl

from gateway.delivery.subscription import Subscription, read_subscription
from gateway.errors import GatewayError
from gateway.fhir.definitions import load
from gateway.fhir.matching import can_match, matches
from gateway.fhir.search_model import Criterion
from gateway.fhir.search_query import parse_query
from gateway.records import Change, Channel, Notice, Resource, Visibility
from gateway.subscriptions.pushing import Pushing
from gateway.subscriptions.topics import BY_URL, Topic

TYPE = "Subscription"
REFRESH_S = 1.0
IN_FORCE = ("requested", "active", "error")
Owned = tuple[str, Resource]
"""(owner, Subscription)"""


@dataclass(frozen=True, slots=True)
class Wish:
    """One type that a Subscription watches, and what a resource of it has to fulfil."""

    type: str
    conditions: tuple[Criterion, ...]


@dataclass(frozen=True, slots=True)
class Watch:
    """A Subscription, compiled."""

    subscription: Subscription
    sight: Visibility
    wishes: tuple[Wish, ...]
    topic: Topic | None = None

    def concerns(self, change: Change, previous: Resource | None) -> bool:
        """Say whether the change is one that the subscriber waits for and might see.

        Relations to a person are asked when the notice is sent, with the rights of that moment.
        """
        if change.resource is None or not _might_see(self.sight, change):
            return False
        resource = change.resource
        wishes = [one for one in self.wishes if one.type == change.type]
        is_wanted = any(
            all(matches(condition, resource, change.index) for condition in wish.conditions)
            for wish in wishes
        )
        return is_wanted and (self.topic is None or self.topic.fires(resource, previous))


class Viewer(Protocol):
    """What a member may see (``Access.viewer``)."""

    def __call__(self, shard: int, member: str, /) -> Visibility:
        """Give it; raises GW-8012 for no member."""


class Watches:
    """The Subscriptions in force of every shard."""

    def __init__(
        self,
        stored: Callable[[int], Iterable[Owned]],
        viewer: Viewer,
        clock_s: Callable[[], float],
        channels: Callable[[], Iterable[Channel]] = tuple,
    ) -> None:
        """Take what gives a shard's Subscriptions, the rights, and a clock that never goes back.

        ``channels`` gives those that may push to a member in its own format.
        """
        self._pushing = Pushing(channels, clock_s)
        self._stored, self._viewer, self._clock_s = stored, viewer, clock_s
        self._lock = Lock()
        self._known: dict[int, tuple[float, dict[str, list[Watch]]]] = {}

    def notices(
        self, shard: int, changes: Sequence[Change], previous: Mapping[str, Resource | None]
    ) -> list[Notice]:
        """Give the notices of a write; one key for one version, however often it is tried."""
        for change in changes:
            if change.type == TYPE and change.resource is not None:
                self._demand_watchable(shard, change, previous.get(f"{TYPE}/{change.id}"))
        notices = []
        known = self._of(shard)
        for change in changes:
            for watch in known.get(change.type, ()):
                focus = f"{change.type}/{change.id}"
                if watch.concerns(change, previous.get(focus)):
                    recipient = watch.subscription.recipient
                    topic = watch.topic.name if watch.topic else "criteria"
                    key = f"{recipient}/{focus}/{(change.expected_version or 0) + 1}"
                    notices.append(Notice(recipient, topic, focus, recipient, key))
        return notices

    def copies(self, shard: int, notices: Iterable[Notice]) -> list[Notice]:
        """Give the notices that also go to channels of their members."""
        return self._pushing.copies(shard, notices)

    def _demand_watchable(self, shard: int, change: Change, before: Resource | None) -> None:
        """Raise unless the Subscription can be done; one that is off may say what it likes."""
        resource = change.resource or {}
        if before is None and resource["status"] not in {"requested", "off"}:
            raise GatewayError("GW-6304", expression="Subscription.status")
        if resource["status"] in IN_FORCE:
            compile_watch(resource, self._viewer(shard, change.owner))

    def committed(self, shard: int, types: Iterable[str]) -> None:
        """Learn that resources of these types were written or deleted."""
        if TYPE in types:
            with self._lock:
                self._known.pop(shard, None)

    def _of(self, shard: int) -> dict[str, list[Watch]]:
        now_s = self._clock_s()
        known = self._known.get(shard)
        if known is not None and now_s - known[0] < REFRESH_S:
            return known[1]
        by_type: dict[str, list[Watch]] = {}
        for owner, resource in self._stored(shard):
            watch = self._compiled(shard, owner, resource)
            for type_ in {wish.type for wish in watch.wishes} if watch else ():
                by_type.setdefault(type_, []).append(watch)  # type: ignore[arg-type]
        with self._lock:
            self._known[shard] = (now_s, by_type)
        return by_type

    def _compiled(self, shard: int, owner: str, resource: Resource) -> Watch | None:
        try:
            return compile_watch(resource, self._viewer(shard, owner))
        except GatewayError:
            return None  # Written before its criteria could be refused, or its member has left.


def compile_watch(resource: Resource, sight: Visibility) -> Watch:
    """Compile a Subscription; raise GW-6301 to GW-6303 for what cannot be watched."""
    subscription = read_subscription(resource)
    if not subscription.is_topic:
        return Watch(subscription, sight, (_wish(subscription.criteria, "criteria"),))
    topic = BY_URL.get(subscription.criteria)
    if topic is None:
        raise GatewayError(
            "GW-6302",
            topic=subscription.criteria[:200],
            known=", ".join(BY_URL),
            expression="Subscription.criteria",
        )
    wishes = tuple(_wish(text, "criteria.extension") for text in subscription.filters)
    for wish in wishes:
        if wish.type != topic.type:
            raise _refused("criteria.extension", f"{topic.type}?…")
    narrowed = tuple(condition for wish in wishes for condition in wish.conditions)
    return Watch(subscription, sight, (Wish(topic.type, narrowed),), topic)


def _wish(criteria: str, element: str) -> Wish:
    type_, _, query = criteria.partition("?")
    if type_ not in load().resource_types:
        raise _refused(element, "Type?parameter=value")
    pairs = parse_qsl(query, keep_blank_values=True)
    conditions = parse_query(load(), (type_,), pairs, "strict").conditions
    known = [one for one in conditions if isinstance(one, Criterion) and can_match(one)]
    if len(known) != len(conditions):
        raise GatewayError("GW-6303", expression=f"Subscription.{element}")
    return Wish(type_, tuple(known))


def _might_see(sight: Visibility, change: Change) -> bool:
    if sight.types is not None and change.type not in sight.types:
        return False
    return (
        sight.sees_all
        or change.owner == sight.member
        or bool(change.classes & sight.classes)
        or sight.member in change.parties
        or change.person is not None
    )


def _refused(element: str, allowed: str) -> GatewayError:
    return GatewayError(
        "GW-6301", element=element, allowed=allowed, expression=f"Subscription.{element}"
    )
