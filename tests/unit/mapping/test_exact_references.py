"""``ref: name, of: PATH`` means the resource made from that very node, and no other."""

from pathlib import Path

from gateway.records import Resource
from tests.unit.mapping.tryout import compiled, mapped

HEAD = """\
mapping: 1
id: try/doctors
source: {format: hl7v2, messages: [ADT^A01]}
resources:
  - as: doctor
    type: Practitioner
    each: [PV1-7, PV1-8]
    when: {exists: .1}
    key: {system: "urn:doctors", value: .1}
    set: {name: {set: {family: .2}}}
  - as: patient
    type: Patient
    from: PID
    key: PID-3
    set:
      generalPractitioner: {ref: doctor, of: [PV1-9, PV1-8]}
      name: {each: [.5, .9], set: {family: .1}}
  - as: visit
    type: Encounter
    from: PV1
    key: PV1-19
    set:
      status: unknown
      class.code: IMP
      participant: {each: [PV1-7, PV1-8, PV1-9], set: {individual: {ref: doctor, of: .}}}
"""
PID = "MSH|^~\\&|HIS||||20260101||ADT^A01|1|P|2.5\rPID|1||P1||Li||||Wang\r"


def _made(tmp_path: Path, pv1: str) -> dict[str, list[Resource]]:
    made = mapped(compiled(tmp_path, HEAD), PID + pv1)
    found: dict[str, list[Resource]] = {}
    for one in made.contributions:
        found.setdefault(one.resource["resourceType"], []).append(one.resource)
    return found


def test_each_participant_is_the_doctor_of_its_own_field(tmp_path: Path) -> None:
    made = _made(tmp_path, "PV1|1|I|||||D1^Zhao|D2^Qian~D3^Sun|||||||||||V1")
    ids = [f"Practitioner/{one['id']}" for one in made["Practitioner"]]

    visit, patient = made["Encounter"][0], made["Patient"][0]
    assert [one["individual"]["reference"] for one in visit["participant"]] == ids
    assert [one["reference"] for one in patient["generalPractitioner"]] == ids[1:]


def test_the_only_doctor_is_not_taken_for_one_who_was_not_made(tmp_path: Path) -> None:
    made = _made(tmp_path, "PV1|1|I|||||D1^Zhao|^Qian|D9^Li||||||||||V1")

    assert len(made["Practitioner"]) == 1
    assert len(made["Encounter"][0]["participant"]) == 1
    assert "generalPractitioner" not in made["Patient"][0]


def test_a_rule_takes_the_nodes_of_every_path_of_its_each(tmp_path: Path) -> None:
    made = _made(tmp_path, "PV1|1|I|||||||||||||||||V1")

    assert [name["family"] for name in made["Patient"][0]["name"]] == ["Li", "Wang"]
