"""Reads by id over HTTP with token and policy, beside a bare Flask view of the same bytes.

Both are served by granian with two processes and asked by the same client process, one after the
other and once more in turn; the better run of each counts.
"""

import argparse
import io
import os
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.bare import bare
from benchmarks.bundles import Bundles
from benchmarks.storage import MEMBERS, principal, runtime
from benchmarks.traffic import Traffic, cpu_s, free_address, get, measure, server
from gateway.app import create_app
from gateway.interactions import Request
from gateway.store import Client

CLIENTS, PATIENTS, ROUNDS = 16, 200, 3
LOOPED, LOOPERS = 8_000, 8
BARE, OURS = "bare Flask view", "gateway"


def prepare(folder: Path) -> tuple[list[str], str, bytes]:
    """Store patients; give their paths, a token, and the body of one."""
    with runtime(folder, "") as built:
        built.store.registry.add_client(
            Client("bench", "bench", MEMBERS[0], (1,), ("system/*.cruds",), is_active=True)
        )
        made = Bundles(3, f"Organization/org-{MEMBERS[0]}", f"Organization/org-{MEMBERS[1]}")
        requests = [
            Request("create", "Patient", None, made.resources()[0][1]) for _ in range(PATIENTS)
        ]
        written = built.pipeline.write(principal(), requests)
        stored = [one.stored for one in written if one.stored is not None]
        paths = [f"/fhir/Patient/{one.id}" for one in stored]
        return paths, built.access.issue("bench"), stored[0].body


@dataclass(frozen=True, slots=True)
class Seen:
    """What one run saw, and the microseconds of the server's processor for each read."""

    traffic: Traffic
    cpu_us: float


def _line(name: str, seen: Seen, seconds: float) -> None:
    traffic = seen.traffic
    print(
        f"  {name:16} {traffic.per_second:7.0f} reads/s   median {traffic.median_ms:5.2f} ms   99 %"
        f" below {traffic.slowest_ms:6.2f} ms   refused {traffic.refused}   processor a read: "
        f"server {seen.cpu_us:4.0f} us, client"
        f" {traffic.client_cpu_s / traffic.per_second / seconds * 1e6:3.0f} us"
    )


def _run(address: str, pid: int, asked: list[bytes], seconds: float) -> Seen:
    before = cpu_s(pid)
    traffic = measure(address, asked, clients=CLIENTS, seconds=seconds)
    used = cpu_s(pid) - before
    return Seen(traffic, used / (traffic.per_second * seconds) * 1e6)


def _environ(path: str, token: str) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "HTTP_AUTHORIZATION": f"Bearer {token}",
        "HTTP_ACCEPT": "application/fhir+json",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.input": io.BytesIO(),
        "wsgi.url_scheme": "http",
    }


def _start(status: str, _headers: list[tuple[str, str]], _error: Any = None) -> Any:
    if not status.startswith("200"):
        raise ValueError(status)


def _looped(app: Any, paths: list[str], token: str) -> float:
    """Give the microseconds of processor of a read without a network, in eight threads."""

    def work() -> None:
        for at in range(LOOPED // LOOPERS):
            b"".join(app(_environ(paths[at % len(paths)], token), _start))

    threads = [threading.Thread(target=work) for _ in range(LOOPERS)]
    begin = time.process_time()
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return (time.process_time() - begin) / LOOPED * 1e6


def _loops(folder: Path, paths: list[str], token: str) -> None:
    """Print what the row of a read costs, its move into the database included."""
    os.environ["BENCH_BODY"] = str(folder / "body.json")
    with runtime(folder, "") as built:
        trailed = create_app(built).wsgi_app
        untrailed = trailed._behind  # type: ignore[attr-defined]
        apps = {BARE: bare(), "read without its row": untrailed, "read with its row": trailed}
        best = {
            name: min(_looped(app, paths, token) for _ in range(2)) for name, app in apps.items()
        }
    for name, used in best.items():
        print(f"  {name:24} {used:5.0f} us of processor, no network, {LOOPERS} threads")


def main(seconds: float = 4) -> None:
    """Print both, and their ratio."""
    print(f"read by id, {CLIENTS} clients, two server processes of granian each")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths, token, body = prepare(folder)
        (folder / "body.json").write_bytes(body)
        _loops(folder, paths, token)
        ours, bare_at = free_address(), free_address()
        environment = os.environ | {
            "GATEWAY_DATA_DIR": name,
            "GATEWAY_LOG_LEVEL": "ERROR",
            "BENCH_BODY": str(folder / "body.json"),
        }
        host, _, port = bare_at.rpartition(":")
        gateway = ["-m", "gateway.cli", "serve", "--listen", ours, "--workers", "2"]
        flask = ["-m", "granian", "--interface", "wsgi", "--workers", "2", "--factory"]
        flask += ["--host", host, "--port", port, "--blocking-threads", "4", "benchmarks.bare:bare"]
        seen: dict[str, list[Seen]] = {}
        with (
            server(gateway, environment, ours) as gateway_pid,
            server(flask, environment, bare_at) as flask_pid,
        ):
            for _ in range(ROUNDS):
                for kind, address, pid in ((BARE, bare_at, flask_pid), (OURS, ours, gateway_pid)):
                    asked = [get(path, address, token) for path in paths]
                    seen.setdefault(kind, []).append(_run(address, pid, asked, seconds))
        best = {
            kind: max(runs, key=lambda one: one.traffic.per_second) for kind, runs in seen.items()
        }
        for kind, one in best.items():
            _line(kind, one, seconds)
        print(f"  ratio {best[OURS].traffic.per_second / best[BARE].traffic.per_second:.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reading", description=__doc__)
    parser.add_argument("seconds", nargs="?", type=float, default=4, help="length of each run")
    main(parser.parse_args().seconds)
