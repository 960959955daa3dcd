"""How soon notices leave: 100 writes a second, 50 recipients, five of which never answer.

Prints the time from commit to arrival, and what delivery costs the writes: the median of a commit
with its notice while a worker sends, against the same writes without notices, in turns.
"""

import ipaddress
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random

from gateway.access import Access
from gateway.delivery import AddressGuard, Backoff, Dispatcher, Sender
from gateway.outlets import Outlets
from gateway.records import Change, Commit, Notice
from gateway.store import Member, Store, Tenant
from gateway.worker import Worker, start_thread

RATE = 100
RECIPIENTS = 50
DEAD = 5
SECONDS = 6.0
TURNS = 2


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, _receivers() as (url, arrived, released):
        store = Store.open("sqlite:///gateway.db", data_dir=Path(folder))
        store.upgrade()
        store.registry.add_tenant(Tenant("t", "t", 1))
        for number in range(RECIPIENTS):
            kind = "dead" if number < DEAD else "well"
            one = Member(1, f"m{number}", "m", ("hospital",), endpoint=f"{url}/{kind}/{number}")
            store.registry.add_member(one)
        plain: list[float] = []
        noticed: list[float] = []
        committed: dict[str, float] = {}
        for turn in range(TURNS):
            plain += _write(store, f"plain-{turn}", {}, is_noticed=False)
            finish = start_thread(_worker(store))
            noticed += _write(store, f"noticed-{turn}", committed, is_noticed=True)
            time.sleep(2)
            released.set()
            finish()
            released.clear()
        store.close()
    waits = sorted(arrived[key] - at for key, at in committed.items() if key in arrived)
    living = sum(not key.startswith("dead") for key in committed)
    print(f"notices to living recipients: {len(waits)} of {living} arrived")
    print(f"commit to arrival: median {statistics.median(waits) * 1000:.0f} ms, ", end="")
    print(f"p99 {waits[int(len(waits) * 0.99)] * 1000:.0f} ms")
    before, after = statistics.median(plain), statistics.median(noticed)
    print(f"commit alone {before * 1000:.2f} ms, with delivery {after * 1000:.2f} ms: ", end="")
    print(f"ratio {after / before:.2f}")


def _write(
    store: Store, name: str, committed: dict[str, float], *, is_noticed: bool
) -> list[float]:
    random, took = Random(name), []
    begin = time.monotonic()
    for number in range(int(RATE * SECONDS)):
        time.sleep(max(begin + number / RATE - time.monotonic(), 0))
        to = random.randrange(RECIPIENTS)
        id_ = f"{name}-{number}"
        resource = {"resourceType": "Organization", "id": id_, "name": "x" * 800}
        change = Change("Organization", id_, resource, (), "m0", None, 1)
        key = f"{'dead' if to < DEAD else 'well'}-{id_}"
        notice = Notice(f"m{to}", "t", f"Organization/{id_}", f"Organization/{id_}", key)
        start = time.monotonic()
        store.commit(Commit(1, (change,), notices=(notice,) if is_noticed else ()))
        end = time.monotonic()
        took.append(end - start)
        committed[key] = end
    return took


def _worker(store: Store) -> Worker:
    def now() -> datetime:
        return datetime.now(UTC)

    sender = Sender(
        AddressGuard([ipaddress.ip_network("127.0.0.0/8")]), "https://gateway.test/fhir", now
    )
    outlets = Outlets(store, sender, b"s", Access(b"s", store.registry, now).viewer, now)
    dispatcher = Dispatcher(store.outbox, outlets, Backoff(Random(1).random), now)
    return Worker(store, dispatcher, now=now, recover=lambda: 0, maintain=lambda: None)


@contextmanager
def _receivers() -> Iterator[tuple[str, dict[str, float], threading.Event]]:
    arrived: dict[str, float] = {}
    released = threading.Event()

    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            if self.path.startswith("/dead"):
                released.wait()
                self.close_connection = True
                return
            arrived.setdefault(self.headers["Idempotency-Key"], time.monotonic())
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 256
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", arrived, released
    finally:
        released.set()
        server.shutdown()


if __name__ == "__main__":
    main()
