"""Resources of one record: keys, references between them, containment, lineage and coverage."""

from pathlib import Path

import pytest

from gateway.errors import GatewayError
from gateway.formats import READERS
from gateway.mapping import trials
from gateway.mapping.bundles import value_at
from gateway.records import BusinessKey, Resource
from tests.unit.mapping.tryout import compiled, mapped, mistakes, patient_map

ORU = (
    "MSH|^~\\&|LIS|QS|GW|CO|20261102110500||ORU^R01|M7|P|2.4\r"
    "PID|1||P1^^^QS^PI||林^桂芳||1962|F\r"
    "OBR|1|O1|R1|GLU^葡萄糖^L|||20261102100000|||||||||||||||20261102110000|||F\r"
    "OBX|1|NM|2345-7^Glucose^LN||6.28|mmol/L|3.90-6.10|H|||F\r"
    "NTE|1||空腹\r"
    "OBX|2|SN|CRP^C反应蛋白^L||<^0.50|mg/L|≤8.00|N|||F\r"
    "OBR|2|O1|R2|HBV^乙肝^L|||20261102100000|||||||||||||||20261102110000|||F\r"
    "OBX|1|ST|HBSAG^表面抗原^L||阴性(-)||阴性|N|||F\r"
    "ZZZ|本院|自用\r"
)
MAP = """mapping: 1
id: test/oru
source: {format: hl7v2, messages: [ORU^R01], zone: Asia/Shanghai, time: [OBR-22, MSH-7]}
codes:
  status: {F: final, P: preliminary}
resources:
  - as: patient
    type: Patient
    write: merge
    from: PID
    key:
      - {system: "urn:card", value: "PID-3[type=NI].1"}
      - {system: "urn:no", value: "PID-3[type=PI].1", assigner: MSH-4}
    set: {name.text: {join: [PID-5.1, PID-5.2]}, birthDate: {from: .7}}
  - as: lab
    type: Organization
    contained_in: report
    under: report
    set: {name: {from: MSH-3}}
  - as: report
    type: DiagnosticReport
    each: OBR
    key: {system: "urn:report", value: .3}
    set:
      status: {from: .25, codes: status}
      code: {use: CWE, from: .4}
      subject: {ref: patient}
      issued: {from: .22}
      result: {ref: result}
      performer: {ref: lab}
  - as: result
    type: Observation
    under: report
    each: OBX
    key: {within: report, value: {join: [.3.1, .1], with: "-"}}
    set:
      status: {from: .11, codes: status}
      code: {use: CWE, from: .3}
      subject: {ref: patient}
      valueQuantity:
        - {set: {value: {from: .5, as: magnitude}, unit: .6}, when: {equals: [.2, NM]}}
        - set: {comparator: .5.1, value: {from: .5.2, as: decimal}, unit: .6}
          when: {equals: [.2, SN]}
      valueString: {from: .5, when: {equals: [.2, ST]}}
      referenceRange: {from: .7, as: range}
      note: {each: NTE, set: {text: .3}}
systems: {L: "urn:local"}
ignore: [MSH, {path: PID-1, why: set id}, OBX-8, ZZZ-2]
"""


def test_a_report_refers_to_its_own_results_and_no_others(tmp_path: Path) -> None:
    made = mapped(compiled(tmp_path, MAP), ORU)
    by_type: dict[str, list[Resource]] = {}
    for one in made.contributions:
        by_type.setdefault(one.resource["resourceType"], []).append(one.resource)
    reports = by_type["DiagnosticReport"]
    ids = [f"Observation/{one['id']}" for one in by_type["Observation"]]

    results = [[r["reference"] for r in report["result"]] for report in reports]
    assert results == [ids[:2], ids[2:]]
    assert reports[0]["performer"] == [{"reference": "#lab"}]
    assert reports[0]["contained"] == [{"resourceType": "Organization", "id": "lab", "name": "LIS"}]
    assert list(reports[0])[:3] == ["resourceType", "id", "contained"]
    assert by_type["Observation"][1]["valueQuantity"]["comparator"] == "<"


