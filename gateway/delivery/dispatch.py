"""Which notices go out when: every recipient by itself, its own in order, none waiting for another.

A recipient is served by one thread at a time. One that failed is left alone until its next attempt
is due and then tried in a lane of its own, so that dead peers hold up no thread that others need.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol

from gateway.delivery.backoff import Backoff
from gateway.delivery.sender import Awaited, Delivered, Failed, Outcome
from gateway.errors import GatewayError
from gateway.store import Delivery, Outbox
from gateway.telemetry import DELIVERIES, log

LOG = log("delivery")
BATCH = 20
CLOSED = timedelta(seconds=1)
NOTHING_DUE = timedelta(milliseconds=250)
"""So long a recipient is not asked for whom nothing is due; a new notice waits no longer."""
RENEW_EVERY = timedelta(seconds=10)
SOON = timedelta(minutes=1)
"""What a receiver has been given may wait so long before it counts as failing."""
Recipient = tuple[int, str]


class Outlet(Protocol):
    """The way to one recipient, as it is now: a web hook, a port, a folder."""

    @property
    def most(self) -> int:
        """How many notices it takes at once."""

    @property
    def is_open(self) -> bool:
        """Whether it takes notices now; what waits for a closed one goes on waiting."""

    def permits(self, delivery: Delivery) -> bool:
        """Say whether the recipient may see what the notice is about, by today's rights."""

    def send(self, batch: Sequence[Delivery]) -> Outcome:
        """Send notices that follow each other in one stream; nothing is raised."""

    def ended(self, outcome: Outcome, *, is_parked: bool) -> None:
        """Learn how it ended, whether the notice is given up until someone decides."""


Outlets = Callable[[int, str], Outlet | None]
"""(shard, recipient) → its outlet; None: there is none (any more), what waits is skipped."""


