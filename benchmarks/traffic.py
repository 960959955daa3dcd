"""A small closed-loop client: one kept connection per client, as fast as the server answers.

It runs in a process of its own and tells how much processor it took itself, since it shares the
cores with what it measures.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Traffic:
    """What one run saw: answers per second, milliseconds, seconds of the client's processor."""

    per_second: float
    median_ms: float
    slowest_ms: float
    refused: int
    client_cpu_s: float


def measure(address: str, requests: list[bytes], *, clients: int, seconds: float) -> Traffic:
    """Send the requests in turn for some seconds from another process; ``address`` HOST:PORT."""
    asked = {
        "address": address,
        "requests": [one.decode("latin-1") for one in requests],
        "clients": clients,
        "seconds": seconds,
    }
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.traffic"],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
        cwd=_ROOT,
    )
    return Traffic(**json.loads(done.stdout))


def get(path: str, address: str, token: str) -> bytes:
    """Make the bytes of a GET."""
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: {address}",
        f"Authorization: Bearer {token}",
        "Accept: application/fhir+json",
    )
    return "\r\n".join(lines).encode() + _END


def post(path: str, address: str, token: str, body: bytes) -> bytes:
    """Make the bytes of a POST of FHIR content."""
    lines = (
        f"POST {path} HTTP/1.1",
        f"Host: {address}",
        f"Authorization: Bearer {token}",
        "Content-Type: application/fhir+json",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join(lines).encode() + _END + body


@contextmanager
def server(arguments: list[str], environment: dict[str, str], address: str) -> Iterator[int]:
    """Run a server process until the block ends; give its process id once it listens."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        env=environment,
        cwd=_ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(address)
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


def cpu_s(pid: int) -> float:
    """Give the seconds of processor that a process and its children have taken."""
    ticks = 0
    for one in (pid, *children(pid)):
        told = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(told[11]) + int(told[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def children(pid: int) -> list[int]:
    """Give the ids of a process's children."""
    return [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]


def free_address() -> str:
    """Give a loopback address whose port nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"127.0.0.1:{probe.getsockname()[1]}"


def _wait_for(address: str) -> None:
    host, _, port = address.rpartition(":")
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            socket.create_connection((host, int(port)), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(address)


class _Client(threading.Thread):
    """One connection that sends a request as soon as the last is answered."""

    def __init__(self, address: str, requests: list[bytes], until: float) -> None:
        super().__init__()
        host, _, port = address.rpartition(":")
        self._socket = socket.create_connection((host, int(port)))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._requests, self._until = requests, until
        self.taken: list[float] = []
        self.refused = 0

    def run(self) -> None:
        at = 0
        while (begin := time.perf_counter()) < self._until and self._requests:
            if at == len(self._requests):
                at = 0
            self._socket.sendall(self._requests[at])
            at += 1
            if self._answer()[9:10] != b"2":
                self.refused += 1
            self.taken.append(time.perf_counter() - begin)
        self._socket.close()

    def _answer(self) -> bytes:
        data = self._socket.recv(262_144)
        while (end := data.find(_END)) < 0:
            data += self._more()
        head = data[:end].lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r", 1)[0])
        missing = end + 4 + length - len(data)
        while missing > 0:
            missing -= len(self._more())
        return data

    def _more(self) -> bytes:
        data = self._socket.recv(262_144)
        if not data:
            raise ConnectionError("the server closed the connection")
        return data


def main() -> None:
    """Be the client process: the task on stdin, what was seen on stdout."""
    task = json.load(sys.stdin)
    requests = [one.encode("latin-1") for one in task["requests"]]
    clients, begin = task["clients"], time.perf_counter()
    parts = [requests[at::clients] or requests for at in range(clients)]
    threads = [_Client(task["address"], part, begin + task["seconds"]) for part in parts]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    spent = time.perf_counter() - begin
    taken = sorted(value * 1000 for one in threads for value in one.taken)
    told = {
        "per_second": len(taken) / spent,
        "median_ms": statistics.median(taken),
        "slowest_ms": taken[int(len(taken) * 0.99)],
        "refused": sum(one.refused for one in threads),
        "client_cpu_s": time.process_time(),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
