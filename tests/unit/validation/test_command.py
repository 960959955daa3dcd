"""``gateway validate``: files, exit codes, the batch contract."""

import json
from pathlib import Path

from click.testing import CliRunner

from gateway.cli.validate import validate
from tests.unit.validation.conftest import patient


def _write(folder: Path, name: str, value: object) -> Path:
    path = folder / name
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return path


def test_a_file_with_errors_gives_exit_code_one_and_both_languages(tmp_path: Path) -> None:
    """A valid one gives zero."""
    good = _write(tmp_path, "good.json", patient())
    bad = _write(tmp_path, "bad.json", patient(gender="m"))
    assert CliRunner().invoke(validate, [str(good)]).exit_code == 0
    result = CliRunner().invoke(validate, [str(tmp_path)])
    assert result.exit_code == 1
    assert str(bad) in result.output
    assert "GW-4101 Patient.gender" in result.output
    assert "必选值集" in result.output
    assert "required value set" in result.output


def test_xml_is_read_too(tmp_path: Path) -> None:
    """By its first character, whatever the file is called."""
    path = tmp_path / "patient.xml"
    path.write_text('<Patient xmlns="http://hl7.org/fhir"><gender value="m"/></Patient>')
    result = CliRunner().invoke(validate, [str(path)])
    assert result.exit_code == 1
    assert "GW-4101 Patient.gender" in result.output


def test_broken_json_is_a_finding_with_line_and_column(tmp_path: Path) -> None:
    """The command goes on with the next file."""
    (tmp_path / "a.json").write_text('{"resourceType": "Patient",\n "id": }')
    _write(tmp_path, "b.json", patient())
    result = CliRunner().invoke(validate, [str(tmp_path)])
    assert result.exit_code == 1
    assert "line 2" in result.output
    assert "✓" in result.output


def test_each_batch_request_has_its_own_definitions(tmp_path: Path) -> None:
    """Nothing but answers is written; a request that fails does not end the batch."""
    url = "http://sample.test/StructureDefinition/p"
    made = {
        "resourceType": "StructureDefinition",
        "url": url,
        "type": "Patient",
        "derivation": "constraint",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "differential": {
            "element": [{"id": "Patient.telecom", "path": "Patient.telecom", "min": 1}]
        },
    }
    file = str(_write(tmp_path, "p.json", patient()))
    definition = str(_write(tmp_path, "sd.json", made))
    requests = [
        {"id": "1", "file": file, "definitions": [definition], "profile": url},
        {"id": "2", "file": file, "definitions": [], "profile": url},
        {"id": "3", "file": str(tmp_path / "none.json"), "definitions": [], "profile": None},
        {"id": "4", "file": file, "definitions": [], "profile": None},
    ]
    lines = "\n".join(json.dumps(one) for one in requests)
    result = CliRunner().invoke(validate, ["--batch", "-"], input=lines)
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    numbers = {
        one["id"]: [
            issue["details"]["coding"][0]["code"]
            for issue in one["outcome"]["issue"]
            if issue["severity"] == "error"
        ]
        for one in answers
    }
    assert numbers == {"1": ["GW-4301"], "2": ["GW-4312"], "3": ["GW-4810"], "4": []}
