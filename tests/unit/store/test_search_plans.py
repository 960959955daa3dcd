"""A search reads little of the database, whatever the planner believes of its contents."""

from typing import Any

import pytest
import sqlalchemy

from gateway.fhir.definitions import load
from gateway.fhir.search_query import parse_query
from gateway.store import Store
from tests.support.databases import ENGINES
from tests.unit.store.content import indexed
from tests.unit.store.samples import ALL, commit

PATIENTS = 444
BLOCKS = 60_000
"""Pages of 8 KB that a search of these few resources may touch; a wrong join touches millions."""


def _blocks_read(store: Store, asked: list[tuple[str, str]]) -> int:
    """Give the pages that the statements of a search touch on PostgreSQL."""
    statements: list[tuple[str, Any]] = []

    def keep(_c: Any, _u: Any, statement: str, parameters: Any, _x: Any, _m: Any) -> None:
        statements.append((statement, parameters))

    engine = store.database.engine
    sqlalchemy.event.listen(engine, "before_cursor_execute", keep)
    with store.database.reading() as connection:
        connection.exec_driver_sql("SET LOCAL statement_timeout = '20s'")
        store.search(ALL, parse_query(load(), ("Patient",), asked))
    sqlalchemy.event.remove(engine, "before_cursor_execute", keep)
    read = 0
    with store.database.reading() as connection:
        for statement, parameters in statements:
            if not statement.startswith(("SELECT", "WITH")):
                continue
            explained = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"
            (plan,) = connection.exec_driver_sql(explained, parameters).scalar_one()
            read += plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
    return read


@pytest.mark.parametrize("database_url", ENGINES[1:], indirect=True)
@pytest.mark.parametrize(
    "asked",
    [
        "link:Patient.link:Patient.link:Patient.name=lin&gender=male",
        "_has:Patient:link:_has:Patient:link:_has:Patient:link:name=lin&gender=male",
        "link:Patient._has:Patient:link:link:Patient.name:contains=in&gender:not=female",
        "link:Patient.link:Patient.gender:missing=true&name=lin",
    ],
)
def test_a_nested_chain_reads_little_whatever_the_statistics_say(store: Store, asked: str) -> None:
    few = [indexed("Patient", f"early{n}", gender="female") for n in range(3)]
    store.commit(commit(*few))
    store.analyze()
    numbers = range(PATIENTS)
    store.commit(
        commit(
            *(
                indexed(
                    "Patient",
                    f"p{n}",
                    name=[{"text": f"lin {n}"}],
                    gender="male",
                    link=[
                        {"other": {"reference": f"Patient/p{(n + step) % PATIENTS}"}}
                        for step in (1, 2, 3)
                    ],
                )
                for n in numbers
            )
        )
    )
    pairs = [(n, v) for n, _, v in (part.partition("=") for part in asked.split("&"))]
    assert _blocks_read(store, [*pairs, ("_count", "20")]) < BLOCKS
