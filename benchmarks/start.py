"""How long a start takes: imports, definitions and profiles, every mapping, the whole runtime.

Each figure is of a fresh process; ``python -m benchmarks.start [TIMES]`` gives the best of several.
"""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

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


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
