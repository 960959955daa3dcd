"""The worker: sends what waits in the outbox, finishes what a crash left, keeps house.

Runs as a thread of the server (the embedded default) or as processes of its own; several at once
share the work by leases. One of the few places that catch: whatever goes wrong with one notice
is written to its row, and the loop goes on.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol

from gateway.delivery import Dispatcher
from gateway.errors import GatewayError
from gateway.telemetry import log, log_bug

LOG = log("worker")
IDLE_S = 0.2
BUSY_S = 0.05
CHORES_EVERY = timedelta(seconds=1)
RECOVER_EVERY = timedelta(seconds=4)
MAINTAIN_EVERY = timedelta(minutes=10)
ERROR_PAUSE_S = 2.0


class Shards(Protocol):
    """Who takes part (``Store.registry``)."""

    def shards(self) -> tuple[int, ...]:
        """Give every shard that holds a tenant."""


class Indexing(Protocol):
    """The tenants' own search parameters (``Store.parameters``)."""

    def work(self, shard: int) -> bool:
        """Do one step of what is to be indexed; False when nothing is left."""


class Holdings(Protocol):
    """The parts of the store that the worker uses."""

    @property
    def registry(self) -> Shards:
        """Who takes part."""

    @property
    def parameters(self) -> Indexing:
        """What the tenants' own search parameters still need."""


class Chore(Protocol):
    """What is looked after every second."""

    def round(self, shard: int) -> None:
        """Look after a shard; wait for no receiver."""

    def close(self) -> None:
        """Let end what is under way."""


class Worker:
    """One worker; ``run`` until the event is set, or ``step`` by step with an injected clock."""

    def __init__(
        self,
        store: Holdings,
        dispatcher: Dispatcher,
        *,
        now: Callable[[], datetime],
        recover: Callable[[], int],
        maintain: Callable[[], None],
        chores: Sequence[Chore] = (),
    ) -> None:
        """Take the parts.

        ``recover`` brings messages to their end that a crash interrupted, ``maintain`` keeps house,
        ``chores`` are done for each shard every second.
        """
        self._store, self._dispatcher = store, dispatcher
        self._now, self._recover, self._maintain = now, recover, maintain
        self._chores = tuple(chores)
        self._sending: list[Future[int]] = []
        self._recovered: datetime | None = None
        self._maintained: datetime | None = None
        self._chored: datetime | None = None
        self._is_indexing = False

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
            stop.wait(BUSY_S if is_busy else IDLE_S)
        self.close()

    def close(self) -> None:
        """Send to its end what is being sent."""
        for chore in self._chores:
            chore.close()
        self._dispatcher.close()

    def step(self) -> bool:
        """Begin what is due now in every shard, waiting for no receiver; say whether there was."""
        now = self._now()
        recovered = 0
        if self._recovered is None or now - self._recovered >= RECOVER_EVERY:
            self._recovered = now
            recovered = self._recover()
        shards = self._store.registry.shards()
        self._reap()
        begun = [task for shard in shards for task in self._dispatcher.dispatch(shard)]
        self._sending += begun
        self._dispatcher.renew()
        is_time = self._chored is None or now - self._chored >= CHORES_EVERY
        if is_time:
            self._chored = now
            for chore in self._chores:
                for shard in shards:
                    chore.round(shard)
        if is_time or self._is_indexing:
            indexed = [self._store.parameters.work(shard) for shard in shards]
            self._is_indexing = any(indexed)
        if self._maintained is None or now - self._maintained >= MAINTAIN_EVERY:
            self._maintained = now
            self._maintain()
        return bool(begun or recovered or self._is_indexing)

    def deliver(self, shard: int) -> int:
        """Send the notices that are due and wait for the end; give how many were tried."""
        return sum(task.result() for task in self._dispatcher.dispatch(shard))

    def _reap(self) -> None:
        """Hear what became of the tasks; what the store did not take comes again."""
        ended = [task for task in self._sending if task.done()]
        self._sending = [task for task in self._sending if not task.done()]
        for task in ended:
            with suppress(GatewayError):  # The store was away: the lease ends by itself.
                task.result()


def start_thread(worker: Worker) -> Callable[[], None]:
    """Run a worker beside the server; the function given back stops it and waits for its end."""
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,), name="worker", daemon=True)
    thread.start()

    def finish() -> None:
        stop.set()
        thread.join()

    return finish
