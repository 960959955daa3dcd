"""The way back: which rules invert, and native records that come back as they were."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.fhir import fhirpath
from gateway.fhir.definitions import load
from gateway.formats import READERS
from gateway.mapping import MappingProgram, trials
from gateway.mapping.rendering import Renderer
from gateway.mapping.ways import ways_of
from tests.unit.mapping.tryout import compiled, mapped, mistakes, patient_map

ROWS = patient_map(
    """identifier:
  - set: {system: "urn:card", value: {from: CARD, as: id-card}}
  - set: {system: "urn:no", value: {from: NO}}
name: {set: {use: official, text: {from: NAME}}}
gender: {from: SEX, codes: {1: male, 2: female}}
birthDate: {from: BORN}
active: {from: LIVE, as: {boolean: {true: [是], false: [否]}}}
maritalStatus: {from: MARRIED, as: concept}
address.text: {join: [TOWN, STREET]}
managingOrganization.identifier: {set: {system: "urn:org", value: {from: ORG, as: {prefix: "x-"}}}}
"""
)
ROW = "NO,CARD,NAME,SEX,BORN,LIVE,MARRIED,ORG\n"
HL7 = (
    "MSH|^~\\&|HIS|QS|GW|CO|20261102093000||ADT^A01|M1|P|2.4\r"
    "PID|1||P1^^^QS^PI~42^^^GA^NI||林^桂\\T\\芳~LIN^GUIFANG||19620514|F|||||0719-1\r"
    "PV1|1|I|||||||||||||||||V1|||||||||||||||||||||||||20261102093000+0800\r"
)
HL7_MAP = """mapping: 1
id: test/adt
source: {format: hl7v2}
resources:
  - as: patient
    type: Patient
    key: {system: "urn:no", value: PID-3.1}
    set:
      identifier: {each: PID-3, set: {value: .1, assigner.display: .4.1, type.text: .5}}
      name: {each: PID-5, set: {family: .1.1, given: .2}}
      birthDate: {from: PID-7}
      gender: {from: PID-8, codes: {F: female, M: male}}
      telecom: {set: {system: phone, value: {from: PID-13.1}}}
  - as: visit
    type: Encounter
    from: PV1
    key: {system: "urn:v", value: .19}
    set:
      status: in-progress
      class: {from: .2, codes: {I: {code: IMP, system: "http://terminology.hl7.org/CodeSystem/v3-ActCode"}}}
      identifier: {set: {system: "urn:v", value: .19}}
      period.start: {from: .44}
      subject: {ref: patient}
back:
  PV1-2: {const: I}
  PV1-50: {from: "Encounter.identifier.value"}
"""


def renderer(program: MappingProgram) -> Renderer:
    return Renderer(program, fhirpath.Model(load()))


def test_every_rule_is_labelled_with_the_reason_when_it_works_forward_only(tmp_path: Path) -> None:
    program = compiled(tmp_path, ROWS)
    assert program.tree is not None

    assert program.shapes is not None
    ways = ways_of(program.tree, "rows", program.shapes)
    labels = {way.path: (way.label, way.why) for way in ways if way.path}

    assert labels.pop("TOWN", None) is None
    assert labels.pop(".")[1] == "join has no inverse"
    assert set(labels.values()) == {("both", "")}
    assert {"CARD", "NO", "NAME", "SEX", "BORN", "LIVE", "MARRIED", "ORG"} == set(labels)


@settings(max_examples=50, deadline=None)
@given(
    st.tuples(
        st.text(st.sampled_from("林桂芳 ,\"'ab"), min_size=1, max_size=8).map(str.strip),
        st.sampled_from(["1", "2", ""]),
        st.sampled_from(["1962", "1962-05", "1962-05-14", ""]),
        st.sampled_from(["是", "否", ""]),
        st.sampled_from(["已婚", "<b>", ""]),
    )
)
def test_a_row_comes_back_as_it_was(cells: tuple[str, ...]) -> None:
    name, sex, born, live, married = cells
    quoted = name.replace('"', '""')
    row = f'7,420300196205143622,"{quoted}",{sex},{born},{live},{married},O9\r\n'
    made = mapped(PROGRAM, ROW + row)

    text, left = renderer(PROGRAM).render(made.bundle(), ROW)

    assert next(iter(_rows(text))) == next(iter(_rows(ROW + row)))
    assert left == []


def _rows(text: str) -> list[list[str]]:
    import csv
    import io

    return list(csv.reader(io.StringIO(text)))[1:]


def _program() -> MappingProgram:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return compiled(Path(folder), ROWS)


PROGRAM = _program()


def test_a_message_comes_back_with_its_repetitions_and_escapes(tmp_path: Path) -> None:
    program = compiled(tmp_path, HL7_MAP)
    bundle = mapped(program, HL7).bundle()

    text, left = renderer(program).render(bundle, HL7.partition("\r")[0])

    expected = HL7.replace("PID|1", "PID|").replace("PV1|1", "PV1|").split("\r")
    found = text.split("\r")
    assert found[:2] == expected[:2]
    assert found[2] == f"{expected[2]}||||||V1"
    assert left == ["/entry/1/resource/class/system", "/entry/1/resource/class/code"]
    assert mapped(program, text).bundle() == bundle


def test_a_rule_cannot_stand_for_two_resources_of_a_bundle(tmp_path: Path) -> None:
    program = compiled(tmp_path, ROWS)
    bundle = mapped(program, ROW + "7,,林,1,,,,\n").bundle()
    bundle["entry"].append({"resource": {"resourceType": "Patient", "id": "other"}})

    with pytest.raises(GatewayError) as caught:
        renderer(program).render(bundle)
    assert caught.value.number == "GW-3107"


ORU_MAP = """mapping: 1
id: test/oru
source: {format: hl7v2, zone: Asia/Shanghai}
resources:
  - as: report
    type: DiagnosticReport
    from: OBR
    key: {system: "urn:r", value: .3.1}
    set:
      identifier: {set: {system: "urn:r", value: .3.1}}
      status: {from: .25, codes: {F: final, P: preliminary}}
      code.text: .4.2
      performer: {use: XON, from: ORC-21}
      result: {ref: observation}
  - as: observation
    type: Observation
    each: OBX
    under: report
    key: {within: report, value: .1}
    set:
      status: final
      code.text: .3.2
      identifier: {set: {system: "urn:o", value: .1}}
      valueQuantity: {set: {value: .5, unit: .6}, when: {equals: [.2, NM]}}
      valueString: {from: .5, when: {in: [.2, [ST, TX]]}}
      note: {each: NTE, set: {text: .3}}
