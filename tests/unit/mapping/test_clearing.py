"""HL7 v2's ``""`` deletes what is stored; an empty field changes nothing."""

from pathlib import Path

from gateway.fhir import definitions
from gateway.mapping import MappingProgram
from gateway.records import Contribution
from tests.unit.mapping.tryout import compiled, mapped

MAP = """mapping: 1
id: test/map
source: {format: hl7v2}
resources:
  - as: patient
    type: Patient
    write: WRITE
    from: PID
    key: {system: "urn:x:no", value: PID-3.1}
    set:
      identifier: {set: {system: "urn:x:no", value: .3.1}}
      gender: {from: .8, codes: gender, otherwise: unknown}
      telecom: [{each: .13, use: XTN}, {each: .14, use: XTN}]
      maritalStatus: {use: CWE, from: .16}
      deceasedBoolean: {from: .30, as: {boolean: {"true": [Y], "false": [N]}}}
  - as: visit
    type: Encounter
    write: WRITE
    from: PV1
    key: {system: "urn:x:visit", value: PV1-19.1}
    set:
      status: {from: .2, codes: {I: in-progress}, default: finished}
      class.code: IMP
      period: {set: {start: {from: .44}, end: {from: .45}}}
      hospitalization.admitSource: {use: CWE, from: .14}
ignore: [MSH]
"""


def told(folder: Path, fields: dict[str, str], write: str = "merge") -> list[Contribution]:
    program: MappingProgram = compiled(folder, MAP.replace("WRITE", write))
    lines = []
    for name, size in (("PID", 30), ("PV1", 45)):
        cells = [fields.get(f"{name}-{number}", "") for number in range(1, size + 1)]
        lines.append("|".join([name, *cells]))
    raw = "MSH|^~\\&|A||||20260301||ADT^A08|1|P|2.4\r" + "\r".join(lines)
    made = mapped(program, raw)
    findings = {one.number: one for one in made.issues if one.number == "GW-3217"}
    gone = [one for contribution in made.contributions for one in contribution.cleared]
    assert bool(findings) == bool(gone)
    assert not made.unread
    return list(made.contributions)


FIELDS = {"PID-3": "7", "PV1-19": "V1", "PV1-2": "I"}


def test_an_element_of_which_nothing_but_a_deletion_is_told_is_named(tmp_path: Path) -> None:
    deleted = dict.fromkeys(("PID-13", "PID-16", "PID-30", "PV1-14", "PV1-45"), '""')
    patient, visit = told(tmp_path, FIELDS | deleted | {"PV1-44": "20260301"})
    assert patient.cleared == {"telecom", "maritalStatus", "deceasedBoolean"}
    assert visit.cleared == {"period.end", "hospitalization.admitSource"}
    assert visit.resource["period"] == {"start": "2026-03-01"}


def test_an_empty_field_and_a_value_beside_delete_nothing(tmp_path: Path) -> None:
    patient, visit = told(tmp_path, FIELDS | {"PID-13": '""', "PID-14": "010-1", "PID-8": '""'})
    assert (patient.cleared, visit.cleared) == (frozenset({"gender"}), frozenset())


def test_a_key_and_what_r4_requires_are_never_deleted(tmp_path: Path) -> None:
    fields = FIELDS | {"PID-3": '7~""', "PV1-2": '""'}
    assert [one.cleared for one in told(tmp_path, fields)] == [frozenset(), frozenset()]


def test_a_resource_that_is_replaced_needs_no_deletion(tmp_path: Path) -> None:
    fields = FIELDS | {"PID-13": '""'}
    assert [one.cleared for one in told(tmp_path, fields, "replace")] == [frozenset()] * 2


def test_the_names_of_what_goes_are_elements_of_r4(tmp_path: Path) -> None:
    program = compiled(tmp_path, MAP.replace("WRITE", "merge"))
    for recipe in program.recipes:
        structure = definitions.load().structure(recipe.type) or {}
        known = {one["path"].replace("[x]", "Boolean") for one in structure["snapshot"]["element"]}
        named = {f"{recipe.type}.{one.element}" for one in recipe.clearables}
        shapes = {name for name in named if not name.startswith("Encounter.period.")}
        assert named
        assert shapes <= known
