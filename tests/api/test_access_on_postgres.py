"""The same rules in the SQL of PostgreSQL: the matrix in the ways whose statements differ there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.settings import load_settings
from gateway.wiring import build_runtime
from tests.api.test_narrowed_scopes import LAB, ids, observation
from tests.support.access_ways import WAYS
from tests.support.access_world import SEEN, VIEWERS, Case, World
from tests.support.consortium import Consortium, found_consortium
from tests.support.databases import new_database

pytestmark = pytest.mark.postgres
SAMPLE = ("read", "search by code", "chain", "_has", "_revinclude", "$everything")


@pytest.fixture(scope="module")
def world(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("gateway-postgres")
    (folder / "mappings").mkdir()
    with new_database(postgres) as url:
        settings = load_settings(
            {}, data_dir=folder, database=url, mappings=str(folder / "mappings"), demo_links=True
        )
        runtime = build_runtime(settings)
        found_consortium(runtime)
        yield World(Consortium(runtime))
        runtime.close()


@pytest.fixture(scope="module")
def cases(world: World) -> dict[str, Case]:
    return {relation: world.play(relation) for relation in SEEN}


@pytest.mark.parametrize("way", SAMPLE)
def test_every_way_answers_everybody_as_the_relations_say(
    world: World, cases: dict[str, Case], way: str
) -> None:
    mine = {case.observation: relation for relation, case in cases.items()}
    for viewer in VIEWERS:
        due = {relation for relation in cases if viewer in SEEN[relation]}
        given = WAYS[way](world, viewer, list(cases.values())) & mine.keys()
        assert {mine[one] for one in given} == due, viewer


def test_a_narrowed_scope_leaves_out_the_same(world: World) -> None:
    county = world.consortium.client("qs-county")
    narrow = world.consortium.client("qs-county", LAB)
    patient = county.post("/Patient", {"resourceType": "Patient"}).get_json()["id"]
    lab, survey = (
        county.post("/Observation", observation(category, patient)).get_json()["id"]
        for category in ("laboratory", "survey")
    )
    for path in (
        f"/Observation?subject=Patient/{patient}",
        f"/Observation?_id={lab},{survey}&_sort=-_lastUpdated",
        f"/Observation/{lab}/_history",
    ):
        assert ids(narrow, path) == {lab}
    assert narrow.get(f"/Observation/{lab}").status_code == 200
    assert narrow.get(f"/Observation/{survey}").status_code == 404
    assert survey not in ids(narrow, "/Observation/_history?_count=100")
