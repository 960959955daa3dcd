"""How long a write that others overtook is tried again."""

import time
from random import SystemRandom

from gateway.errors import GatewayError

LIMIT_S = 20.0
"""Others that write the same resource take milliseconds each; so long, something is wrong."""
MOST = 12
"""So often one race for a key or a condition is met anew; then it is no race."""
_FIRST_S, _LONGEST_S = 0.005, 0.2


class Attempts:
    """The attempts at one write; the waits between them are longer each time, of random length.

    So those who met once do not meet again.
    """

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        self._end = time.monotonic() + limit_s
        self._overtaken = self._raced = 0

    def again(self, error: GatewayError) -> bool:
        """Say whether to try once more what was refused so, and wait for it."""
        if error.number == "GW-5001":
            self._overtaken += 1
            is_over = time.monotonic() >= self._end
        else:
            self._raced += 1
            is_over = error.number != "GW-5002" or self._raced >= MOST
        if not is_over:
            longest = _FIRST_S * 2 ** min(self._overtaken + self._raced, 10)
            time.sleep(SystemRandom().uniform(0, min(longest, _LONGEST_S)))
        return not is_over
