"""Whether writing slows down as a database grows: 10,000 resources beside 1,000,000.

Both databases are filled with the rows that the store would have written, then take referral
bundles of 14 resources in turns of one run, from 16 clients in one process, so that what else the
machine does falls on both. Running text is not loaded, and new bundles bring theirs.

python -m benchmarks.growth [RESOURCES...] [postgresql]
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from benchmarks.asked import numbers
from benchmarks.loading import fill
from benchmarks.storage import encoded, postgres, runtime, send
from gateway.store import Store
from gateway.wiring import Runtime, settle

CLIENTS, TURNS, BUNDLES = 16, 8, 48


def filled(folder: Path, url: str, count: int) -> None:
    """Fill a database and tell how long it took."""
    store = Store.open(url, data_dir=folder)
    store.upgrade()
    _, taken_s = fill(store, count)
    size = store.database.size()
    store.close()
    print(f"  {count:,} resources, {size / 1e9:.2f} GB, filled in {taken_s:.0f} s", flush=True)


def turn(built: Runtime, bundles: list[bytes]) -> tuple[float, float]:
    """Give bundles a second, and milliseconds of processor for one."""
    begin, used = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(lambda raw: send(built, raw), bundles))
    taken, used = time.perf_counter() - begin, time.process_time() - used
    return len(bundles) / taken, 1000 * used / len(bundles)


def compare(url_of: Callable[[int], str], folder: Path, counts: list[int]) -> None:
    """Print the medians of both and their ratio."""
    for count in counts:
        (folder / f"{count}").mkdir()
        filled(folder / f"{count}", url_of(count), count)
    with ExitStack() as opened:
        several = [
            opened.enter_context(runtime(folder / f"{count}", url_of(count))) for count in counts
        ]
        settle()
        told: list[list[tuple[float, float]]] = [[] for _ in counts]
        bundles = encoded((TURNS + 1) * BUNDLES, seed=77)
        for number in range(TURNS + 1):
            part = bundles[number * BUNDLES : (number + 1) * BUNDLES]
            for at, built in enumerate(several):
                measured = turn(built, part)
                if number:  # The first turn warms caches.
                    told[at].append(measured)
    rates = [statistics.median(rate for rate, _ in one) for one in told]
    for count, rate, one in zip(counts, rates, told, strict=True):
        used = statistics.median(ms for _, ms in one)
        print(f"  {count:>9,} resources: {rate:6.1f} bundles/s, {used:.1f} ms of processor each")
    pairs = zip(told[0], told[-1], strict=True)
    by_turn = statistics.median(large[0] / small[0] for small, large in pairs)
    print(f"  ratio of the medians {rates[-1] / rates[0]:.2f}, median of the ratios {by_turn:.2f}")


def main(counts: list[int], *, is_postgres: bool) -> None:
    """Measure on one engine."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not is_postgres:
            compare(lambda _: "sqlite:///gateway.db", folder, counts)
            return
        with postgres(folder) as make:
            urls = {count: make() for count in counts}
            compare(urls.__getitem__, folder, counts)


if __name__ == "__main__":
    sizes, engine = numbers("growth", __doc__, ("postgresql",))
    main(sizes or [10_000, 1_000_000], is_postgres=bool(engine))
