"""What is wrong with a mapping file is told all at once, where it stands, with what was meant."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from gateway.mapping.nodes import plain, read
from gateway.mapping.problems import Problems
from gateway.mapping.schema import PATH, fits
from tests.unit.mapping.tryout import compiled, mapped, mistakes, patient_map

WRONG = """mapping: 1
id: test/map
source: {format: hl7v2, zon: Asia/Shanghai}
codes: {gender: {M: male}}
resources:
  - as: patient
    type: Patiant
    key: PID-3.1
    set: {}
  - as: visit
    type: Encounter
    key: {system: "urn:x", value: PID-03}
    set:
      status: finished
      class: {set: {code: IMP}}
      subject: {ref: patint}
      periode: {from: PV1-44}
      length: {from: PV1-1}
      identifier:
        value: PV1-19
"""


def test_every_mistake_of_a_file_is_told_at_once_with_line_column_and_hint(tmp_path: Path) -> None:
    found = mistakes(tmp_path, WRONG)

    assert [line.partition(": ")[0] for line in found] == [
        "map.yaml:3:25",
        "map.yaml:7:11",
        "map.yaml:12:39",
        "map.yaml:16:22",
        "map.yaml:17:7",
        "map.yaml:18:15",
        "map.yaml:20:9",
    ]
    assert found[0].endswith("unknown word zon here (did you mean zone?)")
    assert found[1].endswith("R4 has no resource type Patiant (did you mean Patient?)")
    assert "PID-03" in found[2]
    assert found[4].endswith("Encounter has no element periode (did you mean period?)")


@pytest.mark.parametrize(
    ("rules", "number", "part"),
    [
        ("birthDate: 1962-5-14", "GW-3027", "Patient.birthDate of type date"),
        ("gender: {each: SEX}", "GW-3029", "Patient.gender occurs once"),
        ("gender: {from: SEX, codes: sexes}", "GW-3024", "sexes"),
        ("gender: {from: SEX, as: uper}", "GW-3026", "did you mean upper?"),
        ("gender: {from: SEX, as: decimal}", "GW-3027", "decimal does not fit Patient.gender"),
        ("gender: {from: SEX, as: {split: {by: x}}}", "GW-3036", "split"),
        ("gender: {from: SEX, otherwise: other}", "GW-3013", "default"),
        ("name: {use: XPN, from: NAME}", "GW-3028", "XPN"),
        ("name: {from: NAME}", "GW-3027", "a plain value does not fit Patient.name"),
        ("name: {from: NAME, set: {text: {from: .}}, as: upper}", "GW-3016", "set and as"),
        ("link: {set: {other: {set: {display: x}}}}", "GW-3030", "Patient.link.type"),
        ("managingOrganization: {ref: patient}", "GW-3037", "Patient"),
        ("active: {when: {exists: NO}}", "GW-3032", "source"),
        ("active: {from: NO, whn: {exists: NO}}", "GW-3011", "did you mean when?"),
        ("active: {from: NO, when: {is: NO}}", "GW-3011", "unknown word is"),
        ("name: {set: {text: x}}\nname.family: {from: NAME}", "GW-3016", ""),
        ("gender: {from: SEX}\ngender: {from: SEX}", "GW-3015", "gender"),
        ("id: {from: NO}", "GW-3021", "id"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_when_the_file_is_compiled(
    tmp_path: Path, rules: str, number: str, part: str
) -> None:
    found = mistakes(tmp_path, patient_map(rules).replace("name.family", "name.text.x"))

    assert any(number in line and part in line for line in found), found


def test_a_path_written_as_a_constant_is_refused(tmp_path: Path) -> None:
    text = patient_map("name.text: PID-5.1", "hl7v2")

    assert "PID-5.1 looks like a path" in mistakes(tmp_path, text)[0]
    assert mistakes(tmp_path, text.replace("text: PID-5.1", "text: {const: PID-5.1}")) == []


@pytest.mark.parametrize(
    ("old", "new", "number"),
    [
        ("format: rows", "format: row", "GW-3033"),
        ("format: rows", "format: rows, zone: Asia/Beijing", "GW-3034"),
        ("id: test/map", "id: test/map\nextends: nobody/has", "GW-3031"),
        ("id: test/map", "id: test/map\ncodes: {sex: codes/none.csv}", "GW-3025"),
        ("id: test/map", "id: test/map\nignore: [{path: NO}]", "GW-3013"),
        ("mapping: 1", "mapping: 2", "GW-3012"),
        ("mapping: 1", "mapping: [1", "GW-3010"),
        ('key: {system: "urn:x:no", value: NO}', "write: replace", "GW-3035"),
        ('key: {system: "urn:x:no", value: NO}', "key: NO\n    write: overwrite", "GW-3012"),
        ("id: test/map", "id: test map", "GW-3014"),
    ],
)
def test_the_head_of_a_mapping_is_checked(tmp_path: Path, old: str, new: str, number: str) -> None:
    found = mistakes(tmp_path, patient_map("active: true").replace(old, new))

    assert any(number in line for line in found), found


def test_required_elements_need_a_rule_unless_the_resource_only_adds_to_what_is_stored(
    tmp_path: Path,
) -> None:
    text = """mapping: 1
