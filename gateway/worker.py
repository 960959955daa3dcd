"""The worker: sends what waits in the outbox, finishes what a crash left, keeps house.

Runs as a thread of the server (the embedded default) or as processes of its own; several at once
share the work by leases. One of the three places that catch: whatever goes wrong with one notice
is written to its row, and the loop goes on.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol

from gateway.access import parse_scopes, visibility
from gateway.delivery import Backoff, Delivered, Failed, Sender, endpoint_secret
from gateway.errors import GatewayError
from gateway.records import Stored, Visibility
from gateway.store import Delivery, Member, Outbox
from gateway.telemetry import DELIVERIES, log, log_bug

LOG = log("worker")
BATCH = 50
IDLE_S = 0.2
RECOVER_EVERY = timedelta(seconds=4)
RENEW_S = 10.0
MAINTAIN_EVERY = timedelta(minutes=10)
ERROR_PAUSE_S = 2.0


class Members(Protocol):
    """Who takes part (``Store.registry``)."""

    def shards(self) -> tuple[int, ...]:
        """Give every shard that holds a tenant."""

    def member(self, shard: int, id_: str) -> Member | None:
        """Give a member."""


class Indexing(Protocol):
    """The tenants' own search parameters (``Store.parameters``)."""

    def work(self, shard: int) -> bool:
        """Do one step of what is to be indexed; False when nothing is left."""


class Holdings(Protocol):
    """The parts of the store that the worker uses."""

    outbox: Outbox

    @property
    def registry(self) -> Members:
        """Who takes part."""

    def read(self, visibility: Visibility, type_: str, id_: str) -> Stored | None:
        """Give the newest version that is visible."""

    @property
    def parameters(self) -> Indexing:
        """What the tenants' own search parameters still need."""


class Worker:
    """One worker; ``run`` until the event is set, or ``step`` by step with an injected clock."""

    def __init__(
        self,
        store: Holdings,
        sender: Sender,
        backoff: Backoff,
        *,
        secret: bytes,
        now: Callable[[], datetime],
        recover: Callable[[], int],
        maintain: Callable[[], None],
        peers_at_once: int = 16,
    ) -> None:
        """Take the parts.

        ``recover`` brings messages to their end that a crash interrupted, ``maintain`` keeps house.
        """
        self._store, self._sender, self._backoff = store, sender, backoff
        self._secret, self._now, self._recover = secret, now, recover
        self._maintain = maintain
        self._pool = ThreadPoolExecutor(peers_at_once, thread_name_prefix="delivery")
        self._recovered: datetime | None = None
        self._maintained: datetime | None = None

    def run(self, stop: threading.Event) -> None:
        """Work until the event is set; what is being sent then is sent to its end."""
        while not stop.is_set():
            try:
                is_busy = self.step()
            except GatewayError as error:
                LOG.warning("worker pauses", error=error.number)
                stop.wait(ERROR_PAUSE_S)
                continue
            except Exception as bug:  # noqa: BLE001 - our own bug: logged, and the other work goes on.
                log_bug(LOG, bug)
                stop.wait(ERROR_PAUSE_S)
                continue
            if not is_busy:
                stop.wait(IDLE_S)
        self.close()

    def close(self) -> None:
        """Send to its end what is being sent, and close the connections."""
        self._pool.shutdown(wait=True)
        self._sender.close()

    def step(self) -> bool:
        """Do what is due now in every shard; say whether there was anything."""
        now = self._now()
        recovered = 0
        if self._recovered is None or now - self._recovered >= RECOVER_EVERY:
            self._recovered = now
            recovered = self._recover()
        shards = self._store.registry.shards()
        sent = sum(self.deliver(shard) for shard in shards)
        indexed = [self._store.parameters.work(shard) for shard in shards]
        if self._maintained is None or now - self._maintained >= MAINTAIN_EVERY:
            self._maintained = now
            self._maintain()
        return bool(sent or recovered or any(indexed))

    def deliver(self, shard: int) -> int:
        """Send the notices that are due; recipients side by side, each one's own in order."""
        leased = self._store.outbox.lease(shard, self._now(), limit=BATCH)
        by_recipient: dict[str, list[Delivery]] = {}
        for one in leased:
            by_recipient.setdefault(one.recipient, []).append(one)
        tasks = [self._pool.submit(self._send_to, batch) for batch in by_recipient.values()]
        while wait(tasks, RENEW_S).not_done:
            with suppress(GatewayError):  # The store is away: the next round renews them.
                self._store.outbox.renew(shard, [one.pk for one in leased], self._now())
        for task in tasks:
            with suppress(GatewayError):  # The store was away: the lease ends by itself.
                task.result()
        return len(leased)

    def _send_to(self, batch: Sequence[Delivery]) -> None:
        """Send one recipient's notices; after it failed to answer, the others wait untried."""
        broken: Failed | None = None
        for delivery in batch:
            member = self._store.registry.member(delivery.shard, delivery.recipient)
            if member is None or not member.endpoint or not self._may_see(member, delivery):
                # Nothing to send to, or nothing it may see (any more): later ones go on.
                self._store.outbox.skip(delivery.shard, delivery.pk, self._now())
                DELIVERIES.labels(delivery.recipient, "skipped").inc()
                continue
            outcome = broken or self._sender.send(
                member.endpoint,
                endpoint_secret(self._secret, delivery.shard, delivery.recipient),
                delivery,
            )
            self._keep(delivery, outcome)
            if isinstance(outcome, Failed) and not outcome.is_permanent:
                broken = outcome

    def _keep(self, delivery: Delivery, outcome: Delivered | Failed) -> None:
        """Write how an attempt ended."""
        outbox, now = self._store.outbox, self._now()
        if isinstance(outcome, Delivered):
            outbox.done(delivery.shard, delivery.pk, now)
            DELIVERIES.labels(delivery.recipient, "done").inc()
            return
        error = str(outcome.error)
        next_utc = None
        if not outcome.is_permanent:
            next_utc = self._backoff.next_attempt(
                delivery.attempts, delivery.created_utc, now, outcome.retry_after
            )
        if next_utc is None:
            outbox.park(delivery.shard, delivery.pk, error)
        else:
            outbox.fail(delivery.shard, delivery.pk, next_utc, error)
        result = "parked" if next_utc is None else "failed"
        DELIVERIES.labels(delivery.recipient, result).inc()
        LOG.warning(
            "notice not delivered",
            recipient=delivery.recipient,
            topic=delivery.topic,
            attempts=delivery.attempts,
            result=result,
            error=outcome.error.number,
        )

    def _may_see(self, member: Member, delivery: Delivery) -> bool:
        """Ask the rights as they are now: a right that was withdrawn stops what is queued."""
        scopes = parse_scopes("system/*.read")
        sight = visibility(delivery.shard, member.id, member.roles, scopes)
        type_, _, id_ = delivery.focus.partition("/")
        return self._store.read(sight, type_, id_) is not None


def start_thread(worker: Worker) -> Callable[[], None]:
    """Run a worker beside the server; the function given back stops it and waits for its end."""
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,), name="worker", daemon=True)
    thread.start()

    def finish() -> None:
        stop.set()
        thread.join()

    return finish
