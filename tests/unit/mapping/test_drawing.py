"""A first mapping drawn from samples: what is recognised, by what, and what is left to decide."""

import json
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner, Result
from fhir.resources.R4B.conceptmap import ConceptMap
from fhir.resources.R4B.structuremap import StructureMap

from gateway.cli.map import map_
from gateway.fhir.definitions import load
from gateway.mapping.drawing.concepts import concepts, folded, guess
from gateway.mapping.drawing.fields import Field
from gateway.mapping.exporting import concept_maps, structure_map
from gateway.validation import Validator
from tests.unit.mapping.tryout import compiled

CARD = "420300196205143622"
LAB = (
    "BRID\tBINGRENXM\tXB\tCSRQ\tSFZH\tBGDH\tXMDM\tXMMC\tJG\tDW\tYQBH\n"
    f"P1\t林桂芳\t女\t19620514\t{CARD}\tB1\tGLU\t葡萄糖\t5.60\tmmol/L\tA7\n"
    f"P1\t林桂芳\t女\t19620514\t{CARD}\tB1\tURO\t尿胆原\t阴性\t\tA7\n"
)
VISIT = {
    "data": {
        "patientName": "陆露",
        "sexCode": "2",
        "idNo": CARD,
        "visitNo": "V1",
        "diags": [
            {"icdCode": "I10", "diagName": "高血压"},
            {"icdCode": "E11", "diagName": "糖尿病"},
        ],
    }
}
XML = (
    '<REQ xmlns="urn:x:his"><患者><姓名>陆露</姓名><性别>女</性别>'
    f"<身份证号>{CARD}</身份证号></患者><备用>z</备用></REQ>"
)


def drawn(folder: Path, name: str, content: bytes | str, *options: str) -> tuple[Result, str]:
    sample = folder / name
    sample.write_bytes(content if isinstance(content, bytes) else content.encode())
    out = folder / "mappings" / "new"
    result = CliRunner().invoke(map_, ["new", str(sample), "-o", str(out), *options])
    path = out / "map.yaml"
    return result, path.read_text(encoding="utf-8") if path.exists() else ""


def test_pinyin_headers_of_a_laboratory_give_patient_and_results(tmp_path: Path) -> None:
    result, text = drawn(tmp_path, "lab.tsv", LAB)

    assert result.exit_code == 0, result.output
    assert "passed" in result.output
    assert "gender: {from: XB, codes: gender}  # 猜测 guessed: 拼音 XB" in text
    assert "values of shape card" in text
    assert "valueString: {from: JG, when: {not: {number: JG}}}" in text
    assert '#   - {path: YQBH, why: "…"}' in text
    assert 'expect: {"Patient.count()": 1, "Observation.count()": 1}' in text


def test_repeated_items_of_a_json_record_give_one_resource_each(tmp_path: Path) -> None:
    result, text = drawn(tmp_path, "visit.json", json.dumps(VISIT))

    assert result.exit_code == 0, result.output
    assert 'each: "$.data.diags[*]"' in text
    assert '"Condition.count()": 2' in text


def test_a_document_with_a_namespace_gets_its_prefix(tmp_path: Path) -> None:
    result, text = drawn(tmp_path, "visit.xml", XML)

    assert result.exit_code == 0, result.output
    assert 'prefixes: {x: "urn:x:his"}' in text
    assert '#   - {path: "/x:REQ/x:备用"' in text


def test_a_workbook_and_gb18030_are_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["病人编号", "姓名", "性别"])
    book.active.append(["P1", "陆露", "女"])
    book.save(tmp_path / "in.xlsx")
    first, text = drawn(tmp_path, "in.xlsx", (tmp_path / "in.xlsx").read_bytes())
    assert first.exit_code == 0, first.output
    assert "name: {set: {text: {from: 姓名}}}" in text
    (tmp_path / "two").mkdir()
    second, text = drawn(tmp_path / "two", "a.csv", "病人编号,姓名\nP1,陆露\n".encode("gb18030"))
    assert second.exit_code == 0, second.output
    assert "charset: gb18030" in text


