"""What a carrier gives its messages to, and what it is told."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.errors import GatewayError, Kind


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a record of a message was not stored; texts hold no patient's value."""

    number: str
    place: str | None
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that is durable; ``refusals`` are those of its records that ended parked.

    ``status`` is the message's (stored, unchanged, stale, parked), or ``kept`` by a relay.
    """

    message_id: str
    status: str
    is_duplicate: bool = False
    refusals: tuple[Refusal, ...] = ()


Take = Callable[[bytes, str], Taken]
"""Make (raw bytes, kind of carrier) durable.

Raises a GatewayError of kind UNAVAILABLE when nothing is promised: the carrier keeps the message
and tries again. Every other refusal is final.
"""


def ended(take: Take, raw: bytes, carrier: str) -> Taken:
    """Take a message; what refuses it for good is its end, what is temporary is raised."""
    try:
        return take(raw, carrier)
    except GatewayError as error:
        if error.kind is Kind.UNAVAILABLE:
            raise
        return refused(error)


def refused(error: GatewayError) -> Taken:
    """Give the end of a message that was refused before it became durable."""
    spot = str(error.where) if error.where else None
    refusal = Refusal(error.number, spot, error.text_zh, error.text_en)
    return Taken("-", "refused", refusals=(refusal,))
