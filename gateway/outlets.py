"""The way to each recipient as it is at the moment of sending: endpoint, secret and rights."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.access import identified
from gateway.delivery import Outcome, Outlet, Sender, endpoint_secret
from gateway.records import Visibility
from gateway.store import Delivery, Store

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
class Outlets:
    """Finds the outlet of a recipient."""

    store: Store
    sender: Sender
    secret: bytes
    viewer: Viewer

    def __call__(self, shard: int, recipient: str) -> Outlet | None:
        """Give the outlet; None when the recipient has none (any more)."""
        member = self.store.registry.member(shard, recipient)
        if member is None or not member.endpoint:
            return None
        secret = endpoint_secret(self.secret, shard, recipient)
        # A notice is a bare reference; reading what it names takes a documented purpose.
        sight = identified(self.viewer(shard, recipient), member.roles)
        return MemberOutlet(self.store, self.sender, member.endpoint, secret, sight)


def may_see(store: Store, sight: Visibility, delivery: Delivery) -> bool:
    """Say whether what a notice is about can be seen, a deletion too."""
    type_, _, id_ = delivery.focus.partition("/")
    return store.read(sight, type_, id_) is not None
