"""``gateway map`` and ``gateway map test`` as an integrator uses them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.map import map_, render
from gateway.errors import GatewayError
from tests.unit.mapping.tryout import patient_map, write

MAP = patient_map(
    "gender: {from: SEX, codes: {1: male}}\nname.text: {from: NAME}\nbirthDate: {from: BORN}"
)


def run(*words: object) -> tuple[int, str]:
    """Run ``gateway map`` and give its exit code and all it printed."""
    result = CliRunner().invoke(map_, [str(word) for word in words])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_bundle_lineage_and_outcome_of_each_file_are_written(tmp_path: Path) -> None:
    path = write(tmp_path, MAP)
    (tmp_path / "in.csv").write_text("NO,SEX,NAME\n1,1,林\n2,1,李\n1,1,林桂芳\n", encoding="utf-8")

    code, output = run(path, tmp_path / "in.csv", "--out", tmp_path / "out")

    assert code == 0, output
    bundle = json.loads((tmp_path / "out" / "in.bundle.json").read_text())
    lineage = json.loads((tmp_path / "out" / "in.lineage.json").read_text())
    outcome = json.loads((tmp_path / "out" / "in.outcome.json").read_text())
    assert [e["resource"]["name"][0]["text"] for e in bundle["entry"]] == ["林桂芳", "李"]
    row = next(r for r in lineage["rows"] if r["pointer"] == "/entry/0/resource/name/0/text")
    assert row["sources"] == [{"path": "NAME", "line": 4, "column": None}]
    assert len(lineage["rows"]) == 6
    assert outcome["resourceType"] == "OperationOutcome"


def test_one_refused_record_does_not_stop_the_others_but_is_told(tmp_path: Path) -> None:
    path = write(tmp_path, MAP)
    (tmp_path / "in.csv").write_text("NO,SEX\n1,9\n2\n3,1\n", encoding="utf-8")

    code, output = run(path, tmp_path / "in.csv", "--out", tmp_path / "out")

    outcome = json.loads((tmp_path / "out" / "in.outcome.json").read_text())
    codes = [i["details"]["coding"][0]["code"] for i in outcome["issue"]]
    assert code == 1
    assert codes[:2] == ["GW-3102", "GW-2501"]
    assert len(json.loads((tmp_path / "out" / "in.invalid.json").read_text())["entry"]) == 1
    assert "GW-3102 [SEX (line 2)]" in output


def test_explain_shows_source_rule_and_element(tmp_path: Path) -> None:
    path = write(tmp_path, MAP)
    (tmp_path / "in.csv").write_text("NO,SEX,MEMO\n1,1,x\n", encoding="utf-8")

    _, output = run(path, tmp_path / "in.csv", "--explain")

    shown = " ".join(output.split())
    assert "SEX (line 2) → map.yaml:9 (map.yaml:9) → gender male" in shown
    assert "未读取 unread: MEMO (line 2)" in output


def test_mistakes_of_a_mapping_are_listed_and_nothing_is_mapped(tmp_path: Path) -> None:
    path = write(tmp_path, MAP.replace("gender", "gander"))
    (tmp_path / "in.csv").write_text("NO\n1\n", encoding="utf-8")

    code, output = run(path, tmp_path / "in.csv")

    assert code == 1
    assert "map.yaml:9:7: GW-3021: Patient has no element gander (did you mean gender?)" in output
    assert "是否想写 gender" in output


@pytest.mark.parametrize(("wanted", "code"), [("male", 0), ("female", 1)])
def test_map_test_runs_the_tests_of_all_mappings_below_a_folder(
    tmp_path: Path, wanted: str, code: int
) -> None:
    test = f"tests:\n  - {{in: in.csv, expect: {{Patient.gender: {wanted}}}}}\n"
    write(tmp_path / "a", MAP + test)
    (tmp_path / "a" / "in.csv").write_text("NO,SEX\n1,1\n", encoding="utf-8")

    found, output = run("test", tmp_path)

    assert found == code
    assert f"1 test(s), {code} failed" in output


def test_expected_bundles_are_written_and_compared(tmp_path: Path) -> None:
    write(tmp_path, MAP)
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "in.csv").write_text("NO,SEX\n1,1\n", encoding="utf-8")

    assert run("test", tmp_path, "--write-expected")[0] == 0
    write(tmp_path, MAP.replace("1: male", "1: female"))

    code, output = run("test", tmp_path)
    assert code == 1
    assert '+        "gender": "female"' in output


@pytest.mark.parametrize(
    ("bundle", "template", "number"),
    [
        ("[1]", "NO,SEX\n", "GW-7015"),
        ("{", "NO,SEX\n", "GW-2202"),
        ('{"resourceType": "Bundle", "entry": [{}]}', "编号\n", "GW-2602"),
    ],
)
def test_what_cannot_be_rendered_is_refused_by_number(
    tmp_path: Path, bundle: str, template: str, number: str
) -> None:
    path = write(tmp_path, MAP)
    (tmp_path / "b.json").write_text(bundle)
    (tmp_path / "t.csv").write_bytes(template.encode("gb18030"))
    words = [str(path), str(tmp_path / "b.json"), "--template", str(tmp_path / "t.csv")]
    result = CliRunner().invoke(render, words)
    assert isinstance(result.exception, GatewayError)
    assert result.exception.number == number
