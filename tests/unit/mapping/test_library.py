"""A folder of mappings: site files over vendor files, reload, a mapping's own tests."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.errors import GatewayError
from gateway.fhir.definitions import load
from gateway.formats import DIALECTS, READERS
from gateway.mapping import Library, MappingErrors, load_mapping, trials
from gateway.records import Format, Reader
from tests.unit.mapping.tryout import mapped, patient_map, write

VENDOR = patient_map(
    "gender: {from: SEX, codes: sex}\nname.text: {from: NAME}\nbirthDate: {from: BORN}",
    head="codes: {sex: {1: male, 2: female}}\nignore: [MEMO]\n",
).replace("test/map", "vendor/patient")
SITE = """mapping: 1
id: county/patient
extends: vendor/patient
source: {zone: Asia/Shanghai}
codes: {sex: sex.csv}
resources:
  - as: patient
    write: merge
    set:
      name: {set: {family: {from: NAME}}}
      birthDate: null
      active: true
"""
ROW = "NO,SEX,NAME,BORN,MEMO\n1,F,林,1962,x\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "mappings"
    write(root / "vendor" / "patient", VENDOR)
    write(root / "county" / "patient", SITE)
    (root / "county" / "patient" / "sex.csv").write_text("source,target\nF,female\n")
    return root


def library(folder: Path, readers: Mapping[Format, Reader] | None = None) -> Library:
    return Library([folder], DIALECTS, load(), readers)


def test_a_sites_file_changes_single_elements_of_the_vendors_mapping(folder: Path) -> None:
    program = library(folder).get("county/patient")

    made = mapped(program, ROW)

    one = made.contributions[0]
    assert {k: v for k, v in one.resource.items() if k not in ("resourceType", "id")} == {
        "gender": "female",
        "name": [{"family": "林"}],
        "active": True,
    }
    assert one.write == "merge"
    assert [place.path for place in made.unread] == ["BORN"]
    rules = {row.pointer.rpartition("/")[2]: row.rule for row in made.lineage}
    assert rules["gender"] == "vendor/patient/map.yaml:11"
    assert rules["family"] == "county/patient/map.yaml:10"


def test_a_single_file_finds_what_it_extends_below_its_mappings_folder(folder: Path) -> None:
    program = load_mapping(folder / "county" / "patient" / "map.yaml", DIALECTS, load())

    assert program.zone == "Asia/Shanghai"
    assert len(program.files) == 3


def test_mappings_that_extend_each_other_are_refused(folder: Path) -> None:
    write(folder / "vendor" / "patient", VENDOR + "extends: county/patient\n")

    with pytest.raises(MappingErrors, match="in a circle"):
        library(folder)


def test_the_first_mapping_of_a_channel_that_takes_the_record_is_used(folder: Path) -> None:
    programs = library(folder)
    parsed = next(trials.read_records(programs.get("county/patient"), ROW.encode(), READERS))

    assert programs.for_channel(["county/patient"], parsed).id == "county/patient"
    with pytest.raises(GatewayError) as caught:
        programs.for_channel([], parsed)
    assert caught.value.number == "GW-3002"
    with pytest.raises(GatewayError) as caught:
        programs.for_channel(["county/none"], parsed)
    assert caught.value.number == "GW-3003"


def test_a_reload_keeps_the_old_program_where_the_new_file_does_not_compile(folder: Path) -> None:
    programs = library(folder)
    before = programs.get("county/patient")
    write(folder / "county" / "patient", SITE.replace("active", "aktive"))

    failures = programs.reload()

    assert [path.endswith("county/patient/map.yaml") for path in failures] == [True]
    assert programs.get("county/patient") is before
    write(folder / "county" / "patient", SITE.replace("active: true", "active: false"))
    assert programs.reload() == {}
    assert mapped(programs.get("county/patient"), ROW).contributions[0].resource["active"] is False


def test_a_reload_keeps_the_old_program_where_the_new_file_fails_its_own_tests(
    folder: Path,
) -> None:
    place = folder / "county" / "patient"
    (place / "one.csv").write_text(ROW, encoding="utf-8")
    test = "tests:\n  - {in: one.csv, expect: {Patient.gender: female, Patient.name.count(): 1}}\n"
    write(place, SITE + test)
    programs = library(folder, READERS)
    before = programs.get("county/patient")
    write(place, SITE.replace("birthDate: null", "gender: null") + test)

    failures = programs.reload()

    assert [err.number for err in failures.values()] == ["GW-3040"]
    assert programs.get("county/patient") is before


def test_a_changed_vendor_file_recompiles_the_sites_that_extend_it(folder: Path) -> None:
    programs = library(folder)
    before = programs.get("county/patient").hash
    write(folder / "vendor" / "patient", VENDOR.replace("ignore: [MEMO]", "ignore: [MEMO, BORN]"))

    assert programs.reload() == {}
    assert programs.get("county/patient").hash != before
    assert mapped(programs.get("county/patient"), ROW).unread == ()


def test_a_mappings_tests_show_what_differs(folder: Path) -> None:
    place = folder / "vendor" / "patient"
    (place / "samples").mkdir()
    (place / "samples" / "one.csv").write_text(ROW.replace("F", "2"), encoding="utf-8")
    (place / "expected").mkdir()
    (place / "expected" / "one.bundle.json").write_text("{}\n")
    tests = """tests:
  - {in: samples/one.csv, expect: {Patient.gender: female, Patient.birthDate: 1962}, unread: []}
  - {in: samples/one.csv, expect: {Patient.gender: male}, unread: [NAME]}
  - {in: samples/none.csv}
  - {in: samples/one.csv, error: GW-3102}
"""
    write(place, VENDOR + tests)

    found = trials.run_trials(load_mapping(place / "map.yaml", DIALECTS, load()), READERS)

    assert [len(trial.differences) for trial in found[:4]] == [0, 2, 1, 1]
    assert found[1].differences[0] == "Patient.gender: expected ['male'], found ['female']"
    assert any('+  "resourceType": "Bundle"' in line for line in found[4].differences)
