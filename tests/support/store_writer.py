"""A process of its own that writes to a store, to be raced, killed or starved of disk.

python -m tests.support.store_writer race URL FOLDER NAME   tries to create one key, prints ids
python -m tests.support.store_writer flood URL FOLDER NAME  prints each id once it is durable
python -m tests.support.store_writer starve URL FOLDER NAME runs out of disk, then gets more
"""

import os
import resource
import sys
import threading
from pathlib import Path

from gateway.errors import GatewayError
from gateway.records import BusinessKey, Change, Commit, IndexRow
from gateway.store import Store

KEY = BusinessKey("Patient", "urn:race", "1")


def say(line: str) -> None:
    """Print a line in one piece, whatever other threads print."""
    os.write(1, f"{line}\n".encode())


def patient(id_: str, *keys: BusinessKey, padding: str = "") -> Change:
    """Make a change with one index row that repeats the id."""
    return Change(
        type="Patient",
        id=id_,
        resource={"resourceType": "Patient", "id": id_, "language": padding or "zh"},
        index=(IndexRow("token", "Patient.identifier", ("urn:x", id_, None)),),
        owner="qs-township",
        person=None,
        classes=2,
        keys=keys,
    )


def race(store: Store, name: str) -> None:
    """Create one business key from several threads; print the ids that were written."""

    def attempt(number: int) -> None:
        try:
            store.commit(Commit(1, (patient(f"{name}-{number}", KEY),)))
        except GatewayError as err:
            say(err.number)
        else:
            say(f"{name}-{number}")

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


def flood(store: Store, name: str) -> None:
    """Write without end from several threads; an id is printed after its commit."""

    def write(worker: int) -> None:
        number = 0
        while True:
            id_ = f"{name}-{worker}-{number}"
            store.commit(Commit(1, (patient(id_), patient(f"{id_}-twin"))))
            say(id_)
            number += 1

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


def starve(store: Store, name: str) -> None:
    """Write until no file may grow, print the refusal, then write again with room."""
    store.commit(Commit(1, (patient(f"{name}-before"),)))
    _soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, hard))
    number = 0
    while True:
        try:
            store.commit(Commit(1, (patient(f"{name}-{number}", padding="x" * 200_000),)))
        except GatewayError as err:
            say(f"refused {err.number} {err.http}")
            break
        say(f"{name}-{number}")
        number += 1
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    store.commit(Commit(1, (patient(f"{name}-after"),)))
    say(f"{name}-after")


def main() -> None:
    """Run one of the scenes."""
    scene, url, folder, name = sys.argv[1:]
    store = Store.open(url, data_dir=Path(folder))
    {"race": race, "flood": flood, "starve": starve}[scene](store, name)
    store.close()


if __name__ == "__main__":
    main()
