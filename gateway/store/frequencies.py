"""Counts that searches choose their way by; one that is out of date costs time, never truth."""

import time
from collections import OrderedDict
from collections.abc import Hashable

KEPT_S = 300.0
_MOST_KEPT = 2_000


class Frequencies:
    """The counts of one database that are kept."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()

    def get(self, key: Hashable) -> int | None:
        """Give a count that is not too old."""
        found = self._kept.get(key)
        return found[1] if found is not None and found[0] > time.monotonic() else None

    def put(self, key: Hashable, count: int) -> None:
        """Keep a count; the oldest make room."""
        self._kept[key] = (time.monotonic() + KEPT_S, count)
        while len(self._kept) > _MOST_KEPT:
            self._kept.pop(next(iter(self._kept)), None)
