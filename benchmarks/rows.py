"""A long file of rows, mapped as ``gateway map`` does: rows a second, and the memory it took.

    python -m benchmarks.rows [ROWS]

The file is written to a temporary folder. On a terminal the command's own progress bar is shown.
Lineage and coverage are noted, not written out; bundles are neither validated nor written.
"""

import resource
import tempfile
import time
from pathlib import Path

from benchmarks.asked import numbers
from benchmarks.mapping import _program, _sample, rows
from gateway.cli import batches


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(count: int = 100_000) -> None:
    """Map a file of so many rows and print what it took."""
    program = _program("township-bsoft/referral")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.csv"
        path.write_bytes(rows(_sample(program, "up-inpatient.csv"), count))
        size = path.stat().st_size / 1e6
        before = _peak_mb()
        begin, clock = time.process_time(), time.monotonic()
        records = resources = issues = 0
        peaks: list[float] = []
        for mapped, found in batches.of_file([program], path):
            records += len(mapped)
            resources += sum(len(one.contributions) for one in mapped)
            issues += len(found)
            if records % (count // 4 or 1) == 0:
                peaks.append(_peak_mb())
        used, passed = time.process_time() - begin, time.monotonic() - clock
    print(f"  {records} rows ({size:.0f} MB), {resources} resources, {issues} findings;")
    print(f"  {records / used:.0f} rows a second of one core, {passed:.0f} s in all;")
    print(f"  most memory before {before:.0f} MB, at the quarters", end=" ")
    print(", ".join(f"{peak:.0f} MB" for peak in peaks))


if __name__ == "__main__":
    main(*numbers("rows", __doc__)[0])
