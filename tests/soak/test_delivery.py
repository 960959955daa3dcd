"""Server and workers killed -9 at random while notices go out to receivers that fail, too.

SOAK_EVENTS, SOAK_SEED choose how many notices and which moments (``make soak``).
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random

from benchmarks.traffic import free_address
from gateway.records import Change, Commit, Notice
from gateway.store import Member, Store, Tenant

EVENTS = int(os.environ.get("SOAK_EVENTS", "2000"))
SEED = int(os.environ.get("SOAK_SEED", time.time_ns() % 1_000_000))
RATE, MEMBERS, STREAMS, WORKERS = 60, 12, 4, 3
LONGEST_S = 600
Arrived = dict[str, list[str]]
"""Path of a member → idempotency keys in the order of their arrival."""


@contextmanager
def _receivers(random: Random) -> Iterator[tuple[str, Arrived]]:
    """Receivers that refuse, close without an answer, or take a notice and close amid it."""
    arrived: Arrived = {}
    lock = threading.Lock()

    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                chance = random.random()
                if chance >= 0.01:
                    arrived.setdefault(self.path, []).append(self.headers["Idempotency-Key"])
            if chance < 0.02:
                self.close_connection = True
                return
            self.send_response(503 if 0.01 <= chance < 0.012 else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 256
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", arrived
    finally:
        server.shutdown()
        server.server_close()


class _Processes:
    """The server and, on PostgreSQL, three workers; each is begun anew when it was killed."""

    def __init__(self, folder: Path, database: str) -> None:
        self._options = ["--database", database, "--data-dir", str(folder)]
        self._environment = os.environ | {
            "GATEWAY_ALLOWED_NETWORKS": "127.0.0.0/8",
            "GATEWAY_LOG_LEVEL": "ERROR",
        }
        count = 0 if database.startswith("sqlite") else WORKERS
        self._commands = [["serve", "--listen", free_address()], *[["worker"]] * count]
        self._running = [self._begin(command) for command in self._commands]
        self.kills = 0

    def kill(self, random: Random) -> None:
        """Kill one as a power failure would, with all below it, and begin it anew."""
        number = random.randrange(len(self._running))
        os.killpg(self._running[number].pid, signal.SIGKILL)
        self._running[number].wait()
        self._running[number] = self._begin(self._commands[number])
        self.kills += 1

    def end(self) -> None:
        """Ask all to drain, and wait for it."""
        for one in self._running:
            one.send_signal(signal.SIGTERM)
        for one in self._running:
            one.wait(60)

    def _begin(self, command: list[str]) -> "subprocess.Popen[bytes]":
        whole = [sys.executable, "-m", "gateway.cli", *command, *self._options]
        return subprocess.Popen(whole, env=self._environment, start_new_session=True)


def _write(store: Store, random: Random, sent: dict[tuple[str, str], list[str]]) -> None:
    begun = time.monotonic()
    for number in range(EVENTS):
        time.sleep(max(begun + number / RATE - time.monotonic(), 0))
        to, stream = f"m{random.randrange(MEMBERS)}", f"ServiceRequest/{random.randrange(STREAMS)}"
        focus, key = f"Organization/o{number}", f"{to}/{stream}/{number}"
        resource = {"resourceType": "Organization", "id": f"o{number}"}
        change = Change("Organization", f"o{number}", resource, (), "m0", None, 1)
        store.commit(Commit(1, (change,), notices=(Notice(to, "t", focus, stream, key),)))
        sent.setdefault((to, stream), []).append(key)


def test_no_notice_is_lost_or_out_of_order_whoever_is_killed(
    database_url: str, tmp_path: Path
) -> None:
    print(f"SOAK_SEED={SEED} SOAK_EVENTS={EVENTS}")
    random = Random(SEED)
    store = Store.open(database_url, data_dir=tmp_path)
    store.registry.add_tenant(Tenant("t", "t", 1))
    sent: dict[tuple[str, str], list[str]] = {}
    with _receivers(Random(SEED + 1)) as (url, arrived):
        for number in range(MEMBERS):
            name = f"m{number}"
            store.registry.add_member(
                Member(1, name, name, ("hospital",), endpoint=f"{url}/{name}")
            )
        processes = _Processes(tmp_path, database_url)
        writer = threading.Thread(target=_write, args=(store, Random(SEED + 2), sent))
        writer.start()
        until = time.monotonic() + LONGEST_S
        while writer.is_alive():
            time.sleep(random.uniform(3, 7))
            processes.kill(random)
        writer.join()
        while store.outbox.counts(1) != {"done": EVENTS}:
            assert time.monotonic() < until, store.outbox.counts(1)
            time.sleep(0.5)
        processes.end()
    store.close()
    doubled = sum(len(keys) - len(set(keys)) for keys in arrived.values())
    print(f"{EVENTS} notices, {processes.kills} kills, {doubled} came twice")
    for (to, stream), keys in sent.items():
        first = dict.fromkeys(key for key in arrived[f"/{to}"] if key.startswith(f"{to}/{stream}/"))
        assert list(first) == keys
