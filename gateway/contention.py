"""How long a write that others overtook is tried again."""

import time
from collections.abc import Iterator
from itertools import count
from random import SystemRandom

OVERTAKEN = frozenset({"GW-5001", "GW-5002"})
"""The store's word that another write came between; any other conflict stays one."""
LIMIT_S = 20.0
"""Others that write the same resource take milliseconds each; so long, something is wrong."""
_FIRST_S, _LONGEST_S = 0.005, 0.2


def attempts(limit_s: float = LIMIT_S) -> Iterator[bool]:
    """Give for each attempt whether it is the last; wait between them, longer each time.

    The waits are of random length, so that those who met once do not meet again.
    """
    chance = SystemRandom()
    end = time.monotonic() + limit_s
    for number in count():
        is_last = time.monotonic() >= end
        yield is_last
        if is_last:
            return
        longest = min(_FIRST_S * 2 ** min(number, 10), _LONGEST_S)
        time.sleep(chance.uniform(0, longest))
