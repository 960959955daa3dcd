"""Reads by id over HTTP with token and policy, beside a bare Flask view of the same bytes.

Both are served by granian with two processes and asked by the same client process, one after the
other and once more in turn; the better run of each counts.

python -m benchmarks.reading [SECONDS]
"""

import os
import sys
import tempfile
from pathlib import Path

from benchmarks.bundles import Bundles
from benchmarks.storage import MEMBERS, principal, runtime
from benchmarks.traffic import Traffic, free_address, get, measure, server
from gateway.interactions import Request
from gateway.store import Client

CLIENTS, PATIENTS, ROUNDS = 16, 200, 3


def _prepare(folder: Path) -> tuple[list[str], str, bytes]:
    """Store patients; give their paths, a token, and the body of one."""
    with runtime(folder, "") as built:
        built.store.registry.add_client(
            Client("bench", "bench", "", MEMBERS[0], (1,), ("system/*.cruds",), is_active=True)
        )
        made = Bundles(3, f"Organization/org-{MEMBERS[0]}", f"Organization/org-{MEMBERS[1]}")
        requests = [
            Request("create", "Patient", None, made.resources()[0][1]) for _ in range(PATIENTS)
        ]
        written = built.pipeline.write(principal(), requests)
        stored = [one.stored for one in written if one.stored is not None]
        paths = [f"/fhir/Patient/{one.id}" for one in stored]
        return paths, built.access.issue("bench"), stored[0].body


def _line(name: str, seen: Traffic, seconds: float) -> None:
    print(
        f"  {name:28} {seen.per_second:7.0f} reads/s   median {seen.median_ms:5.2f} ms   99 % below"
        f" {seen.slowest_ms:6.2f} ms   refused {seen.refused}"
        f"   the client took {seen.client_cpu_s / seconds * 100:.0f} % of a core"
    )


def main(seconds: float = 4) -> None:
    """Print both, and their ratio."""
    print(f"read by id, {CLIENTS} clients, two server processes of granian each")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths, token, body = _prepare(folder)
        (folder / "body.json").write_bytes(body)
        ours, bare = free_address(), free_address()
        environment = os.environ | {
            "GATEWAY_DATA_DIR": name,
            "GATEWAY_LOG_LEVEL": "ERROR",
            "BENCH_BODY": str(folder / "body.json"),
        }
        host, _, port = bare.rpartition(":")
        gateway = ["-m", "gateway.cli", "serve", "--listen", ours, "--workers", "2"]
        flask = ["-m", "granian", "--interface", "wsgi", "--workers", "2", "--factory"]
        flask += ["--host", host, "--port", port, "--blocking-threads", "4", "benchmarks.bare:bare"]
        best: dict[str, Traffic] = {}
        with server(gateway, environment, ours), server(flask, environment, bare):
            for _ in range(ROUNDS):
                for kind, address in (("bare Flask view", bare), ("gateway", ours)):
                    asked = [get(path, address, token) for path in paths]
                    seen = measure(address, asked, clients=CLIENTS, seconds=seconds)
                    if kind not in best or seen.per_second > best[kind].per_second:
                        best[kind] = seen
        for kind, seen in best.items():
            _line(kind, seen, seconds)
        ratio = best["gateway"].per_second / best["bare Flask view"].per_second
        print(f"  ratio {ratio:.2f}")


if __name__ == "__main__":
    main(*(float(one) for one in sys.argv[1:]))