def test_every_leaf_of_the_output_has_one_lineage_row_and_every_row_a_leaf(tmp_path: Path) -> None:
    made = mapped(compiled(tmp_path, MAP), ORU)
    bundle = made.bundle()
    pointers = [row.pointer for row in made.lineage]

    assert sorted(pointers) == sorted(leaf_pointers(bundle))
    assert [value_at(bundle, p) for p in pointers if p.endswith("birthDate")] == ["1962"]
    row = next(row for row in made.lineage if row.pointer.endswith("/birthDate"))
    assert (row.kind, str(row.sources[0]), row.rule) == ("copied", "PID-7 (line 2)", "map.yaml:14")
    row = next(row for row in made.lineage if row.pointer.endswith("1/resource/status"))
    assert (row.kind, row.code_row) == ("translated", "map.yaml:5")


def leaf_pointers(bundle: dict[str, object]) -> list[str]:
    """Name every leaf of the resources in a bundle but their types."""
    found: list[str] = []

    def walk(value: object, pointer: str) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                walk(inner, f"{pointer}/{name}")
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                walk(inner, f"{pointer}/{index}")
        elif not pointer.endswith("/resourceType"):
            found.append(pointer)

    for index, entry in enumerate(bundle["entry"]):  # type: ignore[arg-type,var-annotated]
        walk(entry["resource"], f"/entry/{index}/resource")
    return found


def test_what_no_rule_read_and_ignore_does_not_name_is_reported(tmp_path: Path) -> None:
    made = mapped(compiled(tmp_path, MAP), ORU)

    assert [str(place) for place in made.unread] == [
        "PID-3.4 (line 2)",
        "PID-3.5 (line 2)",
        "PID-8 (line 2)",
        "OBR-1 (line 3)",
        "OBR-2 (line 3)",
        "OBR-7 (line 3)",
        "NTE-1 (line 5)",
        "OBR-1 (line 7)",
        "OBR-2 (line 7)",
        "OBR-7 (line 7)",
        "ZZZ-1 (line 9)",
    ]


def test_the_event_time_is_the_first_present_with_the_zone_of_the_mapping(tmp_path: Path) -> None:
    program = compiled(tmp_path, MAP)

    assert mapped(program, ORU).event_time == "2026-11-02T11:00:00+08:00"
    later = ORU.replace("|20261102110000|", "||")
    assert mapped(program, later).event_time == "2026-11-02T11:05:00+08:00"


def test_all_present_keys_are_kept_and_the_first_names_the_resource(tmp_path: Path) -> None:
    program = compiled(tmp_path, MAP)
    both = ORU.replace("P1^^^QS^PI", "P1^^^QS^PI~420300196205143622^^^^NI")

    one = mapped(program, both).contributions[0]

    assert one.keys == (
        BusinessKey("Patient", "urn:card", "420300196205143622"),
        BusinessKey("Patient", "urn:no:QS", "P1"),
    )
    assert one.resource["id"] == trials.trial_id(one.keys[0])
    assert one.write == "merge"


def test_a_record_without_any_key_is_parked_naming_the_paths_tried(tmp_path: Path) -> None:
    with pytest.raises(GatewayError) as caught:
        mapped(compiled(tmp_path, MAP), ORU.replace("P1^^^QS^PI", ""))

    assert caught.value.number == "GW-3101"
    assert caught.value.kind == "unmapped"
    assert "PID-3[type=NI].1, PID-3[type=PI].1" in caught.value.text_en


def test_a_key_within_another_resource_follows_that_resources_key(tmp_path: Path) -> None:
    made = mapped(compiled(tmp_path, MAP), ORU)
    keys = [
        one.keys[0] for one in made.contributions if one.resource["resourceType"] == "Observation"
    ]

    assert keys[0] == BusinessKey("Observation", "urn:report", "R1/2345-7-1")


def test_the_same_record_gives_the_same_bundle(tmp_path: Path) -> None:
    program = compiled(tmp_path, MAP)

    assert mapped(program, ORU) == mapped(program, ORU)