def test_samples_that_a_mapping_takes_already_are_extended_not_drawn_anew(tmp_path: Path) -> None:
    _, _ = drawn(tmp_path, "visit.json", json.dumps(VISIT))
    more = {**VISIT, "extra": "x"}
    (tmp_path / "more.json").write_text(json.dumps(more), encoding="utf-8")
    out = tmp_path / "mappings" / "site" / "visit"

    result = CliRunner().invoke(map_, ["new", str(tmp_path / "more.json"), "-o", str(out)])
    text = (out / "map.yaml").read_text(encoding="utf-8")

    assert result.exit_code == 0, result.output
    assert "extends: new" in text
    assert '#   - {path: "$.extra"' in text


def test_samples_without_any_number_are_refused(tmp_path: Path) -> None:
    result, _ = drawn(tmp_path, "a.csv", "甲,乙\n好,坏\n")

    assert result.exit_code != 0
    assert getattr(result.exception, "number", "") == "GW-3042"


@pytest.mark.parametrize(
    ("name", "texts", "concept"),
    [
        ("患者_姓名", ["林桂芳"], "name"),
        ("HZXM", ["林桂芳"], "name"),
        ("CHUSHENGRQ", ["1962-05-14"], "birth"),
        ("brdy", ["1962-05-14"], "birth"),
        ("DE02.01.040.00", ["2"], "gender"),
        ("x1", [CARD], "card"),
        ("psn_no", ["4299"], "insurance-no"),
        ("出生日期", ["不详", "未知"], None),
    ],
)
def test_a_field_is_recognised_by_name_element_or_values(
    name: str, texts: list[str], concept: str | None
) -> None:
    found = guess([Field(name, name, "", len(texts), texts)])

    assert [one.concept for one in found] == ([concept] if concept else [])


def test_no_two_concepts_claim_one_name() -> None:
    names = [folded(name) for one in concepts() for name in one.names]
    words = [word for one in concepts() for word in one.words]

    assert len(names) == len(set(names))
    assert len(words) == len(set(words))


EXPORTED = """mapping: 1
id: test/map
source: {format: rows}
codes: {sex: {1: {code: male, system: "http://hl7.org/fhir/administrative-gender"}, 2: female}}
resources:
  - as: patient
    type: Patient
    key: {system: "urn:x:no", value: NO}
    set:
      gender: {from: SEX, codes: sex}
      active: true
      name: {set: {text: {from: NAME, when: {exists: NAME}}}}
"""


def test_an_exported_mapping_is_valid_for_us_and_for_fhir_resources(tmp_path: Path) -> None:
    program = compiled(tmp_path, EXPORTED)
    made = structure_map(program)
    (table,) = concept_maps(program)

    checks = Validator(load())
    issues = [*checks.check(made), *checks.check(table)]
    assert [one for one in issues if one.severity in ("error", "fatal")] == []
    StructureMap.model_validate(made)
    ConceptMap.model_validate(table)
    (rule,) = made["group"][0]["rule"]
    gender = rule["rule"][0]
    assert gender["source"][0]["element"] == "SEX"
    assert gender["target"][0]["transform"] == "translate"
    assert table["group"][0]["element"][0]["target"][0]["code"] == "male"


def test_samples_of_several_formats_are_refused_with_their_names(tmp_path: Path) -> None:
    (tmp_path / ".DS_Store").write_bytes(b"\0\1")
    (tmp_path / "a.xml").write_text(XML, encoding="utf-16")
    result, _ = drawn(tmp_path, "b.csv", LAB)
    assert (result.exit_code, "passed" in result.output) == (0, True)
    again = CliRunner().invoke(map_, ["new", str(tmp_path), "-o", str(tmp_path / "x")])
    assert again.exit_code == 1
    assert "xml: " in again.output
    assert "a.xml" in again.output
    assert ".DS_Store" not in again.output


def test_placeholders_say_nothing_of_a_column_and_are_offered_as_absent(tmp_path: Path) -> None:
    person = f"P1\t林桂芳\t女\t19620514\t{CARD}\tB1\tURO"
    rows = LAB.replace(person, "P2\t赵勇\t男\t无\t无\tB2\tURO").replace("阴性\t", "阴性\t/")
    result, text = drawn(tmp_path, "lab.tsv", rows)
    assert result.exit_code == 0, result.output
    assert 'absent: ["/", "无"]' in text
    assert "urn:oid:2.16.156.10011.1.3" in text
    assert "birthDate: {from: CSRQ" in text


def test_a_title_above_the_header_brings_a_hint(tmp_path: Path) -> None:
    result, _ = drawn(tmp_path, "lab.csv", "登记簿\n" + LAB.replace("\t", ","))
    assert result.exit_code == 1
    assert "--option skip=1" in result.output
