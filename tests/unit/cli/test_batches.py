"""A file of many records goes through in batches."""

from pathlib import Path

from gateway.cli import batches
from gateway.fhir.definitions import load
from gateway.formats import DIALECTS
from gateway.mapping import MappingProgram, load_mapping
from tests.unit.mapping.tryout import patient_map, write


def program(tmp_path: Path) -> MappingProgram:
    place = tmp_path / "mappings" / "patient"
    write(place, patient_map("gender: {from: SEX, codes: sex}", head="codes: {sex: {1: male}}\n"))
    return load_mapping(place / "map.yaml", DIALECTS, load())


def file_of(tmp_path: Path, rows: list[str]) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["NO,SEX", *rows]) + "\n", encoding="utf-8")
    return path


def test_a_long_file_comes_in_batches_of_a_thousand_and_a_rest(tmp_path: Path) -> None:
    path = file_of(tmp_path, [f"{number},1" for number in range(2_001)])

    sizes = [len(mapped) for mapped, _ in batches.of_file([program(tmp_path)], path)]

    assert sizes == [batches.RECORDS, batches.RECORDS, 1]


def test_a_refused_record_stands_with_the_others_of_its_batch(tmp_path: Path) -> None:
    rows = [f"{number},1" for number in range(1_500)]
    rows[1_200] = "1200,9"
    rows[1_300] = "1300"
    path = file_of(tmp_path, rows)

    first, second = batches.of_file([program(tmp_path)], path)

    assert [one.number for one in first[1]] == []
    assert [(one.number, one.place and one.place.line) for one in second[1]] == [
        ("GW-3102", 1_202),
        ("GW-2501", 1_302),
    ]
    assert len(second[0]) == 498


def test_a_file_of_exactly_one_batch_gives_no_empty_second_one(tmp_path: Path) -> None:
    path = file_of(tmp_path, [f"{number},1" for number in range(batches.RECORDS)])

    assert len(list(batches.of_file([program(tmp_path)], path))) == 1


def test_a_file_without_records_gives_one_batch_that_says_why(tmp_path: Path) -> None:
    path = tmp_path / "empty.csv"
    path.write_bytes(b"")

    found = list(batches.of_file([program(tmp_path)], path))

    assert [[one.number for one in issues] for _, issues in found] == [["GW-2002"]]
