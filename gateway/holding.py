"""The messages that this process has in work: nobody else takes them while it lives.

A message is leased for seconds, and a thread renews the leases of what is still in work; so what a
killed process held is given out to another within seconds, however long a whole file may take.
"""

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol

from gateway.errors import GatewayError
from gateway.telemetry import log

BEAT_S = 3.0
LOG = log("holding")
Key = tuple[int, str]


class Leases(Protocol):
    """The part of the journal that keeps who may work on what (``Journal.leases``)."""

    def renew(self, keys: Collection[Key], now: datetime) -> None:
        """Keep the (shard, message id) leased."""

    def give_back(self, keys: Collection[Key], now: datetime) -> None:
        """Let anybody take them now; the runs that gave up count as none."""


class Holding:
    """What is in work here, and what was given up while the store was away."""

    def __init__(self, leases: Leases, now: Callable[[], datetime]) -> None:
        self._leases, self._now = leases, now
        self._lock = threading.Lock()
        self._held: set[Key] = set()
        self._left: set[Key] = set()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def take(self, shard: int, message_id: str) -> None:
        """Begin to hold a message that is leased to this process."""
        with self._lock:
            self._held.add((shard, message_id))
            if self._thread is None:
                self._thread = threading.Thread(target=self._beat, name="leases", daemon=True)
                self._thread.start()

    def end(self, shard: int, message_id: str) -> None:
        """Hold a message no longer: it has come to its end."""
        with self._lock:
            self._held.discard((shard, message_id))

    def leave(self, shard: int, message_id: str) -> None:
        """Give a message up unended; anybody may take it as soon as the store answers."""
        with self._lock:
            if (shard, message_id) in self._held:
                self._held.discard((shard, message_id))
                self._left.add((shard, message_id))

    @contextmanager
    def unless_refused(self, shard: int, message_id: str) -> Iterator[None]:
        """Leave a message when the store refuses its end within the block."""
        try:
            yield
        except GatewayError:
            self.leave(shard, message_id)
            raise

    def close(self) -> None:
        """Give back what was not ended."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            self._left |= self._held
            self._held.clear()
        self.beat()

    def beat(self) -> None:
        """Renew what is held and give back what is left; what fails is done with the next beat."""
        with self._lock:
            held, left = frozenset(self._held), frozenset(self._left)
        try:
            if held:
                self._leases.renew(held, self._now())
            if left:
                self._leases.give_back(left, self._now())
        except GatewayError as error:
            LOG.warning("leases not renewed", error=error.number, messages=len(held | left))
            return
        with self._lock:
            self._left -= left

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_S):
            self.beat()
