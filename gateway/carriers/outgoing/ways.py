"""The ways by which a native record reaches its receiver, each with its own acknowledgement."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.carriers.outgoing.folder import FolderWay
from gateway.carriers.outgoing.mllp import MLLPWay
from gateway.carriers.outgoing.native import Native
from gateway.carriers.outgoing.options import Folder, Port, Post, Push
from gateway.carriers.outgoing.post import PostWay
from gateway.carriers.outgoing.row import RowWay
from gateway.delivery import AddressGuard, Outcome, Sender


class HandOver(Protocol):
    """One way to one receiver."""

    def hand(self, key: str, make: Callable[[], Native]) -> Outcome:
        """Hand a record over, or ask what became of it; ``make`` is called when it is needed.

        Raises what ``make`` raises.
        """


@dataclass(frozen=True, slots=True)
class Ways:
    """Gives the way that a channel names."""

    sender: Sender
    guard: AddressGuard

    def of(self, push: Push, secret: bytes) -> HandOver:
        """Give it; ``secret`` signs what goes over HTTP. Raises GW-1051 for no such database."""
        match push.way:
            case Post():
                return PostWay(push.way, self.sender, secret)
            case Port():
                return MLLPWay(push.way, self.guard)
            case Folder():
                return FolderWay(push.way)
            case _:
                return RowWay(push.way)
