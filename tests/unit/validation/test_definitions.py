"""Definitions from packages and from the store, and places of findings in their source."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.cli.profiles import package
from gateway.cli.validate import validate
from gateway.errors import GatewayError
from gateway.fhir.definitions import load
from gateway.records import Resource
from gateway.validation import Validator
from gateway.validation.packages import read_definitions
from gateway.validation.shards import ShardValidators
from gateway.validation.sources import located
from tests.unit.validation.conftest import found, patient

URL = "https://consortium-fhir.cn/StructureDefinition/with-phone"
PROFILE: Resource = {
    "resourceType": "StructureDefinition",
    "id": "with-phone",
    "url": URL,
    "name": "WithPhone",
    "status": "active",
    "kind": "resource",
    "abstract": False,
    "type": "Patient",
    "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
    "derivation": "constraint",
    "differential": {
        "element": [
            {"id": "Patient", "path": "Patient"},
            {"id": "Patient.telecom", "path": "Patient.telecom", "min": 1},
        ]
    },
}


def test_a_package_in_a_folder_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "own.tgz").write_bytes(package([PROFILE]))
    validator = Validator(load(), read_definitions([tmp_path]))
    assert found(validator.check(patient(), [URL])) == {("GW-4301", "Patient")}


def test_the_same_profiles_make_the_same_package() -> None:
    assert package([PROFILE], [patient()]) == package([PROFILE], [patient()])


def _archive(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def test_members_outside_the_package_folder_are_not_read(tmp_path: Path) -> None:
    """Nothing is unpacked, so a path that climbs leads nowhere."""
    content = json.dumps(PROFILE).encode()
    _archive(tmp_path / "x.tgz", {"../../evil.json": content, "package/example/p.json": content})
    assert read_definitions([tmp_path]) == []
    assert [path.name for path in tmp_path.iterdir()] == ["x.tgz"]


def test_a_broken_package_is_refused_by_number(tmp_path: Path) -> None:
    (tmp_path / "x.tgz").write_bytes(b"\x1f\x8bnot a package")
    with pytest.raises(GatewayError) as refused:
        read_definitions([tmp_path / "x.tgz"])
    assert refused.value.number == "GW-4811"


def test_a_stored_profile_takes_effect_in_its_shard_alone(validator: Validator) -> None:
    stored: dict[int, list[Resource]] = {1: [], 2: []}
    shards = ShardValidators(validator, lambda shard: stored[shard])
    stating = patient(meta={"profile": [URL]})
    assert found(shards.of(1).check(stating)) == set()
    stored[1].append(PROFILE)
    shards.committed(1, {"StructureDefinition"})
    assert found(shards.of(1).check(stating)) == {("GW-4301", "Patient")}
    assert found(shards.of(2).check(stating)) == set()
    stored[1].clear()
    shards.committed(1, {"StructureDefinition"})
    assert found(shards.of(1).check(stating)) == set()


def test_what_is_stored_cannot_redefine_the_release(validator: Validator) -> None:
    url = "http://hl7.org/fhir/ValueSet/administrative-gender"
    lax: Resource = {
        "resourceType": "ValueSet",
        "url": url,
        "status": "active",
        "expansion": {"contains": [{"system": "urn:x", "code": "m"}]},
    }
    shards = ShardValidators(validator, lambda _: [lax])
    assert found(shards.of(1).check(patient(gender="m"))) == {("GW-4101", "Patient.gender")}


def test_a_definition_of_the_wrong_shape_counts_as_not_loaded(validator: Validator) -> None:
    wild = {**PROFILE, "differential": {"element": [{"path": "Patient", "type": [["x"]]}]}}
    wider = validator.with_definitions([wild])
    assert found(wider.check(patient(), [URL])) == {("GW-4312", "Patient")}


def test_a_control_character_is_refused_wherever_it_stands(validator: Validator) -> None:
    for member in ("family", "text"):
        made = patient(name=[{member: "陈\x00"}])
        assert found(validator.check(made)) == {("GW-4007", f"Patient.name[0].{member}")}
    made = patient(identifier=[{"system": "urn:x\x00", "value": "1"}])
    assert ("GW-4007", "Patient.identifier[0].system") in found(validator.check(made))


def _spots(raw: bytes, resource: Resource, validator: Validator) -> set[tuple[int, int | None]]:
    issues = located(raw, validator.check(resource))
    return {(one.place.line or 0, one.place.column) for one in issues if one.place}


def test_findings_carry_line_and_column_of_json(validator: Validator) -> None:
    raw = b'{"resourceType": "Patient",\n "gender": "m",\n "birthDate": "1990-13-01"}'
    assert _spots(raw, json.loads(raw), validator) == {(2, 12), (3, 15)}


def test_findings_in_choices_and_primitive_extensions_are_located(validator: Validator) -> None:
    resource = {
        "resourceType": "Patient",
        "multipleBirthInteger": "x",
        "_birthDate": {"extension": [{"url": "relative", "valueString": "x"}]},
    }
    raw = json.dumps(resource, indent=1).encode()
    lines = {line for line, _ in _spots(raw, resource, validator)}
    assert lines == {3, 5}


def test_findings_of_xml_carry_the_line(tmp_path: Path) -> None:
    path = tmp_path / "p.xml"
    path.write_text(
        '<Patient xmlns="http://hl7.org/fhir">\n <name><family value="A"/></name>\n'
        ' <name><use value="nonsense"/></name>\n</Patient>'
    )
    assert "Patient.name[1].use (line 3)" in CliRunner().invoke(validate, [str(path)]).output


def test_the_report_escapes_what_it_shows_and_names_every_file(tmp_path: Path) -> None:
    (tmp_path / "<b>.json").write_text(json.dumps(patient(gender="m")), encoding="utf-8")
    report = tmp_path / "report.html"
    files = [str(tmp_path / "<b>.json"), "--html", str(report)]
    assert CliRunner().invoke(validate, files).exit_code == 1
    page = report.read_text(encoding="utf-8")
    assert "<b>.json" not in page
    assert "&lt;b&gt;.json" in page
    assert "GW-4101" in page


def test_targets_among_the_files_are_checked_against_profiles(tmp_path: Path) -> None:
    linked = {**PROFILE, "id": "linked", "url": URL + "-linked", "name": "Linked"}
    rule = {"path": "Patient.link.other", "type": [{"code": "Reference", "targetProfile": [URL]}]}
    linked["differential"] = {"element": [{"path": "Patient"}, rule]}
    folder = tmp_path / "data"
    folder.mkdir()
    (tmp_path / "own.tgz").write_bytes(package([PROFILE, linked]))
    link = [{"other": {"reference": "Patient/p2"}, "type": "seealso"}]
    first = patient(meta={"profile": [URL + "-linked"]}, link=link)
    (folder / "a.json").write_text(json.dumps(first), encoding="utf-8")
    (folder / "b.json").write_text(json.dumps(patient(id="p2")), encoding="utf-8")
    asked = [str(folder), "--definitions", str(tmp_path / "own.tgz")]
    assert CliRunner().invoke(validate, asked).exit_code == 0
    result = CliRunner().invoke(validate, [*asked, "--resolve"])
    assert "GW-4221 Patient.link[0].other" in result.output


@pytest.mark.parametrize("element", [7, "x", {}, [7]])
def test_an_extension_whose_definition_is_broken_is_still_answered(element: Any) -> None:
    url = "https://example.com/fhir/StructureDefinition/broken"
    definition = {
        "resourceType": "StructureDefinition", "url": url, "name": "Broken", "status": "active",
        "kind": "complex-type", "abstract": False, "type": "Extension", "derivation": "constraint",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Extension",
        "differential": {"element": element},
    }  # fmt: skip
    extended = patient(extension=[{"url": url, "valueString": "x"}])
    found = Validator(load(), [definition]).check(extended)
    assert all(one.number.startswith("GW-4") for one in found)
