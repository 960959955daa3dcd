"""Who is served when: rights that end meanwhile, a stop amid a batch, recipients that cannot be."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from gateway.delivery import Awaited, Backoff, Delivered, Dispatcher, Outcome
from gateway.delivery.dispatch import Outlet
from gateway.errors import GatewayError
from gateway.records import Commit, Notice
from gateway.store import Delivery, Store, Tenant
from tests.unit.delivery.test_worker import Clock, states


@dataclass
class Receiver:
    """Takes what it is sent, unless ``act`` says otherwise."""

    act: Callable[[Delivery], Outcome | None] = lambda _: None
    forbidden: set[str] = field(default_factory=set)
    sent: list[str] = field(default_factory=list)
    most: int = 1
    is_open: bool = True

    def permits(self, delivery: Delivery) -> bool:
        return delivery.idempotency_key not in self.forbidden

    def send(self, batch: Sequence[Delivery]) -> Outcome:
        self.sent += [one.idempotency_key for one in batch]
        return self.act(batch[0]) or Delivered(200)

    def ended(self, outcome: Outcome, *, is_parked: bool) -> None:
        """Keep nothing."""


def queue(store: Store, *keys: str, to: str = "a") -> None:
    for key in keys:
        store.commit(Commit(1, (), notices=(Notice(to, "t", "Task/1", "stream", key),)))


@pytest.fixture
def clock(store: Store) -> Clock:
    store.registry.add_tenant(Tenant("qingshan", "青山县医共体", 1))
    return Clock()


@pytest.fixture
def dispatchers() -> Iterator[list[Dispatcher]]:
    made: list[Dispatcher] = []
    yield made
    for one in made:
        one.close()


def dispatcher(
    store: Store, clock: Clock, made: list[Dispatcher], find: Callable[[int, str], Outlet | None]
) -> Dispatcher:
    made.append(Dispatcher(store.outbox, find, Backoff(lambda: 0.5), clock))
    return made[-1]


def test_a_right_that_ends_while_an_earlier_notice_is_sent_stops_the_next(
    store: Store, clock: Clock, dispatchers: list[Dispatcher]
) -> None:
    receiver = Receiver()
    receiver.act = lambda _: receiver.forbidden.add("2")
    queue(store, "1", "2", "3")
    one = dispatcher(store, clock, dispatchers, lambda *_: receiver)
    while any(task.result() for task in one.dispatch(1)):
        pass
    assert receiver.sent == ["1", "3"]
    assert states(store) == {"1": "done", "2": "skipped", "3": "done"}


def test_a_stop_lets_end_what_is_being_sent_and_gives_the_rest_back_untried(
    store: Store, clock: Clock, dispatchers: list[Dispatcher]
) -> None:
    begun, released = threading.Event(), threading.Event()

    def act(_: Delivery) -> Outcome | None:
        begun.set()
        released.wait()
        return None

    receiver = Receiver(act)
    queue(store, "1", "2", "3")
    first = dispatcher(store, clock, dispatchers, lambda *_: receiver)
    first.dispatch(1)
    begun.wait()
    stopping = threading.Thread(target=first.close)
    stopping.start()
    while not first.is_stopping:
        released.wait(0.005)
    released.set()
    stopping.join()
    assert states(store) == {"1": "done", "2": "waiting", "3": "waiting"}
    assert [one.attempts for one in store.outbox.search(1)] == [0, 0, 1]
    second = dispatcher(store, clock, dispatchers, lambda *_: receiver)
    assert sum(task.result() for task in second.dispatch(1)) == 2
    assert receiver.sent == ["1", "2", "3"]


def test_a_recipient_that_cannot_be_looked_up_keeps_no_other_waiting_and_is_tried_again(
    store: Store, clock: Clock, dispatchers: list[Dispatcher]
) -> None:
    receiver, broken = Receiver(), [True]

    def find(_shard: int, name: str) -> Outlet:
        if name == "b" and broken[0]:
            raise GatewayError("GW-8012", member=name)
        return receiver

    queue(store, "1", to="b")
    queue(store, "2")
    one = dispatcher(store, clock, dispatchers, find)
    failed = [task.exception() for task in one.dispatch(1)]
    assert sorted(type(error).__name__ for error in failed) == ["GatewayError", "NoneType"]
    assert receiver.sent == ["2"]
    assert one.dispatch(1) == []
    broken[0] = False
    clock.now += timedelta(minutes=1)
    assert sum(task.result() for task in one.dispatch(1)) == 1
    assert receiver.sent == ["2", "1"]


def test_what_another_worker_delivered_is_not_parked_by_a_slow_one(store: Store) -> None:
    store.registry.add_tenant(Tenant("qingshan", "青山县医共体", 1))
    clock = Clock()
    queue(store, "1")
    (slow,) = store.outbox.lease(1, clock.now, "a")
    store.outbox.done(1, [slow.pk], clock.now)
    store.outbox.park(1, slow.pk, "x")
    store.outbox.fail(1, slow.pk, clock.now, "x")
    (found,) = store.outbox.search(1)
    assert (found.status, found.last_error) == ("done", None)


def test_what_a_receiver_was_given_costs_no_attempt_and_is_parked_after_three_days(
    store: Store, clock: Clock, dispatchers: list[Dispatcher]
) -> None:
    error = GatewayError("GW-6122", place="x")
    receiver = Receiver(lambda _: Awaited(error))
    queue(store, "1", "2")
    one = dispatcher(store, clock, dispatchers, lambda *_: receiver)
    for _ in range(4):
        for task in one.dispatch(1):
            task.result()
        clock.now += timedelta(seconds=3)
    assert receiver.sent == ["1"] * 4
    assert [found.attempts for found in store.outbox.search(1)] == [0, 0]
    clock.now += timedelta(days=3)
    for task in one.dispatch(1):
        task.result()
    assert states(store) == {"1": "parked", "2": "waiting"}
