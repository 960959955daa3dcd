"""Three workers, receivers that fail in every way, workers that die: nothing lost, order kept.

Time is injected; the receivers are scripted, and all chances come from one seed. ``CHAOS_EVENTS``
sets how many events there are (``make soak``: 10,000).
"""

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

import pytest

from gateway.delivery import Backoff, Delivered, Dispatcher, Failed, Outcome
from gateway.errors import GatewayError
from gateway.records import Commit, Notice
from gateway.store import Delivery, Store, Tenant
from tests.unit.delivery.test_worker import Clock

EVENTS = int(os.environ.get("CHAOS_EVENTS", "120"))
SEED = int(os.environ.get("CHAOS_SEED", "7"))
RECIPIENTS = ("well", "down-for-a-day", "flapping", "500-then-200", "closing-amid-the-answer")
STREAMS = 4


@dataclass
class Receiver:
    """Keeps what arrived; an answer that is cut arrived all the same."""

    name: str
    clock: Clock
    random: Random
    arrived: list[Delivery] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    most: int = 1
    is_open: bool = True
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Remember when the test began."""
        self.begun = self.clock.now

    def permits(self, _delivery: Delivery) -> bool:
        return True

    def ended(self, outcome: Outcome, *, is_parked: bool) -> None:
        assert isinstance(outcome, Delivered) or not is_parked

    def send(self, batch: Sequence[Delivery]) -> Outcome:
        (one,) = batch
        with self.lock:
            first_time = one.idempotency_key not in self.seen
            self.seen.add(one.idempotency_key)
            if self._is_down(is_first=first_time):
                return self._failed()
            self.arrived.append(one)
            if self.name == "closing-amid-the-answer" and self.random.random() < 0.2:
                return self._failed()
            return Delivered(200)

    def _is_down(self, *, is_first: bool) -> bool:
        match self.name:
            case "down-for-a-day":
                return self.clock.now - self.begun < timedelta(days=1)
            case "flapping":
                return self.random.random() < 0.3
            case "500-then-200":
                return is_first
        return False

    def _failed(self) -> Outcome:
        return Failed(GatewayError("GW-6104", host=self.name, cause="x"), is_permanent=False)


@pytest.mark.timeout(3600)
def test_every_event_arrives_at_least_once_in_order_under_one_key(store: Store) -> None:
    store.registry.add_tenant(Tenant("qingshan", "青山县医共体", 1))
    clock, random = Clock(), Random(SEED)
    receivers = {name: Receiver(name, clock, random) for name in RECIPIENTS}
    sent: dict[tuple[str, str], list[str]] = {}
    notices = []
    for number in range(EVENTS):
        to, stream = random.choice(RECIPIENTS), f"ServiceRequest/{random.randrange(STREAMS)}"
        key = f"{to}/{stream}/{number}"
        sent.setdefault((to, stream), []).append(key)
        notices.append(Notice(to, "t", stream, stream, key))
    for notice in notices:
        store.commit(Commit(1, (), notices=(notice,)))
    clock.now += timedelta(seconds=30)
    workers = [
        Dispatcher(store.outbox, lambda _, name: receivers[name], Backoff(random.random), clock)
        for _ in range(3)
    ]
    rounds = 0
    while store.outbox.recipients(1):
        rounds += 1
        assert rounds < 50 * EVENTS
        if rounds % 5 == 0:  # A worker took these and was never heard of again.
            store.outbox.lease(1, clock.now, random.choice(RECIPIENTS), limit=3)
        begun = [task for worker in workers for task in worker.dispatch(1)]
        for task in begun:
            task.result()
        clock.now += timedelta(seconds=40)
    for worker in workers:
        worker.close()
    assert store.outbox.counts(1) == {"done": EVENTS}
    for (to, stream), keys in sent.items():
        arrived = [one for one in receivers[to].arrived if one.stream == stream]
        first = list(dict.fromkeys(one.idempotency_key for one in arrived))
        assert first == keys
        numbers = {one.idempotency_key: one.number for one in arrived}
        assert [numbers[key] for key in keys] == list(range(1, len(keys) + 1))
    doubled = [one.idempotency_key for one in receivers["closing-amid-the-answer"].arrived]
    assert len(doubled) > len(set(doubled))
