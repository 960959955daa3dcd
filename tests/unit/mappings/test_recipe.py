"""The recipe ``docs/recipes/add-a-hospital.md``: its files do what its text promises."""

import re
import shutil
from pathlib import Path

import pytest

from gateway.consortium import read_description
from gateway.fhir import definitions
from gateway.formats import DIALECTS, READERS
from gateway.mapping import Library, trials
from gateway.records import Mapped
from tests.unit.mappings.packs import FOLDER, ROOT

RECIPE = ROOT / "docs" / "recipes" / "add-a-hospital"
TEXT = (ROOT / "docs" / "recipes" / "add-a-hospital.md").read_text("utf-8")


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Follow step 3 beside a copy of the mapping that it takes over."""
    for name in ("township-bsoft", "national-codes"):
        shutil.copytree(FOLDER / name, tmp_path / "mappings" / name)
    for line in re.findall(r"^(?:mkdir -p|cp) .*$", TEXT, re.MULTILINE):
        command, *words = line.removeprefix("mkdir -p").split()
        if line.startswith("mkdir"):
            for folder in (command, *words):
                (tmp_path / folder).mkdir(parents=True)
        else:
            source, target = words
            shutil.copy(ROOT / source, tmp_path / target)
    return Library([tmp_path / "mappings"], DIALECTS, definitions.load())


def rows(library: Library) -> list[Mapped]:
    """Map the table of the recipe."""
    return trials.map_file(library.get("baiyun/referral"), RECIPE / "baiyun-referral.csv", READERS)


def test_following_the_recipe_gives_what_it_promises(library: Library) -> None:
    program = library.get("baiyun/referral")
    tried = trials.run_trials(program, READERS)
    assert [trial.differences for trial in tried] == [[], []]
    mapped = rows(library)
    resources = sum(len(one.contributions) for one in mapped)
    unread = sum(len(one.unread) for one in mapped)
    promised = f"{len(mapped)} record(s), {resources} resource(s), {unread} unread field(s)"
    assert promised in TEXT


def test_the_new_hospital_keeps_everything_that_the_township_told(library: Library) -> None:
    types = [[c.resource["resourceType"] for c in one.contributions] for one in rows(library)]
    whole = ["Patient", "Encounter", "ServiceRequest", "Condition", "Task", "Composition"]
    assert types == [whole, whole]


def test_the_channel_of_the_recipe_has_the_same_pairs_as_the_mapping(library: Library) -> None:
    described = read_description(RECIPE / "consortium.yaml")
    [channel] = described["channels"]
    samples = library.get("baiyun/referral").samples
    assert channel["options"]["synonyms"] == samples.options["synonyms"]
    assert channel["mappings"] == ["baiyun/referral"]
    assert channel["charset"] == samples.charset


def test_the_table_of_pairs_in_the_text_names_every_pair(library: Library) -> None:
    pairs = library.get("baiyun/referral").samples.options["synonyms"]
    table = TEXT.partition("| 已有映射 / mapping |")[2].partition("## 3.")[0]
    assert [name for name in pairs if f"`{name}`" not in table] == []
    assert [own for [own] in pairs.values() if own not in table] == []
