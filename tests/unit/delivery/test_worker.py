"""The worker over a real store: order, retries, parking, rights at the time of sending."""

import ipaddress
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.access import Access
from gateway.cli.deliveries import deliveries
from gateway.delivery import AddressGuard, Backoff, Dispatcher, Sender
from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.outlets import Outlets
from gateway.records import Change, Commit, Notice
from gateway.store import Delivery, Member, Store, Tenant
from gateway.worker import Worker, start_thread
from tests.support.peer import Peer, serve

FHIR = "https://gateway.test/fhir"


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        """Start a minute after the store's own clock, which stamps what it writes."""
        self.now = datetime.now(UTC) + timedelta(minutes=1)

    def __call__(self) -> datetime:
        """Give the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    one = Store.open("sqlite:///gateway.db", data_dir=tmp_path)
    one.upgrade()
    one.registry.add_tenant(Tenant("qingshan", "青山县医共体", 1))
    yield one
    one.close()


@pytest.fixture
def worker(store: Store, clock: Clock) -> Iterator[Worker]:
    one = make_worker(store, clock)
    yield one
    one.close()


def make_worker(store: Store, clock: Clock) -> Worker:
    guard = AddressGuard([ipaddress.ip_network("127.0.0.0/8")])
    sender = Sender(guard, FHIR, clock, timeouts_s=(1.0, 0.3))
    return Worker(
        store,
        dispatcher(store, sender, clock),
        now=clock,
        recover=lambda: 0,
        maintain=lambda: None,
    )


def dispatcher(store: Store, sender: Sender, clock: Clock) -> Dispatcher:
    viewer = Access(b"secret", store.registry, store.credentials, clock).viewer
    outlets = Outlets(store, sender, b"secret", viewer, clock)
    return Dispatcher(store.outbox, outlets, Backoff(lambda: 0.5), clock)


@pytest.fixture
def peer() -> Iterator[Peer]:
    with serve(Peer()) as one:
        yield one


def join(store: Store, id_: str, url: str | None) -> None:
    store.registry.add_member(Member(1, id_, id_, ("hospital",), endpoint=url))


def queue(
    store: Store, *keys: str, recipient: str = "qs-county", parties: tuple[str, ...] | None = None
) -> None:
    """Write a referral that names the recipient, and notices about it."""
    for key in keys:
        id_ = f"up-{key}"
        resource = {"resourceType": "ServiceRequest", "id": id_, "status": "active"}
        change = Change(
            "ServiceRequest", id_, resource, (), "qs-township", None, 4,
            (recipient,) if parties is None else parties,
        )  # fmt: skip
        notice = Notice(recipient, "referral-received", f"ServiceRequest/{id_}", "stream", key)
        store.commit(Commit(1, (change,), notices=(notice,)))


def states(store: Store) -> dict[str, str]:
    return {one.idempotency_key: one.status for one in store.outbox.search(1)}


def one(store: Store, key: str) -> Delivery:
    (found,) = [one for one in store.outbox.search(1) if one.idempotency_key == key]
    return found


def drain(worker: Worker) -> None:
    while worker.deliver(1):
        pass


def test_notices_of_a_stream_arrive_in_order_and_numbered(
    store: Store, worker: Worker, peer: Peer
) -> None:
    join(store, "qs-county", peer.url)
    queue(store, "a", "b", "c")
    drain(worker)
    assert [one.headers["Idempotency-Key"] for one in peer.received] == ["a", "b", "c"]
    numbers = [
        codec.decode(one.body)["entry"][0]["resource"]["parameter"][4]["valueString"]
        for one in peer.received
    ]
    assert numbers == ["1", "2", "3"]
    assert set(states(store).values()) == {"done"}


def test_a_failed_notice_is_sent_again_later_under_its_key_and_holds_the_next_back(
    store: Store, worker: Worker, peer: Peer, clock: Clock
) -> None:
    join(store, "qs-county", peer.url)
    peer.script = [500, "close", 200]
    queue(store, "a", "b")
    drain(worker)
    assert states(store) == {"a": "waiting", "b": "waiting"}
    assert "GW-6105" in (one(store, "a").last_error or "")
    for _ in range(2):
        clock.now += timedelta(minutes=1)
        drain(worker)
    assert [one.headers["Idempotency-Key"] for one in peer.received] == ["a", "a", "a", "b"]
    assert states(store) == {"a": "done", "b": "done"}


def test_a_day_of_silence_loses_nothing(
    store: Store, worker: Worker, peer: Peer, clock: Clock
) -> None:
    join(store, "qs-county", peer.url)
    peer.script = [503]
    queue(store, "a", "b")
    for _ in range(24):
        drain(worker)
        clock.now += timedelta(hours=1)
    peer.script = [200]
    drain(worker)
    assert states(store) == {"a": "done", "b": "done"}


def test_after_three_days_a_notice_is_parked_and_holds_back_the_stream_until_decided(
    store: Store, worker: Worker, peer: Peer, clock: Clock
) -> None:
    join(store, "qs-county", peer.url)
    peer.script = [503]
    queue(store, "a")
    clock.now += timedelta(days=3)
    queue(store, "b")
    drain(worker)
    assert states(store) == {"a": "parked", "b": "waiting"}
    peer.script = [200]
    store.outbox.replay(1, one(store, "a").pk, clock.now)
    clock.now += timedelta(minutes=1)
    drain(worker)
    assert states(store) == {"a": "done", "b": "done"}


def test_a_permanent_refusal_is_parked_at_once(store: Store, worker: Worker, peer: Peer) -> None:
    join(store, "qs-county", peer.url)
    peer.script = [410]
    queue(store, "a")
    drain(worker)
    assert states(store) == {"a": "parked"}
    assert "410" in (one(store, "a").last_error or "")


def test_a_dead_peer_does_not_keep_others_from_their_notices(
    store: Store, worker: Worker, peer: Peer
) -> None:
    with serve(Peer(["hang"])) as dead:
        join(store, "qs-county", peer.url)
        join(store, "lj-city", dead.url)
        queue(store, "dead", recipient="lj-city")
        queue(store, "live")
        drain(worker)
        assert states(store) == {"dead": "waiting", "live": "done"}


def test_the_notices_of_others_arrive_while_dead_peers_are_still_being_waited_for(
    store: Store, clock: Clock, peer: Peer
) -> None:
    guard = AddressGuard([ipaddress.ip_network("127.0.0.0/8")])
    sender = Sender(guard, FHIR, clock, timeouts_s=(30.0, 30.0))
    worker = Worker(
        store,
        dispatcher(store, sender, clock),
        now=clock,
        recover=lambda: 0,
        maintain=lambda: None,
    )
    with serve(Peer(["hang"])) as dead:
        for name in ("dead-1", "dead-2", "dead-3"):
            join(store, name, dead.url + "/" + name)
            queue(store, name, recipient=name)
        join(store, "qs-county", peer.url)
        for key in ("a", "b", "c"):
            queue(store, key)
            worker.step()
            while states(store)[key] != "done":
                dead.released.wait(0.01)
        assert len(dead.received) <= 3
        assert {states(store)[name] for name in ("dead-1", "dead-2", "dead-3")} == {"waiting"}
        dead.released.set()
        worker.close()


def test_a_failed_recipient_is_left_alone_and_costs_the_others_no_attempt(
    store: Store, worker: Worker, peer: Peer, clock: Clock
) -> None:
    join(store, "qs-county", peer.url)
    peer.script = [503]
    for number in range(30):
        key = f"k{number}"
        queue(store, key)
    drain(worker)
    clock.now += timedelta(minutes=1)
    drain(worker)
    assert len(peer.received) == 2
    assert sum(one.attempts for one in store.outbox.search(1)) == 2
    peer.script = [200]
    clock.now += timedelta(minutes=1)
    drain(worker)
    assert set(states(store).values()) == {"done"}
    keys = [one.headers["Idempotency-Key"] for one in peer.received[2:]]
    assert keys == [f"k{number}" for number in range(30)]


def test_after_one_failure_the_other_notices_of_the_peer_are_not_tried_in_the_same_round(
    store: Store, worker: Worker, peer: Peer
) -> None:
    join(store, "qs-county", peer.url)
    peer.script = [500]
    for key in ("a", "b"):
        queue(store, key)
        store.commit(
            Commit(
                1,
                (),
                notices=(Notice("qs-county", "t", f"ServiceRequest/up-{key}", key, f"x{key}"),),
            )
        )
    worker.deliver(1)
    assert len(peer.received) == 1
    assert set(states(store).values()) == {"waiting"}


def test_a_right_that_was_withdrawn_stops_what_is_queued(
    store: Store, worker: Worker, peer: Peer
) -> None:
    join(store, "qs-county", peer.url)
    queue(store, "a", parties=())
    queue(store, "b")
    drain(worker)
    assert states(store) == {"a": "skipped", "b": "done"}
    assert len(peer.received) == 1


def test_a_member_without_an_address_is_left_in_peace(store: Store, worker: Worker) -> None:
    join(store, "qs-county", None)
    queue(store, "a")
    drain(worker)
    assert states(store) == {"a": "skipped"}


def test_a_worker_that_died_gives_its_lease_back(store: Store, clock: Clock, peer: Peer) -> None:
    join(store, "qs-county", peer.url)
    queue(store, "a")
    assert (
        len(store.outbox.lease(1, clock.now, "qs-county")) == 1
    )  # This worker is never heard of again.
    second = make_worker(store, clock)
    assert second.deliver(1) == 0
    clock.now += timedelta(minutes=5)
    drain(second)
    second.close()
    assert states(store) == {"a": "done"}


def test_the_thread_delivers_what_comes_and_stops_when_told(
    store: Store, peer: Peer, tmp_path: Path
) -> None:
    recovered = threading.Event()

    def recover() -> int:
        recovered.set()
        return 0

    guard = AddressGuard([ipaddress.ip_network("127.0.0.0/8")])
    sender = Sender(guard, FHIR, lambda: datetime.now(UTC))
    clock = Clock()
    worker = Worker(
        store,
        dispatcher(store, sender, clock),
        now=clock,
        recover=recover,
        maintain=lambda: None,
    )
    join(store, "qs-county", peer.url)
    finish = start_thread(worker)
    queue(store, "a")
    while states(store) != {"a": "done"}:
        recovered.wait(0.01)
    finish()
    assert recovered.is_set()
    assert len(peer.received) == 1


def test_the_command_line_shows_why_a_notice_waits_and_lets_it_go_again(
    store: Store, worker: Worker, peer: Peer, tmp_path: Path
) -> None:
    join(store, "qs-county", peer.url)
    peer.script = [410, 200]
    queue(store, "a")
    drain(worker)
    database = ["--database", f"sqlite:///{tmp_path / 'gateway.db'}", "--data-dir", str(tmp_path)]
    runner = CliRunner()
    number = str(one(store, "a").pk)
    shown = runner.invoke(deliveries, ["show", *database, number])
    assert "410" in shown.output
    assert "parked" in runner.invoke(deliveries, ["list", *database]).output
    assert runner.invoke(deliveries, ["replay", *database, "--parked"]).exit_code == 0
    drain(worker)
    assert states(store) == {"a": "done"}
    assert "1" in runner.invoke(deliveries, ["skip", *database, number]).output
    assert states(store) == {"a": "done"}
    missing = runner.invoke(deliveries, ["show", *database, "7"])
    assert isinstance(missing.exception, GatewayError)
