"""Searches and reads on 100,000 resources: the median of each, with the visibility of a member.

python -m benchmarks.search [RESOURCES]
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.bundles import Bundles
from benchmarks.storage import MEMBERS, postgres
from gateway.fhir import codec
from gateway.fhir.definitions import load
from gateway.fhir.search_index import compile_indexer
from gateway.records import Change, Commit, Visibility
from gateway.store import Store

ROUNDS = 40
ASKED = (
    ("token", "Observation", "code=http://loinc.org|718-7"),
    ("token, rare", "Patient", "identifier=urn:bench:rare|7"),
    ("reference", "Observation", "subject=Patient/{patient}"),
    ("date", "Observation", "date=ge2026-12-20"),
    ("string", "Patient", "name=林桂"),
    ("pinyin", "Patient", "name-pinyin=lgf"),
    ("running text", "Condition", "_content=双肺未闻"),
    ("quantity in UCUM", "Observation", "value-quantity=gt19900|http://unitsofmeasure.org|mg/L"),
    ("chained", "Observation", "subject:Patient.name=林桂芳&code=http://loinc.org|718-7"),
    ("with _include", "Observation", "subject=Patient/{patient}&_include=Observation:subject"),
)


def fill(store: Store, count: int) -> str:
    """Store resources by the thousand; give the id of one patient."""
    indexer = compile_indexer(load())
    made = Bundles(9, "Organization/a", "Organization/b")
    patient, waiting = "", []
    for _ in range(count // 14):
        resources = made.resources()
        ids = {url: url.removeprefix("urn:uuid:") for url, _ in resources}
        for url, one in resources:
            text = codec.encode({**one, "id": ids[url]}).decode()
            for other, name in ids.items():
                kind = "Patient" if name.startswith("patient") else "Encounter"
                text = text.replace(f'"{other}"', f'"{kind}/{name}"')
            resource = codec.decode(text.encode())
            patient = ids[url] if resource["resourceType"] == "Patient" else patient
            waiting.append(
                Change(
                    resource["resourceType"],
                    resource["id"],
                    resource,
                    indexer.rows(resource),
                    MEMBERS[0],
                    None,
                    2,
                )
            )
        if len(waiting) >= 500:
            store.commit(Commit(1, tuple(waiting)))
            waiting = []
    store.commit(Commit(1, tuple(waiting)))
    store.analyze()
    return patient


def median_ms(work: Callable[[], object]) -> float:
    """Give the median of several rounds after one that fills the caches."""
    work()
    taken = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken) * 1000


def measure(name: str, store: Store, count: int) -> None:
    """Print the medians of one engine."""
    begin = time.perf_counter()
    patient = fill(store, count)
    print(f"  {name}: {count} resources loaded and indexed in {time.perf_counter() - begin:.0f} s")
    visibility = Visibility(1, MEMBERS[0])
    for title, type_, text in ASKED:
        pairs = [part.partition("=") for part in text.format(patient=patient).split("&")]
        asked = [(left, right) for left, _, right in pairs] + [("_count", "20")]

        def ask(type_: str = type_, asked: list[tuple[str, str]] = asked) -> object:
            return store.search(visibility, store.query(1, (type_,), asked))

        page = store.search(visibility, store.query(1, (type_,), asked))
        print(f"    {title:18} {median_ms(ask):8.2f} ms   {len(page.matches):3} found")
    spent = median_ms(lambda: store.read(visibility, "Patient", patient))
    print(f"    {'read by id':18} {spent:8.3f} ms")


def main(count: int = 100_000) -> None:
    """Print the medians of both engines."""
    print("searches with parsing, planning and bodies, pages of 20")
    with tempfile.TemporaryDirectory() as name:
        store = Store.open("sqlite:///search.db", data_dir=Path(name))
        store.upgrade()
        measure("SQLite", store, count)
        store.close()
    with tempfile.TemporaryDirectory() as name, postgres(Path(name)) as make:
        store = Store.open(make(), data_dir=Path(name))
        store.upgrade()
        measure("PostgreSQL", store, count)
        store.close()


if __name__ == "__main__":
    main(*(int(one) for one in sys.argv[1:]))
