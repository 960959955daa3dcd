"""fhir-pyrate: searches become tables, page by page and row by row."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from tests.support.live import Live
from tests.support.resources import bundle, entry, observation, patient

pytestmark = pytest.mark.filterwarnings("ignore:::fhirpathpy", "ignore:::fhir_pyrate")
NUMBER = f"urn:uuid:{uuid4()}"


@pytest.fixture(scope="module")
def stored(live: Live) -> list[str]:
    """Five people with three values each; give their ids."""
    people = []
    with live.session() as session:
        for index in range(5):
            name = f"urn:uuid:{uuid4()}"
            labs = [
                entry("POST", "Observation", observation(name, valueQuantity={"value": value}))
                for value in range(3)
            ]
            identified = patient(identifier=[{"system": NUMBER, "value": str(index)}])
            made = session.post(
                live.fhir,
                json=bundle("transaction", entry("POST", "Patient", identified, name), *labs),
                timeout=30,
            )
            people.append(made.json()["entry"][0]["resource"]["id"])
    return people


@pytest.fixture
def pirate(live: Live) -> Iterator[Any]:
    from fhir_pyrate import Pirate

    with live.session() as session, Pirate(live.fhir, auth=session) as pirate:
        yield pirate


def test_a_search_becomes_a_table(pirate: Any, stored: list[str]) -> None:
    table = pirate.steal_bundles_to_dataframe(
        "Patient",
        {"identifier": f"{NUMBER}|", "_count": 2, "_sort": "_id"},
        fhir_paths=["id", ("number", "identifier[0].value"), ("year", "birthDate")],
    )
    assert set(table["id"]) == set(stored)
    assert sorted(table["number"]) == ["0", "1", "2", "3", "4"]
    assert set(table["year"]) == {"1962"}


def test_pages_are_followed_and_totals_asked(pirate: Any, stored: list[str]) -> None:
    asked = {"identifier": f"{NUMBER}|", "_count": 2, "_sort": "_id"}
    pages = list(pirate.steal_bundles("Patient", asked))
    assert [len(page.entry) for page in pages] == [2, 2, 1]
    counted = {"identifier": f"{NUMBER}|", "_total": "accurate", "_count": 1}
    assert pirate.get_bundle_total("Patient", counted) == 5


def test_each_row_is_searched_for(pirate: Any, stored: list[str]) -> None:
    import pandas as pd

    rows = pd.DataFrame({"who": stored})
    table = pirate.trade_rows_for_dataframe(
        rows,
        "Observation",
        df_constraints={"subject": "who"},
        request_params={"code": "718-7", "_sort": "_id"},
        fhir_paths=["id", ("subject", "subject.reference"), ("value", "valueQuantity.value")],
        with_ref=True,
    )
    assert len(table) == 15
    assert set(table["subject"]) == {f"Patient/{one}" for one in stored}
    assert sorted(set(table["value"])) == [0, 1, 2]


def test_a_span_of_time_is_searched_in_slices(pirate: Any, stored: list[str]) -> None:
    bundles = pirate.sail_through_search_space(
        "Observation",
        time_attribute_name="_lastUpdated",
        date_init="2020-01-01",
        date_end="2100-01-01",
        request_params={"subject": f"Patient/{stored[0]}"},
    )
    assert sum(len(one.entry or ()) for one in bundles) == 3
