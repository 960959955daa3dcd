"""A ``Take`` as the gateway's is: durable, the same bytes once, refusing what a test says."""

from dataclasses import dataclass, field

from gateway.carriers.taking import Refusal, Taken
from gateway.errors import GatewayError


@dataclass
class Journal:
    """Keeps what it was given in the order it came; ``offered`` counts duplicates too."""

    messages: list[bytes] = field(default_factory=list)
    offered: int = 0
    away_after: int | None = None
    parked: bytes | None = None

    def take(self, raw: bytes, carrier: str) -> Taken:
        """Keep a message once."""
        if self.away_after is not None and self.offered >= self.away_after:
            raise GatewayError("GW-1053", file="journal", reason="No space left on device")
        self.offered += 1
        if not raw.strip():
            raise GatewayError("GW-1002")
        is_duplicate = raw in self.messages
        if not is_duplicate:
            self.messages.append(raw)
        refusals: tuple[Refusal, ...] = ()
        if self.parked and self.parked in raw:
            refusals = (Refusal("GW-3102", "column 3", "代码表没有这个代码。", "no row"),)
        number = str(self.messages.index(raw))
        return Taken(number, "parked" if refusals else "stored", is_duplicate, refusals)
