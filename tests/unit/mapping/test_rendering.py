"""The way back: which rules invert, and native records that come back as they were."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.fhir import fhirpath
from gateway.fhir.definitions import load
from gateway.mapping import MappingProgram
from gateway.mapping.rendering import Renderer
from gateway.mapping.ways import ways_of
from tests.unit.mapping.tryout import compiled, mapped, patient_map

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

    labels = {way.path: (way.label, way.why) for way in ways_of(program.tree, "rows") if way.path}

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


def test_a_format_without_a_writer_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(GatewayError, match="xml"):
        renderer(compiled(tmp_path, patient_map("active: true", "xml")))
