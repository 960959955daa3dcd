"""How often somebody may ask: a bucket for each name that fills again evenly.

Kept per server process: with several workers a client may ask as often of each.
"""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass

from gateway.errors import GatewayError


@dataclass(slots=True)
class _Bucket:
    left: float
    filled: float


class Limit:
    """So many in a minute, all at once if need be; 0: as many as wanted."""

    _MOST = 10_000

    def __init__(self, per_minute: int, name: str, monotonic: Callable[[], float]) -> None:
        self._per_minute, self._name, self._monotonic = per_minute, name, monotonic
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    def take(self, key: str) -> None:
        """Count one; raise GW-8024 with the seconds to wait when there is none left."""
        self._demand(key, 1.0)

    def demand(self, key: str) -> None:
        """Raise GW-8024 when there is none left, and count nothing."""
        self._demand(key, 0.0)

    def _demand(self, key: str, taken: float) -> None:
        if self._per_minute <= 0:
            return
        with self._lock:
            now = self._monotonic()
            bucket = self._filled(key, now)
            if bucket.left < 1:
                wait = math.ceil((1 - bucket.left) * 60 / self._per_minute)
                raise GatewayError("GW-8024", limit=self._name, retry_after_s=max(wait, 1))
            bucket.left -= taken

    def _filled(self, key: str, now: float) -> _Bucket:
        if key not in self._buckets and len(self._buckets) >= self._MOST:
            # A bucket that is full again says nothing; of the others the oldest go.
            kept = sorted(self._buckets.items(), key=lambda one: one[1].filled)[self._MOST // 2 :]
            self._buckets = dict(kept)
        bucket = self._buckets.setdefault(key, _Bucket(float(self._per_minute), now))
        gained = (now - bucket.filled) * self._per_minute / 60
        bucket.left, bucket.filled = min(bucket.left + gained, float(self._per_minute)), now
        return bucket
