"""What a Subscription lives through: its handshake, heartbeats, its end, and what delivery says.

The worker asks for a round every second. Receivers are called in threads of their own, so that a
dead one keeps the worker from nothing.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta

from gateway.delivery import Answered, Delivered, Notification, Outcome, Sender
from gateway.delivery.subscription import Subscription, read_subscription
from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.fhir.times import interval
from gateway.interactions import Request
from gateway.outlets import Outlets
from gateway.records import Principal, Resource, Stored, Visibility
from gateway.store import Store
from gateway.telemetry import log

LOG = log("subscriptions")
TYPE = "Subscription"
SETTLING = timedelta(seconds=2)
"""Every process has heard of a Subscription by then; only then is it called active."""
PATIENCE = timedelta(minutes=10)
RETRY = timedelta(seconds=10)
AT_ONCE = 8
Amend = Callable[[Principal, Request], None]
"""Writes one request as a principal."""


class Activation:
    """Keeps the Subscriptions' status true."""

    def __init__(
        self,
        store: Store,
        outlets: Outlets,
        sender: Sender,
        amend: Amend,
        now: Callable[[], datetime],
    ) -> None:
        """Take the parts."""
        self._store, self._outlets, self._sender = store, outlets, sender
        self._amend, self._now = amend, now
        self._turn = store.turn("subscriptions")
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="handshake")
        self._lock = threading.Lock()
        self._calling: set[str] = set()
        self._tried: dict[str, datetime] = {}
        self._heard: dict[str, datetime] = {}

    def round(self, shard: int) -> None:
        """Look after every Subscription of a shard; wait for no receiver.

        Of several workers one does, so that nobody is greeted twice.
        """
        if not self._turn.is_ours():
            return
        everything = Visibility(shard, "", sees_all=True)
        pairs = [("status", "requested,active,error"), ("_count", "1000")]
        query, cursor = self._store.query(shard, (TYPE,), pairs), None
        while True:
            page = self._store.search(everything, query, cursor)
            for stored in page.matches:
                self._look_at(stored)
            if page.next is None:
                return
            cursor = page.next

    def _look_at(self, stored: Stored) -> None:
        resource = codec.decode_stored(stored.body)
        try:
            self._look_after(stored, read_subscription(resource))
        except GatewayError as error:
            if resource["status"] != "error":
                self._set(stored, "error", str(error))

    def close(self) -> None:
        """Let the calls end that are under way."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._turn.close()

    def told(self, shard: int, id_: str, outcome: Outcome, is_parked: bool) -> None:
        """Learn from a delivery: working again, failing, or given up."""
        self._heard[id_] = self._now()
        stored = self._store.read(Visibility(shard, "", sees_all=True), TYPE, id_)
        if stored is None or stored.is_deleted:
            return
        status = codec.decode_stored(stored.body)["status"]
        if isinstance(outcome, Delivered):
            if status == "error":
                self._set(stored, "active", None)
            return
        wanted = "off" if is_parked else "error"
        if status in {"active", "error"} and status != wanted:
            self._set(stored, wanted, str(outcome.error))

    def _look_after(self, stored: Stored, wish: Subscription) -> None:
        now = self._now()
        if wish.end is not None and interval(wish.end)[1] < now.timestamp() * 1_000_000:
            self._set(stored, "off", None)
        elif wish.status == "requested" and now - stored.updated_utc >= SETTLING:
            tried = self._tried.get(wish.id)
            if tried is None or now - tried >= RETRY:
                self._tried[wish.id] = now
                self._begin(wish.id, lambda: self._shake_hands(stored, wish))
        elif wish.status == "active" and wish.is_topic and wish.heartbeat_s:
            heard = self._heard.setdefault(wish.id, now)
            if now - heard >= timedelta(seconds=wish.heartbeat_s):
                self._heard[wish.id] = now
                self._begin(wish.id, lambda: self._call(stored, wish, "heartbeat"))

    def _begin(self, id_: str, call: Callable[[], object]) -> None:
        with self._lock:
            if id_ in self._calling:
                return
            self._calling.add(id_)

        def run() -> None:
            try:
                with suppress(GatewayError):  # Written in between, or the store is away: again.
                    call()
            finally:
                with self._lock:
                    self._calling.discard(id_)

        self._pool.submit(run)

    def _shake_hands(self, stored: Stored, wish: Subscription) -> None:
        """Make it active once the receiver answers; plain criteria have no handshake in R4."""
        outcome = (
            self._call(stored, wish, "handshake")
            if wish.is_topic
            else self._sender.check(wish.endpoint)
        )
        if isinstance(outcome, Delivered):
            self._resume(stored.shard, wish.recipient)
            self._set(stored, "active", None)
        elif outcome.is_permanent or self._now() - stored.updated_utc >= PATIENCE:
            self._set(stored, "error", str(outcome.error))

    def _call(self, stored: Stored, wish: Subscription, kind: str) -> Answered:
        said = Notification(
            self._sender.address,
            wish.recipient,
            wish.criteria,
            "handshake" if kind == "handshake" else "heartbeat",
            f"{wish.recipient}/{kind}/{stored.version}/{self._now().isoformat()}",
            self._store.outbox.last_number(stored.shard, wish.recipient),
            wish.status,
        )
        bundle = said.bundle([], self._now())
        contact = self._outlets.contact(stored.shard, stored.owner, wish)
        return self._sender.call(contact.letter(said.key, codec.encode(bundle)))

    def _resume(self, shard: int, recipient: str) -> None:
        """Send again what was given up, since the receiver asks for it anew."""
        parked = self._store.outbox.search(
            shard, recipient=recipient, status="parked", limit=1_000_000
        )
        for one in parked:
            self._store.outbox.replay(shard, one.pk, self._now())

    def _set(self, stored: Stored, status: str, error: str | None) -> None:
        """Write the status as the gateway's own change, unless somebody wrote in between."""

        def changed(resource: Resource) -> Resource:
            rest = {name: value for name, value in resource.items() if name != "error"}
            return rest | {"status": status} | ({"error": error} if error else {})

        principal = Principal(
            "gateway",
            stored.owner,
            frozenset({"operator"}),
            ("system/*.cruds",),
            Visibility(stored.shard, stored.owner, sees_all=True),
        )
        request = Request("patch", TYPE, stored.id, change=changed, if_match=(str(stored.version),))
        with suppress(GatewayError):  # Somebody wrote it in between: looked at anew next time.
            self._amend(principal, request)
            LOG.info("subscription", subscription=stored.id, status=status)