back:
  ORC-12: {from: "DiagnosticReport.performer.first().resolve()", use: XCN}
  NTE-3: {rest: "未转换："}
"""


def test_results_leave_again_as_segments_with_the_conditions_that_make_them_read(
    tmp_path: Path,
) -> None:
    program = compiled(tmp_path, ORU_MAP)
    message = (
        "MSH|^~\\&|L|H|G|C|20261102||ORU^R01|1|P|2.4\rORC|RE\r"
        "OBR|1||R7||^血常规|||||||||||||||||||||F\r"
        "OBX|1|NM|^白细胞||5.10|10*9/L\rOBX|2|ST|^颜色||黄色\r"
    )
    bundle = mapped(program, message).bundle()
    bundle["entry"][0]["resource"]["conclusion"] = "正常"

    text, left = renderer(program).render(bundle, message.split("\r", maxsplit=1)[0])
    again = mapped(program, text).bundle()

    assert "OBX|1|NM|^白细胞||5.10|10*9/L" in text
    assert "OBX|2|ST|^颜色||黄色" in text
    assert left == ["/entry/0/resource/conclusion"]
    assert "未转换：DiagnosticReport.conclusion=正常" in text
    del bundle["entry"][0]["resource"]["conclusion"]
    assert [one["resource"]["id"] for one in again["entry"]] == [
        one["resource"]["id"] for one in bundle["entry"]
    ]


def test_a_resource_behind_a_reference_is_written_by_its_datatype(tmp_path: Path) -> None:
    program = compiled(tmp_path, ORU_MAP)
    doctor = {
        "resourceType": "Practitioner",
        "id": "d",
        "identifier": [{"value": "Y7"}],
        "name": [{"family": "周", "given": ["敏"]}],
    }
    report = {
        "resourceType": "DiagnosticReport",
        "id": "r",
        "status": "final",
        "performer": [{"reference": "Practitioner/d"}],
    }
    bundle = {"resourceType": "Bundle", "entry": [{"resource": report}, {"resource": doctor}]}

    text, _ = renderer(program).render(bundle)

    assert "ORC||||||||||||Y7^周^敏" in text


def test_a_mapping_that_only_goes_out_takes_no_record_and_renders_its_back_rules(
    tmp_path: Path,
) -> None:
    program = compiled(
        tmp_path,
        """mapping: 1
id: test/out
direction: out
source: {format: xml}
back:
  /order/@no: {from: ServiceRequest.id}
  /order/kind: referral
""",
    )
    request = {"resourceType": "ServiceRequest", "id": "z9"}

    text, _ = renderer(program).render({"resourceType": "Bundle", "entry": [{"resource": request}]})

    assert '<order no="z9">' in text
    assert "<kind>referral</kind>" in text
    parsed = next(trials.read_records(program, text.encode(), READERS))
    assert not program.accepts(parsed)


@pytest.mark.parametrize(
    ("rule", "number", "hint"),
    [
        ("PV1-x: {const: I}", "GW-3022", "field number"),
        ("PID-3[type=NI].1: {const: I}", "GW-3022", "written"),
        ("PV1-2: {form: Encounter.id}", "GW-3011", "did you mean from?"),
        ("PV1-2: {from: Encountr.id}", "GW-3020", "did you mean Encounter?"),
        ('PV1-2: {from: "Encounter.id.("}', "GW-3022", "Encounter.id.("),
        ("PV1-2: {from: Encounter.id, use: XCM}", "GW-3028", "did you mean"),
        ("PV1-2: {use: XCN}", "GW-3032", "source"),
    ],
)
def test_a_back_rule_that_cannot_be_is_refused_where_it_stands(
    tmp_path: Path, rule: str, number: str, hint: str
) -> None:
    found = mistakes(tmp_path, HL7_MAP.partition("back:")[0] + f"back:\n  {rule}\n")

    assert any(number in line and hint in line for line in found), found
    assert all(line.startswith("map.yaml:25:") for line in found)
