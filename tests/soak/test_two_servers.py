"""Two servers on one database and eight clients for minutes: nothing is lost, memory stays flat.

SOAK_SECONDS chooses how long (120 unless told; ten minutes before a release).
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import requests

from benchmarks.traffic import free_address
from gateway.settings import load_settings
from gateway.wiring import build_runtime
from tests.support.consortium import found_consortium

SECONDS = float(os.environ.get("SOAK_SECONDS", "120"))
CLIENTS, COUNTERS = 8, 3
GROWTH = 1.25
"""Memory at the end beside that after a quarter of the time, when all caches are filled."""


@contextmanager
def _server(folder: Path, database: str) -> Iterator[tuple[str, int]]:
    address = free_address()
    environment = os.environ | {"GATEWAY_LOG_LEVEL": "ERROR", "GATEWAY_UPDATE_AS_CREATE": "true"}
    options = ["--listen", address, "--database", database, "--data-dir", str(folder)]
    command = [sys.executable, "-m", "gateway.cli", "serve", *options, "--workers", "1"]
    process = subprocess.Popen(command, env=environment)
    try:
        until = time.monotonic() + 60
        while not _is_up(address):
            assert time.monotonic() < until
            time.sleep(0.2)
        yield f"http://{address}/fhir", process.pid
    finally:
        process.terminate()
        process.wait(30)


def _is_up(address: str) -> bool:
    try:
        return requests.get(f"http://{address}/readyz", timeout=2).ok
    except requests.ConnectionError:
        return False


def _memory_kb(pid: int) -> int:
    """Give the memory of a process and of all below it."""
    own = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(_memory_kb(int(child)) for child in children)


class _Counting(threading.Thread):
    """Reads a counter, adds one under its version, and remembers what was acknowledged."""

    def __init__(self, number: int, addresses: list[str], token: str, until: float) -> None:
        super().__init__()
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"
        self.number, self.addresses, self.until = number, addresses, until
        self.acknowledged = [0] * COUNTERS
        self.answers: set[int] = set()

    def run(self) -> None:
        turn = self.number
        while time.monotonic() < self.until:
            turn += 1
            counter = turn % COUNTERS
            url = f"{self.addresses[turn % len(self.addresses)]}/Basic/counter-{counter}"
            now = self.session.get(url, timeout=30)
            body = now.json()
            body["extension"][0]["valueInteger"] += 1
            put = self.session.put(
                url, json=body, headers={"If-Match": now.headers["ETag"]}, timeout=30
            )
            self.answers |= {now.status_code, put.status_code}
            self.acknowledged[counter] += put.status_code == 200


def _begin_counters(address: str, token: str) -> None:
    for number in range(COUNTERS):
        content = {
            "resourceType": "Basic",
            "id": f"counter-{number}",
            "code": {"text": "counter"},
            "extension": [{"url": "urn:soak:count", "valueInteger": 0}],
        }
        made = requests.put(
            f"{address}/Basic/counter-{number}",
            json=content,
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )
        assert made.status_code == 201, made.text


def test_two_servers_and_eight_clients_lose_no_update_and_stay_as_small(
    database_url: str, tmp_path: Path
) -> None:
    built = build_runtime(load_settings({}, data_dir=tmp_path, database=database_url))
    found_consortium(built)
    token = built.access.issue("operator")
    built.close()
    with ExitStack() as stack:
        servers = [stack.enter_context(_server(tmp_path, database_url)) for _ in range(2)]
        addresses = [address for address, _ in servers]
        _begin_counters(addresses[0], token)
        clients = [
            _Counting(number, addresses, token, time.monotonic() + SECONDS)
            for number in range(CLIENTS)
        ]
        for one in clients:
            one.start()
        time.sleep(SECONDS / 4)
        early = [_memory_kb(pid) for _, pid in servers]
        for one in clients:
            one.join()
        late = [_memory_kb(pid) for _, pid in servers]
        counted = [
            clients[0].session.get(f"{addresses[1]}/Basic/counter-{number}", timeout=30).json()
            for number in range(COUNTERS)
        ]
    print(f"memory {early} kB after a quarter, {late} kB at the end")
    expected = [sum(one.acknowledged[number] for one in clients) for number in range(COUNTERS)]
    print(f"{sum(expected)} updates acknowledged")
    assert [one["extension"][0]["valueInteger"] for one in counted] == expected
    assert [int(one["meta"]["versionId"]) for one in counted] == [one + 1 for one in expected]
    assert min(expected) > 0
    assert set().union(*(one.answers for one in clients)) <= {200, 409, 412}
    for before, after in zip(early, late, strict=True):
        assert after < before * GROWTH
