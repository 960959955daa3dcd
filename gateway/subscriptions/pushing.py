"""Which notices to a member go to a channel of it, too: to a system that cannot read FHIR."""

import base64
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from threading import Lock

from gateway.records import Channel, Notice

NOTICED = frozenset(
    {
        *("referral-received", "referral-answered", "referral-withdrawn", "referral-overdue"),
        *("patient-arrived", "result-available", "discharge"),
        *("down-referral-drafted", "down-referral-signed", "down-referral-declined"),
        *("referral-task", "referral-task-answered", "referral-feedback"),
        *("claim-received", "claim-answered", "outbound-referral"),
    }
)
"""The topics of the notices that members get without asking."""
OPTION = "push"
REFRESH_S = 1.0


class Pushing:
    """The channels with the option ``push``, read anew after ``REFRESH_S``."""

    def __init__(
        self, channels: Callable[[], Iterable[Channel]], clock_s: Callable[[], float]
    ) -> None:
        """Take what gives the channels, and a clock that never goes back."""
        self._channels, self._clock_s = channels, clock_s
        self._lock = Lock()
        self._known: tuple[float, tuple[Channel, ...]] | None = None

    def copies(self, shard: int, notices: Iterable[Notice]) -> list[Notice]:
        """Give the notices that go to channels, in the same order and streams."""
        pushing = [one for one in self._pushing() if one.shard == shard]
        return [
            replace(
                notice,
                recipient=f"Channel/{one.id}",
                idempotency_key=control_id(one.id, notice.idempotency_key),
            )
            for notice in notices
            for one in pushing
            if one.member == notice.recipient and notice.topic in _topics(one)
        ]

    def _pushing(self) -> tuple[Channel, ...]:
        now_s = self._clock_s()
        known = self._known
        if known is None or now_s - known[0] >= REFRESH_S:
            known = (now_s, tuple(one for one in self._channels() if OPTION in one.options))
            with self._lock:
                self._known = known
        return known[1]


def control_id(channel: str, key: str) -> str:
    """Name a message for good in 20 letters and digits, which is what MSH-10 holds.

    Section 2.16.9.10 of HL7 v2.5.1; 100 bits of a hash, so that two never share one.
    """
    digest = hashlib.sha256(f"{channel}\x00{key}".encode()).digest()
    return base64.b32encode(digest)[:20].decode()


def _topics(channel: Channel) -> frozenset[str]:
    told = channel.options[OPTION]
    topics = told.get("topics") if isinstance(told, dict) else None
    return frozenset(map(str, topics)) if isinstance(topics, list) else frozenset()
