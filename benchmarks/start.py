"""How long a start takes: imports, definitions and profiles, every mapping, the whole runtime.

Each figure is of a fresh process; ``python -m benchmarks.start [TIMES]`` gives the best of several.
Last comes ``gateway serve`` itself, new and without channels: seconds until it is ready, and the
memory of the process that answers.
"""

import json
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import requests

from benchmarks.traffic import free_address

_ROOT = Path(__file__).resolve().parent.parent
_CHILD = """
import json, sys, tempfile, time
from pathlib import Path

marks = [("begin", time.perf_counter(), time.process_time())]


def mark(name):
    marks.append((name, time.perf_counter(), time.process_time()))


from gateway import wiring
from gateway.settings import Settings

mark("import of gateway.wiring")
with tempfile.TemporaryDirectory() as folder:
    settings = Settings(data_dir=Path(folder), log_level="ERROR")
    definitions = wiring.load()
    wiring.Validator(definitions).with_definitions(wiring.profiles(settings))
    mark("definitions, profiles, validator")
    library = wiring.library(settings, definitions)
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


def _server() -> tuple[float, int]:
    """Start ``gateway serve``; give seconds until ready, and megabytes of its server process."""
    address = free_address()
    with tempfile.TemporaryDirectory() as folder:
        options = ["--listen", address, "--data-dir", folder]
        begin = time.perf_counter()
        parent = subprocess.Popen([sys.executable, "-m", "gateway.cli", "serve", *options])
        try:
            while not _is_ready(address):
                time.sleep(0.02)
            taken = time.perf_counter() - begin
            return taken, max(_resident_mb(child) for child in _children(parent.pid))
        finally:
            parent.terminate()
            parent.wait(30)


def _is_ready(address: str) -> bool:
    try:
        return requests.get(f"http://{address}/readyz", timeout=2).ok
    except requests.ConnectionError:
        return False


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _resident_mb(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 // 1_000_000


def main(times: int = 3) -> None:
    """Print the best wall and processor time of each step of a start."""
    best: dict[str, tuple[float, float]] = {}
    for _ in range(times):
        for name, (wall, used) in {**_steps(_CHILD), **_steps(_WHOLE)}.items():
            known = best.get(name, (wall, used))
            best[name] = (min(known[0], wall), min(known[1], used))
    print(f"start, best of {times}: seconds on the clock, seconds of processor")
    for name, (wall, used) in best.items():
        print(f"  {name:45} {wall:7.2f} {used:7.2f}")
    servers = [_server() for _ in range(times)]
    print(f"  gateway serve until ready {min(one[0] for one in servers):27.2f}")
    print(f"  its server process holds {max(one[1] for one in servers):25} MB")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
