"""Searches and reads on 100,000 resources and on ten times as many, with one member's visibility.

Medians and the ratio between the sizes. Each search is parsed, planned and answered with bodies;
pages of 20.

python -m benchmarks.search [RESOURCES...]
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.asked import numbers
from benchmarks.loading import OWNER, SHARD, fill
from benchmarks.storage import postgres
from gateway.records import Visibility
from gateway.store import Store

ROUNDS = 60
CODE = "code=http://loinc.org|718-7"
ASKED = (
    ("token", "Observation", CODE),
    ("token without system", "Observation", "code=718-7"),
    ("token, rare", "Patient", "identifier=urn:bench:rare|7"),
    ("reference", "Observation", "subject=Patient/{patient}"),
    ("date, three of a hundred", "Observation", "date=ge2026-12-20"),
    ("date, a day", "Observation", "date=2026-11-03"),
    ("string", "Patient", "name=林桂"),
    ("pinyin", "Patient", "name-pinyin=lgf"),
    ("quantity in UCUM", "Observation", "value-quantity=gt100|http://unitsofmeasure.org|g/L"),
    ("two tokens", "Observation", f"{CODE}&status=final"),
    ("negated", "Observation", "code:not=http://loinc.org|718-7"),
    ("sorted by date", "Observation", "_sort=-date"),
    ("chained", "Observation", f"subject:Patient.name=林桂芳&{CODE}"),
    ("chained to half of all", "Observation", f"subject:Patient.gender=male&{CODE}"),
    ("reverse chained", "Patient", f"_has:Observation:subject:{CODE}"),
    ("with _include", "Observation", f"{CODE}&_include=Observation:subject"),
    ("with _revinclude", "Patient", "name=林桂芳&_revinclude=Observation:subject"),
)
Figures = dict[str, float]


def median_ms(work: Callable[[], object]) -> float:
    """Give the median of several rounds after one that fills the caches."""
    work()
    taken = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken) * 1000


def measure(store: Store, patient: str) -> Figures:
    """Give the median of every search."""
    visibility, found = Visibility(SHARD, OWNER), {}
    for title, type_, text in ASKED:
        pairs = [part.partition("=") for part in text.format(patient=patient).split("&")]
        asked = [(left, right) for left, _, right in pairs] + [("_count", "20")]

        def ask(type_: str = type_, asked: list[tuple[str, str]] = asked) -> object:
            return store.search(visibility, store.query(SHARD, (type_,), asked))

        found[title] = median_ms(ask)
    found["read by id"] = median_ms(lambda: store.read(visibility, "Patient", patient))
    return found


@contextmanager
def databases() -> Iterator[dict[str, Callable[[], str]]]:
    """Give what makes a new database on each engine."""
    with tempfile.TemporaryDirectory() as name, postgres(Path(name)) as make:
        names = iter(range(1000))
        yield {
            "SQLite": lambda: f"sqlite:///{Path(name) / f'search{next(names)}.db'}",
            "PostgreSQL": make,
        }


def main(*counts: int) -> None:
    """Print the medians of both engines at each size, and how they grow."""
    sizes = counts or (100_000, 1_000_000)
    with tempfile.TemporaryDirectory() as folder, databases() as engines:
        for engine, make in engines.items():
            figures: list[Figures] = []
            for count in sizes:
                store = Store.open(make(), data_dir=Path(folder))
                store.upgrade()
                patient, seconds = fill(store, count)
                figures.append(measure(store, patient))
                store.close()
                print(f"{engine}: {count} resources loaded in {seconds:.0f} s", flush=True)
            print("".join(f"{size:>12}" for size in sizes).rjust(26 + 12 * len(sizes)), "  ms")
            for title, first in figures[0].items():
                line = "".join(f"{one[title]:12.2f}" for one in figures)
                print(f"  {title:24}{line}   {figures[-1][title] / first:5.2f} x", flush=True)


if __name__ == "__main__":
    main(*numbers("search", __doc__)[0])