class Dispatcher:
    """Hands each recipient with due notices to a thread; safe to ask again and again."""

    def __init__(
        self,
        outbox: Outbox,
        outlets: Outlets,
        backoff: Backoff,
        now: Callable[[], datetime],
        *,
        at_once: int = 48,
        failed_at_once: int = 16,
    ) -> None:
        """Take the parts, and how many recipients are served at once: well ones, failed ones."""
        self._outbox, self._outlets, self._backoff, self._now = outbox, outlets, backoff, now
        self._well = ThreadPoolExecutor(at_once, thread_name_prefix="delivery")
        self._failed = ThreadPoolExecutor(failed_at_once, thread_name_prefix="retry")
        self._lock = threading.Lock()
        self._busy: set[Recipient] = set()
        self._held: dict[Recipient, datetime] = {}
        self._ill: set[Recipient] = set()
        self._leased: dict[Recipient, tuple[int, ...]] = {}
        self._renewed: datetime | None = None
        self.is_stopping = False

    def dispatch(self, shard: int) -> list[Future[int]]:
        """Begin to serve every recipient that is due and not being served; wait for none."""
        begun = []
        for recipient in self._outbox.recipients(shard):
            key = (shard, recipient)
            with self._lock:
                held = self._held.get(key)
                if key in self._busy or (held is not None and held > self._now()):
                    continue
                self._busy.add(key)
            lane = self._failed if key in self._ill else self._well
            begun.append(lane.submit(self._serve, key))
        return begun

    def renew(self) -> None:
        """Keep what is being sent from being given to another worker."""
        now = self._now()
        if self._renewed is not None and now - self._renewed < RENEW_EVERY:
            return
        self._renewed = now
        with self._lock:
            leased = dict(self._leased)
        for (shard, _), pks in leased.items():
            self._outbox.renew(shard, pks, now)

    def close(self) -> None:
        """Send to its end what is being sent, and give the rest back."""
        self.is_stopping = True
        self._well.shutdown(wait=True, cancel_futures=True)
        self._failed.shutdown(wait=True, cancel_futures=True)

    def _serve(self, key: Recipient) -> int:
        """Send what is due until nothing is left or the recipient fails; give the number ended."""
        count = 0
        try:
            while not self.is_stopping and (leased := self._lease(key)):
                ended, is_well = self._send(key, *leased)
                count += ended
                if not is_well or len(leased[1]) < BATCH:
                    return count  # What comes meanwhile is found by the next round.
            if not count:
                self._held.setdefault(key, self._now() + NOTHING_DUE)
        except GatewayError as error:  # The store is away, or what is registered cannot be read.
            self._held[key] = self._now() + self._backoff.first
            LOG.warning("recipient not served", recipient=key[1], error=error.number)
            raise
        finally:
            with self._lock:
                self._leased.pop(key, None)
                self._busy.discard(key)
        return count

    def _lease(self, key: Recipient) -> tuple[Outlet | None, tuple[Delivery, ...]] | None:
        """Take what is due, with the way to its recipient; None for nothing."""
        shard, recipient = key
        self._held.pop(key, None)
        outlet = self._outlets(shard, recipient)
        if outlet is not None and not outlet.is_open:
            self._held[key] = self._now() + CLOSED
            return None
        skipped = 0

        def permits(delivery: Delivery) -> bool:
            nonlocal skipped
            is_permitted = outlet is not None and outlet.permits(delivery)
            skipped += not is_permitted
            return is_permitted

        batch = self._outbox.lease(shard, self._now(), recipient, limit=BATCH, permits=permits)
        while not batch and skipped:
            DELIVERIES.labels(recipient, "skipped").inc(skipped)
            skipped = 0
            batch = self._outbox.lease(shard, self._now(), recipient, limit=BATCH, permits=permits)
        with self._lock:
            self._leased[key] = tuple(one.pk for one in batch)
        return (outlet, batch) if batch else None

    def _send(
        self, key: Recipient, outlet: Outlet | None, batch: Sequence[Delivery]
    ) -> tuple[int, bool]:
        """Send a batch; after a failure to answer, the others are given back untried."""
        shard, left = key[0], list(batch)
        ended = 0
        while left and outlet is not None and not self.is_stopping:
            if ended and (outlet := self._still(key, left)) is None:
                break
            run = _run(left, outlet.most)
            outcome = outlet.send(run)
            left = left[len(run) :]
            with self._lock:
                self._leased[key] = tuple(one.pk for one in left)
            ended += len(run)
            is_parked = self._keep(key, run, outcome)
            outlet.ended(outcome, is_parked=is_parked)
            if isinstance(outcome, Delivered):
                continue
            if isinstance(outcome, Failed) and not outcome.is_permanent:
                self._release(shard, left)
                return ended, False
            behind = [one for one in left if one.stream == run[0].stream]
            self._release(shard, behind)
            left = [one for one in left if one not in behind]
        self._release(shard, left)
        return ended, bool(ended)

    def _still(self, key: Recipient, left: Sequence[Delivery]) -> Outlet | None:
        """Give the way as it is by now; None when what is left has to be looked at anew."""
        outlet = self._outlets(*key)
        if outlet is None or not outlet.is_open:
            return None
        return outlet if all(map(outlet.permits, left[: outlet.most])) else None

    def _keep(self, key: Recipient, run: Sequence[Delivery], outcome: Outcome) -> bool:
        """Write how an attempt ended; say whether the notices were parked."""
        shard, recipient = key
        now = self._now()
        if isinstance(outcome, Delivered):
            self._outbox.done(shard, [one.pk for one in run], now)
            DELIVERIES.labels(recipient, "done").inc(len(run))
            self._ill.discard(key)
            return False
        first = run[0]
        next_utc = self._next(first, outcome, now)
        error = str(outcome.error)
        self._release(shard, run[1:])
        if next_utc is None:
            self._outbox.park(shard, first.pk, error)
        elif isinstance(outcome, Awaited):
            is_long = now - first.created_utc >= SOON
            self._outbox.await_answer(shard, first.pk, next_utc, error if is_long else None)
            return False
        else:
            self._outbox.fail(shard, first.pk, next_utc, error)
        if isinstance(outcome, Failed) and not outcome.is_permanent:
            self._held[key] = next_utc or now + self._backoff.first
            self._ill.add(key)
        result = "parked" if next_utc is None else "failed"
        DELIVERIES.labels(recipient, result).inc()
        LOG.warning(
            "notice not delivered",
            recipient=recipient,
            topic=first.topic,
            attempts=first.attempts,
            result=result,
            error=outcome.error.number,
        )
        return next_utc is None

    def _next(self, first: Delivery, outcome: Failed | Awaited, now: datetime) -> datetime | None:
        if isinstance(outcome, Awaited):
            is_over = now - first.created_utc >= self._backoff.lifetime
            return None if is_over else now + outcome.again
        if outcome.is_permanent:
            return None
        return self._backoff.next_attempt(
            first.attempts, first.created_utc, now, outcome.retry_after
        )

    def _release(self, shard: int, left: Sequence[Delivery]) -> None:
        if left:
            with suppress(GatewayError):  # The store is away: the lease ends by itself.
                self._outbox.release(shard, [one.pk for one in left])


def _run(left: Sequence[Delivery], most: int) -> list[Delivery]:
    """Take what follows each other in the first notice's stream, as many as go out at once."""
    run = [left[0]]
    for one in left[1:]:
        if len(run) >= most or one.stream != run[0].stream:
            break
        run.append(one)
    return run
