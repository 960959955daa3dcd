"""When to try again: doubling waits with jitter, for up to three days."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Backoff:
    """The waits between attempts.

    ``random`` gives a number in [0, 1); each wait lies between half of its length and the whole,
    so that notices that failed together do not return together.
    """

    random: Callable[[], float]
    first: timedelta = timedelta(seconds=5)
    longest: timedelta = timedelta(hours=1)
    lifetime: timedelta = timedelta(days=3)

    def next_attempt(
        self,
        attempts: int,
        created_utc: datetime,
        now_utc: datetime,
        asked: timedelta | None = None,
    ) -> datetime | None:
        """Give the time of the next attempt after ``attempts`` of them; None: the time is over.

        ``asked`` is what the receiver itself asked for (Retry-After); at most ``longest`` counts.
        """
        if now_utc - created_utc >= self.lifetime:
            return None
        # 2^32 seconds exceed any limit; a larger exponent would only overflow.
        doubled = self.first * (1 << min(max(attempts - 1, 0), 32))
        wait = min(doubled, self.longest)
        wait *= 0.5 + self.random() / 2
        if asked is not None:
            wait = max(wait, min(asked, self.longest))
        return now_utc + wait
