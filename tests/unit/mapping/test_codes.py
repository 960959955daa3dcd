"""Code tables: what is translated, what stays beside it, and what is refused."""

import json
from pathlib import Path

import pytest

from gateway.errors import GatewayError
from gateway.mapping.problems import Mark, Problems
from gateway.mapping.tables import from_file
from tests.unit.mapping.tryout import compiled, mapped, mistakes, patient_map

TABLE = """source,source_system,target,system,display,prefer
20,urn:local,M,http://terminology.hl7.org/CodeSystem/v3-MaritalStatus,Married,1
21,urn:local,M,http://terminology.hl7.org/CodeSystem/v3-MaritalStatus,Married,
30,,W,http://terminology.hl7.org/CodeSystem/v3-MaritalStatus,Widowed,
"""
HEAD = "codes: {marital: marital.csv}\n"
MARRIED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus",
    "code": "M",
    "display": "Married",
}


def test_a_concept_carries_the_translated_coding_and_the_original_beside_it(tmp_path: Path) -> None:
    (tmp_path / "marital.csv").write_text(TABLE, encoding="utf-8")
    program = compiled(tmp_path, patient_map("maritalStatus: {from: M, codes: marital}", head=HEAD))

    made = mapped(program, "NO,M\n1,20\n")

    assert made.contributions[0].resource["maritalStatus"]["coding"] == [
        MARRIED,
        {"system": "urn:local", "code": "20"},
    ]
    rows = {row.pointer.rpartition("/maritalStatus/")[2]: row for row in made.lineage}
    assert rows["coding/0/code"].code_row == "marital.csv:2"
    assert rows["coding/0/code"].kind == "translated"
    assert rows["coding/1/code"].kind == "copied"


def test_a_code_without_a_row_parks_the_record_and_names_table_and_place_not_the_value(
    tmp_path: Path,
) -> None:
    (tmp_path / "marital.csv").write_text(TABLE, encoding="utf-8")
    program = compiled(tmp_path, patient_map("maritalStatus: {from: M, codes: marital}", head=HEAD))

    with pytest.raises(GatewayError) as caught:
        mapped(program, "NO,M\n1,秘密\n")

    assert caught.value.number == "GW-3102"
    assert str(caught.value.where) == "M (line 2)"
    assert "code table marital" in caught.value.text_en
    assert "秘密" not in caught.value.text_en + caught.value.text_zh


def test_a_datatype_map_is_translated_by_its_system_and_keeps_its_codings(tmp_path: Path) -> None:
    (tmp_path / "marital.csv").write_text(TABLE, encoding="utf-8")
    rules = "maritalStatus: {use: CWE, from: PID-16, codes: marital}"
    head = HEAD + "systems: {99HIS: 'urn:local'}\n"
    program = compiled(tmp_path, patient_map(rules, "hl7v2", head))
    raw = "MSH|^~\\&|A|B|||20261102||ADT^A01|1|P|2.4\rPID|1||P1|||||||||||||20^已婚^99HIS\r"

    made = mapped(program, raw)

    assert made.contributions[0].resource["maritalStatus"]["coding"] == [
        MARRIED,
        {"system": "urn:local", "code": "20", "display": "已婚"},
    ]
    pointers = [row.pointer.rpartition("/maritalStatus/")[2] for row in made.lineage]
    assert sorted(pointers[1:]) == [
        "coding/0/code",
        "coding/0/display",
        "coding/0/system",
        "coding/1/code",
        "coding/1/display",
        "coding/1/system",
    ]


def test_a_concept_map_is_a_code_table(tmp_path: Path) -> None:
    content = {
        "resourceType": "ConceptMap",
        "status": "active",
        "group": [
            {
                "source": "urn:local",
                "target": "http://hl7.org/fhir/administrative-gender",
                "element": [
                    {"code": "1", "target": [{"code": "male", "equivalence": "equivalent"}]},
                    {"code": "9", "target": [{"equivalence": "unmatched"}]},
                ],
            }
        ],
    }
    (tmp_path / "sex.json").write_text(json.dumps(content), encoding="utf-8")
    program = compiled(
        tmp_path, patient_map("gender: {from: S, codes: sex}", head="codes: {sex: sex.json}\n")
    )

    assert mapped(program, "NO,S\n1,1\n").contributions[0].resource["gender"] == "male"
    with pytest.raises(GatewayError):
        mapped(program, "NO,S\n1,9\n")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("source,target\n1,male\n1,female\n", "sex.csv:3: 1 twice"),
        ("source,goal\n1,male\n", "the columns source and target"),
        ("source,target,colour\n1,male,red\n", "unknown column colour"),
        ("source,target\n1\n", "number of cells"),
        ("source,target\n1,\n", "may not be empty"),
    ],
)
def test_a_broken_table_is_told_with_its_row(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "sex.csv").write_text(text, encoding="utf-8")

    found = mistakes(
        tmp_path, patient_map("gender: {from: S, codes: sex}", head="codes: {sex: sex.csv}\n")
    )

    assert len(found) == 1
    assert reason in found[0]


def test_a_table_without_systems_cannot_make_a_coding(tmp_path: Path) -> None:
    found = mistakes(tmp_path, patient_map("maritalStatus: {from: M, codes: {20: M}}"))

    assert "needs the column system" in found[0]


def test_a_table_is_one_to_one_only_where_ties_are_marked_prefer(tmp_path: Path) -> None:
    path = tmp_path / "marital.csv"
    path.write_text(TABLE, encoding="utf-8")
    table = from_file("marital", path, Mark("map.yaml", 1, 1), Problems())
    inverse = table.inverse()

    assert inverse is not None
    assert inverse[MARRIED["system"], "M"] == "20"
    path.write_text(TABLE.replace("Married,1", "Married,"), encoding="utf-8")
    assert from_file("marital", path, Mark("map.yaml", 1, 1), Problems()).inverse() is None
