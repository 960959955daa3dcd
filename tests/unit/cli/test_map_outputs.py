"""Outputs of ``gateway map`` keep the folders of the files, and none overwrites another."""

from pathlib import Path

from click.testing import CliRunner

from gateway.cli.map import map_
from gateway.cli.map_outputs import outputs

PACK = Path(__file__).parents[3] / "mappings" / "flat-fhir" / "patient"


def put(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((PACK / "samples" / "patient.csv").read_bytes())


def test_files_of_one_name_in_two_folders_become_two_outputs(tmp_path: Path) -> None:
    first, second = tmp_path / "in" / "a" / "input.csv", tmp_path / "in" / "b" / "input.csv"
    put(first, second)
    out = tmp_path / "out"
    result = CliRunner().invoke(map_, [str(PACK), str(first), str(second), "--out", str(out)])

    assert result.exit_code == 0, result.output
    for name in ("bundle", "lineage", "outcome"):
        assert (out / "a" / f"input.{name}.json").exists()
        assert (out / "b" / f"input.{name}.json").exists()


def test_files_of_one_folder_stand_without_a_folder(tmp_path: Path) -> None:
    put(tmp_path / "a.csv", tmp_path / "b.csv")

    assert [one.folder for one in outputs([tmp_path / "a.csv", tmp_path / "b.csv"])] == [
        Path(),
        Path(),
    ]


def test_files_that_differ_in_their_ending_only_keep_it(tmp_path: Path) -> None:
    put(tmp_path / "a.csv", tmp_path / "a.txt", tmp_path / "b.csv")

    assert [one.stem for one in outputs([tmp_path])] == ["a.csv", "a.txt", "b"]


def test_a_file_named_twice_is_mapped_once(tmp_path: Path) -> None:
    put(tmp_path / "a.csv")

    assert len(outputs([tmp_path, tmp_path / "a.csv"])) == 1
