"""Marks what is past its time limit: the worker's round over the tasks of referrals.

A task carries until when its next step is due (``Task.restriction.period.end``); the round finds
by that index what has passed since the last one, and marks it. The mark is the task's own, so two
workers, or a second round, change nothing; the referral's reaction tells both sides.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.fhir.times import format_instant
from gateway.interactions import Request
from gateway.records import Principal, Stored, Visibility
from gateway.referral import is_overdue, marked_overdue
from gateway.store import Store
from gateway.telemetry import log

LOG = log("deadlines")
EVERY = timedelta(seconds=20)
BEFORE = timedelta(minutes=5)
"""How far a round looks back behind the last one, for what was written meanwhile."""
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
Amend = Callable[[Principal, Request], None]
"""Writes one request as a principal."""


class Deadlines:
    """Looks after the time limits of every shard."""

    def __init__(self, store: Store, amend: Amend, now: Callable[[], datetime]) -> None:
        """Take the parts; the first round looks at everything that is due."""
        self._store, self._amend, self._now = store, amend, now
        self._looked: dict[int, datetime] = {}

    def round(self, shard: int) -> None:
        """Mark what has become overdue; at most every ``EVERY``."""
        now, last = self._now(), self._looked.get(shard)
        if last is not None and now - last < EVERY:
            return
        since = _EVER if last is None else last - BEFORE
        marked = sum(self._mark(stored) for stored in self._passed(shard, since, now))
        self._looked[shard] = now
        if marked:
            LOG.info("referrals overdue", shard=shard, tasks=marked)

    def close(self) -> None:
        """Nothing is under way between two rounds."""

    def _passed(self, shard: int, since: datetime, now: datetime) -> list[Stored]:
        everything = Visibility(shard, "", sees_all=True)
        pairs = [
            ("due", f"gt{format_instant(since)}"),
            ("due", f"le{format_instant(now)}"),
            ("_count", "1000"),
        ]
        query = self._store.query(shard, ("Task",), pairs)
        page = self._store.search(everything, query)
        found = list(page.matches)
        while page.next is not None:
            page = self._store.search(everything, query, page.next)
            found.extend(page.matches)
        return found

    def _mark(self, stored: Stored) -> bool:
        """Mark one task, unless somebody acted in between: then it is looked at anew."""
        if is_overdue(codec.decode_stored(stored.body)):
            return False
        principal = Principal(
            "gateway",
            stored.owner,
            frozenset({"operator"}),
            ("system/*.cruds",),
            Visibility(stored.shard, stored.owner, sees_all=True),
        )
        request = Request(
            "patch", "Task", stored.id, change=marked_overdue, if_match=(str(stored.version),)
        )
        with suppress(GatewayError):
            self._amend(principal, request)
            return True
        return False
