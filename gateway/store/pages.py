"""Pages of search and history, and the cursor that continues one snapshot."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from gateway.errors import GatewayError
from gateway.records import Stored
from gateway.store.database import Snapshot
from gateway.store.keys import instant

KEPT_HOURS = 1
KEPT_MS = KEPT_HOURS * 3_600_000


@dataclass(frozen=True, slots=True)
class Page:
    """Some results in order, and how to go on.

    ``next`` continues the same snapshot (text without secrets; whoever hands it out signs it).
    ``complete_ms``: everything that commits later carries ``lastUpdated`` at or after it; 0 for a
    search that does not ask for what is newer than a time.
    ``total`` is None when it was not asked for or not counted. ``plan`` says how it was answered.
    """

    matches: tuple[Stored, ...]
    included: tuple[Stored, ...] = ()
    total: int | None = None
    next: str | None = None
    complete_ms: int = 0
    plan: str = ""

    @property
    def complete_utc(self) -> datetime:
        """The moment of ``complete_ms``."""
        return instant(self.complete_ms * 1000)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended: the snapshot, when it was taken, and the last row's place in the order.

    ``plan`` says how a search is answered: the order follows from it.
    """

    limit: int
    running: tuple[int, ...]
    taken_ms: int
    complete_ms: int
    after: tuple[Any, ...]
    total: int | None = None
    plan: str = ""

    def text(self) -> str:
        """Write the cursor as text."""
        return msgspec.json.encode(self).decode()

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot that the first page saw."""
        return Snapshot(self.limit, self.running)


def read_cursor(text: str, now_ms: int) -> Cursor:
    """Read a cursor; raise GW-7108 when it is none, GW-5006 when its snapshot is not kept."""
    try:
        cursor = msgspec.json.decode(text, type=Cursor)
    except msgspec.DecodeError as err:
        raise GatewayError("GW-7108") from err
    if cursor.taken_ms < now_ms - KEPT_MS:
        raise GatewayError("GW-5006", hours=KEPT_HOURS)
    return cursor
