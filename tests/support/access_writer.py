"""A process that appends accesses until it is killed: ``python -m … URL FOLDER``.

A number is printed once its access is durable.
"""

import sys
import threading
from pathlib import Path

from gateway.records import Audited, Seen
from gateway.store import Store


def access(number: int, name: str = "") -> Audited:
    """Make an access that its number tells apart."""
    seen = Seen({f"Observation/{name}{number}": "p1"})
    return Audited(1, "his", "lj-city", "GET", "read", f"/{name}{number}", "", 200, seen=seen)


def main() -> None:
    """Append from four threads without end."""
    store = Store.open(sys.argv[1], data_dir=Path(sys.argv[2]))

    def write(first: int) -> None:
        number = first
        while True:
            store.audit.append(access(number))
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()
            number += 4

    for first in range(4):
        threading.Thread(target=write, args=(first,)).start()


if __name__ == "__main__":
    main()