id: test/map
source: {format: rows}
resources:
  - {as: visit, type: Encounter, WRITE key: NO, set: {status: finished}}
"""

    assert "Encounter.class" in mistakes(tmp_path, text.replace("WRITE ", ""))[0]
    assert mistakes(tmp_path, text.replace("WRITE ", "write: merge, ")) == []


def test_the_hash_of_a_program_changes_with_its_code_tables(tmp_path: Path) -> None:
    text = patient_map("gender: {from: SEX, codes: sex}", head="codes: {sex: sex.csv}\n")
    table = tmp_path / "sex.csv"
    table.write_text("source,target\n1,male\n", encoding="utf-8")
    first = compiled(tmp_path, text).hash
    table.write_text("source,target\n2,male\n", encoding="utf-8")

    assert compiled(tmp_path, text).hash != first


def test_a_tower_of_yaml_aliases_does_not_exhaust_memory(tmp_path: Path) -> None:
    tower = "a0: &a0 [x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
    )

    assert any("GW-3011" in line for line in mistakes(tmp_path, tower))


SKETCH = """mapping: 1
id: county-hospital/referral
source: {format: hl7v2, messages: [REF^I12, REF^I13, REF^I14], zone: Asia/Shanghai, time: [EVN-2, MSH-7]}
profile: ReferralBundle
codes:  {referral-status: {A: active}}
resources:
  - as: patient
    type: Patient
    from: PID
    key: [PID-3[type=NI].1, PID-3[type=JHN].1, {value: PID-3[type=PI].1, assigner: MSH-4}]
    set:
      identifier: {each: PID-3, set: {value: .1, system: {from: .5, codes: identifier-type}}}
      name:       {each: PID-5, set: {family: .1.1, given: [.2, .3]}}
      birthDate:  {from: PID-7, as: date}
      gender:     {from: PID-8, codes: gender, otherwise: unknown}
  - as: referral
    type: ServiceRequest
    each: RF1
    key: {system: "urn:referral", value: RF1-6.1}
    when: {in: [RF1-1.1, [P, A, R, E]]}
    set:
      status:     {from: RF1-1, codes: referral-status}
      intent:     order
      subject:    {ref: patient}
      authoredOn: {from: [RF1-7, MSH-7], as: dateTime}
      reasonCode: {each: DG1, set: {coding: {use: CWE, from: DG1-3}}}
back:
  ORC-12: {from: "ServiceRequest.requester.resolve()", use: XCN}
ignore: [SFT, RF1-24]
tests:
  - {in: samples/ref1.hl7, expect: {"ServiceRequest.status": active, "Practitioner.count()": 2}}
"""  # noqa: E501
REFERRAL = (
    "MSH|^~\\&|HIS|QS|GW|CO|20261102093000||REF^I12|M1|P|2.4\r"
    "PID|1||420300196205143622^^^GA^NI~P1^^^QS^PI||林^桂芳||19620514|F\r"
    "RF1|A^^HL70283||||||R7\rDG1|1||I10^高血压^ICD10\r"
)


def test_the_language_reads_as_its_page_shows_it(tmp_path: Path) -> None:
    program = compiled(tmp_path, SKETCH)
    made = mapped(program, REFERRAL.replace("||R7", "|R7").replace("~P1^^^QS^PI", ""))

    patient, referral = (one.resource for one in made.contributions)
    assert made.contributions[0].keys[0].value == "420300196205143622"
    assert patient["identifier"][0]["system"] == "urn:oid:2.16.156.10011.1.3"
    assert patient["gender"] == "female"
    assert referral["authoredOn"] == "2026-11-02T09:30:00+08:00"
    assert referral["reasonCode"][0]["coding"][0]["code"] == "I10"
    assert made.profile == "https://consortium-fhir.cn/StructureDefinition/ReferralBundle"


def test_a_mistake_behind_brackets_in_a_list_keeps_its_column(tmp_path: Path) -> None:
    found = mistakes(tmp_path, SKETCH.replace("PID-3[type=JHN].1", "PID-3[type=JHN].x"))

    assert [line.partition(": ")[0] for line in found] == ["map.yaml:10:45"]


def test_the_schema_for_editors_takes_every_mapping_as_it_is_written() -> None:
    root = Path(__file__).resolve().parents[3] / "mappings"
    schema = json.loads(PATH.read_text(encoding="utf-8"))
    for path in root.rglob("map.yaml"):
        problems = Problems()
        tree = read(path, str(path), problems)
        assert tree is not None
        content = plain(tree)
        assert fits()(content), path
        assert not list(Draft202012Validator(schema).iter_errors(content)), path