def test_only_records_of_the_named_kinds_and_condition_are_taken(tmp_path: Path) -> None:
    text = MAP.replace("time:", "when: {exists: PV1}, time:")
    parsed = next(trials.read_records(compiled(tmp_path, MAP), ORU.encode(), READERS))

    assert compiled(tmp_path, MAP).accepts(parsed)
    assert compiled(tmp_path, MAP.replace("ORU^R01]", "ORU^*]")).accepts(parsed)
    assert not compiled(tmp_path, MAP.replace("ORU^R01]", "ADT^*]")).accepts(parsed)
    assert not compiled(tmp_path, text).accepts(parsed)


def test_a_reference_that_could_mean_several_resources_parks_the_record(tmp_path: Path) -> None:
    text = (
        patient_map("managingOrganization: {ref: org}", "json")
        + """
  - as: org
    type: Organization
    each: $.orgs[*]
    key: {system: "urn:o", value: .id, shared: true}
    set: {name: .name}
"""
    )
    raw = '{"no": "1", "orgs": [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}]}'
    program = compiled(tmp_path, text)

    with pytest.raises(GatewayError, match="which is meant") as caught:
        mapped(program, raw)
    assert caught.value.number == "GW-3104"
    single = mapped(program, raw.replace(', {"id": "b", "name": "B"}', ""))
    assert single.contributions[1].keys[0].is_shared
    none = mapped(program, '{"no": "1"}').contributions
    assert "managingOrganization" not in none[0].resource


def test_a_reference_inside_each_means_the_resource_of_the_same_node(tmp_path: Path) -> None:
    text = """mapping: 1
id: test/visit
source: {format: json}
resources:
  - as: visit
    type: Encounter
    key: {system: "urn:v", value: $.visit}
    set:
      status: finished
      class: {set: {code: IMP}}
      diagnosis: {each: "$.diagnoses[*]", set: {condition: {ref: condition}, rank: .rank}}
  - as: condition
    type: Condition
    each: $.diagnoses[*]
    key: {within: visit, value: .code}
    set: {subject: {ref: patient}, code: {from: .name, as: concept}}
  - as: patient
    type: Patient
    key: {system: "urn:p", value: $.person}
    set: {active: true}
"""
    raw = (
        '{"visit": "V1", "person": "P1", "diagnoses": ['
        '{"code": "I10", "name": "高血压", "rank": 2},'
        '{"code": "E11", "name": "糖尿病", "rank": 1}]}'
    )
    made = mapped(compiled(tmp_path, text), raw).contributions
    visit, conditions = made[0].resource, [one.resource for one in made[1:3]]

    assert [d["condition"]["reference"] for d in visit["diagnosis"]] == [
        f"Condition/{one['id']}" for one in conditions
    ]
    assert [d["rank"] for d in visit["diagnosis"]] == [2, 1]


def test_two_resources_of_one_key_are_one_and_the_later_fills_what_is_missing(
    tmp_path: Path,
) -> None:
    text = (
        patient_map("name.text: {from: $.name}", "json")
        + """
  - as: again
    type: Patient
    key: {system: "urn:x:no", value: $.no}
    set: {name.text: {from: $.other}, birthDate: {from: $.born}}
"""
    )
    made = mapped(
        compiled(tmp_path, text), '{"no": "1", "name": "林", "other": "李", "born": "1962"}'
    )

    assert len(made.contributions) == 1
    assert made.contributions[0].resource["name"] == [{"text": "林"}]
    assert made.contributions[0].resource["birthDate"] == "1962"
    assert [one.number for one in made.issues] == ["GW-3206"]


def test_a_contained_resource_may_be_referred_to_from_its_container_only(tmp_path: Path) -> None:
    text = (
        patient_map("managingOrganization: {ref: org}")
        + """
  - as: other
    type: Patient
    key: {system: "urn:y", value: NO}
    set: {managingOrganization: {ref: org}}
  - {as: org, type: Organization, contained_in: patient, set: {name: {from: ORG}}}
"""
    )

    assert ["GW-3037" in line for line in mistakes(tmp_path, text)] == [True]
