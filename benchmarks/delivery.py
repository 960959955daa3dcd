"""How soon notices leave: 100 writes a second, 50 recipients, five of which never answer.

Prints, for SQLite and PostgreSQL in one run, the time from commit to arrival, and what delivery
costs the writes: the median of a commit with its notice while a worker sends, against the same
writes without notices, in turns. Writer, worker and receivers are processes of their own, as with
``gateway serve``.
"""

import ipaddress
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random

from benchmarks.storage import postgres
from gateway.access import Access
from gateway.delivery import AddressGuard, Backoff, Dispatcher, Sender
from gateway.outlets import Outlets
from gateway.records import Change, Commit, Notice
from gateway.store import Member, Store, Tenant
from gateway.worker import Worker

RATE = 100
RESOURCES = 14
"""In one write, as in the bundle of a referral; they are neither validated nor indexed here."""
RECIPIENTS = 50
DEAD = 5
SECONDS = 4.0
TURNS = 3


def main() -> None:
    """Measure both engines in turn and print."""
    measure("SQLite", "sqlite:///gateway.db")
    with tempfile.TemporaryDirectory() as name, postgres(Path(name)) as make:
        measure("PostgreSQL", make())


def measure(engine: str, database: str) -> None:
    """Measure one engine and print."""
    plain: list[float] = []
    noticed: list[float] = []
    committed: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(database, data_dir=Path(folder))
        store.upgrade()
        store.registry.add_tenant(Tenant("t", "t", 1))
        times = Path(folder) / "arrived"
        with _process("receive", str(times)) as url:
            for number in range(RECIPIENTS):
                kind = "dead" if number < DEAD else "well"
                one = Member(1, f"m{number}", "m", ("hospital",), endpoint=f"{url}/{kind}/{number}")
                store.registry.add_member(one)
            for turn in range(TURNS):
                plain += _write(store, f"plain-{turn}", {}, is_noticed=False)
                with _process("send", database, folder):
                    noticed += _write(store, f"noticed-{turn}", committed, is_noticed=True)
                    time.sleep(2)
        store.close()
        arrived = _arrived(times)
    waits = sorted(arrived[key] - at for key, at in committed.items() if key in arrived)
    living = sum(not key.startswith("dead") for key in committed)
    print(f"{engine}: notices to living recipients: {len(waits)} of {living} arrived")
    print(f"commit to arrival: median {statistics.median(waits) * 1000:.0f} ms, ", end="")
    print(f"p99 {waits[int(len(waits) * 0.99)] * 1000:.0f} ms")
    for name, at in (("median", 2), ("lower quartile", 1)):
        before, after = (statistics.quantiles(one, n=4)[at - 1] * 1000 for one in (plain, noticed))
        print(f"commit alone {before:.2f} ms, with delivery {after:.2f} ms ({name}): ", end="")
        print(f"ratio {after / before:.2f}")


@contextmanager
def _process(*words: str) -> Iterator[str]:
    """Run a part as a process of its own; gives the line that says it is ready."""
    command = [sys.executable, "-m", "benchmarks.delivery", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def _arrived(file: Path) -> dict[str, float]:
    """Read which notices arrived first when; the clock is that of the whole machine."""
    arrived: dict[str, float] = {}
    for line in file.read_text("utf-8").splitlines():
        key, _, at = line.rpartition(" ")
        arrived.setdefault(key, float(at))
    return arrived


def _change(id_: str) -> Change:
    resource = {"resourceType": "Organization", "id": id_, "name": "x" * 800}
    return Change("Organization", id_, resource, (), "m0", None, 1)


def _write(
    store: Store, name: str, committed: dict[str, float], *, is_noticed: bool
) -> list[float]:
    random, took = Random(name), []
    begin = time.monotonic()
    for number in range(int(RATE * SECONDS)):
        time.sleep(max(begin + number / RATE - time.monotonic(), 0))
        to = random.randrange(RECIPIENTS)
        id_ = f"{name}-{number}"
        changes = tuple(_change(f"{id_}-{part}" if part else id_) for part in range(RESOURCES))
        key = f"{'dead' if to < DEAD else 'well'}-{id_}"
        notice = Notice(f"m{to}", "t", f"Organization/{id_}", f"Organization/{id_}", key)
        start = time.monotonic()
        store.commit(Commit(1, changes, notices=(notice,) if is_noticed else ()))
        end = time.monotonic()
        took.append(end - start)
        committed[key] = end
    return took


def send(database: str, folder: str) -> None:
    """Deliver until killed, as ``gateway worker`` does."""
    store = Store.open(database, data_dir=Path(folder))

    def now() -> datetime:
        return datetime.now(UTC)

    guard = AddressGuard([ipaddress.ip_network("127.0.0.0/8")])
    sender = Sender(guard, "https://gateway.test/fhir", now)
    viewer = Access(b"s", store.registry, store.credentials, now).viewer
    outlets = Outlets(store, sender, b"s", viewer, now)
    dispatcher = Dispatcher(store.outbox, outlets, Backoff(Random(1).random), now)
    worker = Worker(store, dispatcher, now=now, recover=lambda: 0, maintain=lambda: None)
    print("ready", flush=True)
    worker.run(threading.Event())


def receive(file: str) -> None:
    """Take notices, write when each arrived; below ``/dead`` nothing is answered."""
    os.nice(19)  # Receivers are other machines; here they share the two cores.
    told = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            at = time.monotonic()
            self.rfile.read(int(self.headers["Content-Length"]))
            if self.path.startswith("/dead"):
                threading.Event().wait()
            os.write(told, f"{self.headers['Idempotency-Key']} {at}\n".encode())
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 256
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Receiver)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["send", database, folder]:
            send(database, folder)
        case ["receive", file]:
            receive(file)
        case _:
            main()
