"""How long a start takes: imports, definitions and profiles, every mapping, the whole runtime.

Each figure is of a fresh process, the best of several. Last comes ``gateway serve`` itself, new and
without channels: seconds until it is ready, and the memory of the process that answers, then and
after mixed load: reads, searches, ``$everything``, creates, transactions of 14 resources.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import requests

from benchmarks.bundles import Bundles
from benchmarks.reading import prepare
from benchmarks.storage import MEMBERS
from benchmarks.traffic import children, cpu_s, free_address, get, measure, post
from gateway.fhir import codec

_ROOT = Path(__file__).resolve().parent.parent
_CHILD = """
import json, sys, tempfile, time
from pathlib import Path

marks = [("begin", time.perf_counter(), time.process_time())]


def mark(name):
    marks.append((name, time.perf_counter(), time.process_time()))


from gateway import wiring
from gateway.formats import DIALECTS, READERS
from gateway.mapping import Library
from gateway.settings import Settings

mark("import of gateway.wiring")
with tempfile.TemporaryDirectory() as folder:
    settings = Settings(data_dir=Path(folder), log_level="ERROR")
    definitions = wiring.load()
    wiring.Validator(definitions).with_definitions(wiring.profiles(settings))
    mark("definitions, profiles, validator")
    folders = [Path(one) for one in settings.mappings.split(":")]
    library = Library(folders, DIALECTS, definitions, READERS, is_lenient=True)
    mark(f"{len(library.programs)} mappings compiled")
    wiring.open_store(settings).close()
    mark("store opened and its schema made")
print(json.dumps(marks))
"""
_WHOLE = """
import json, tempfile, time
from pathlib import Path

begin = time.perf_counter(), time.process_time()
from gateway.settings import Settings
from gateway.wiring import build_runtime

with tempfile.TemporaryDirectory() as folder:
    runtime = build_runtime(Settings(data_dir=Path(folder), log_level="ERROR"))
    end = time.perf_counter(), time.process_time()
    runtime.close()
print(json.dumps([["begin", *begin], ["build_runtime with imports, new database", *end]]))
"""


def _steps(program: str) -> dict[str, tuple[float, float]]:
    """Run a program in a fresh process; give wall and processor seconds of its steps."""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=_ROOT, check=True, capture_output=True, text=True
    )
    marks = json.loads(done.stdout.splitlines()[-1])
    return {
        name: (wall - before[1], used - before[2]) for before, (name, wall, used) in pairwise(marks)
    }


@dataclass(frozen=True, slots=True)
class Served:
    """Of one start: seconds until ready, of processor till then, megabytes then and after load."""

    ready_s: float
    used_s: float
    fresh_mb: int
    loaded_mb: int


def _server(load_s: float) -> Served:
    """Start ``gateway serve``, then load its server process for some seconds."""
    address = free_address()
    with tempfile.TemporaryDirectory() as folder:
        asked = _mixed(Path(folder), address) if load_s else []
        options = ["--listen", address, "--data-dir", folder]
        begin = time.perf_counter()
        parent = subprocess.Popen([sys.executable, "-m", "gateway.cli", "serve", *options])
        try:
            while not _is_ready(address):
                time.sleep(0.02)
            taken, used = time.perf_counter() - begin, cpu_s(parent.pid)
            fresh = _server_mb(parent.pid)
            if load_s:
                seen = measure(address, asked, clients=8, seconds=load_s)
                print(f"  mixed load: {seen.per_second:.0f} requests/s, refused {seen.refused}")
            return Served(taken, used, fresh, _server_mb(parent.pid))
        finally:
            parent.terminate()
            parent.wait(30)


def _mixed(folder: Path, address: str) -> list[bytes]:
    """Prepare a database and give requests of all kinds."""
    paths, token, _ = prepare(folder)
    made = Bundles(7, f"Organization/org-{MEMBERS[0]}", f"Organization/org-{MEMBERS[1]}")
    asked: list[bytes] = []
    for path in paths:
        resources = made.resources()
        entries = [
            {"fullUrl": url, "resource": one, "request": {"method": "POST", "url": type_}}
            for url, one in resources
            for type_ in (one["resourceType"],)
        ]
        transaction = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        asked += (
            *(get(path, address, token), get(f"{path}/$everything", address, token)),
            get("/fhir/Patient?name=%E5%BC%A0&_count=20", address, token),
            get("/fhir/Observation?date=ge2025&_include=Observation:subject", address, token),
            post("/fhir/Patient", address, token, codec.encode(resources[0][1])),
            post("/fhir", address, token, codec.encode(transaction)),
        )
    return asked


def _is_ready(address: str) -> bool:
    try:
        return requests.get(f"http://{address}/readyz", timeout=2).ok
    except requests.ConnectionError:
        return False


def _server_mb(parent: int) -> int:
    """Give the resident megabytes of the largest child."""
    pages = [int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in children(parent)]
    return max(pages) * 4096 // 1_000_000


def main(times: int = 3, load_s: float = 60) -> None:
    """Print the best wall and processor time of each step of a start."""
    best: dict[str, tuple[float, float]] = {}
    for _ in range(times):
        for name, (wall, used) in {**_steps(_CHILD), **_steps(_WHOLE)}.items():
            known = best.get(name, (wall, used))
            best[name] = (min(known[0], wall), min(known[1], used))
    print(f"start, best of {times}: seconds on the clock, seconds of processor")
    for name, (wall, used) in best.items():
        print(f"  {name:45} {wall:7.2f} {used:7.2f}")
    served = [_server(0) for _ in range(times)]
    ready, used = min(one.ready_s for one in served), min(one.used_s for one in served)
    print(f"  {'gateway serve until ready, all processes':45} {ready:7.2f} {used:7.2f}")
    loaded = _server(load_s)
    print(
        f"  its server process holds {loaded.fresh_mb} MB,"
        f" {loaded.loaded_mb} MB after {load_s:.0f} s of load"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.start", description=__doc__)
    parser.add_argument("times", nargs="?", type=int, default=3, help="runs of each figure")
    parser.add_argument("--load", type=float, default=60, help="seconds of mixed load")
    return parser.parse_args()


if __name__ == "__main__":
    options = _options()
    main(options.times, options.load)
