"""What each word of a rule gives."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import GatewayError
from tests.unit.mapping.tryout import compiled, mapped, patient, patient_map

PID = (
    "MSH|^~\\&|HIS|QS|GW|CO|20261102093000||ADT^A01|M1|P|2.4\r"
    "PID|1||P1^^^&A^PI~X2^^^&B^NI||林^桂芳~LIN^GUIFANG||19620514|F|||||13800000001~0719-1||||\r"
)


def rows(**cells: str) -> str:
    """Write a CSV of one row."""
    named = {"NO": "1", **cells}
    return ",".join(named) + "\n" + ",".join(f'"{text}"' for text in named.values()) + "\n"


@pytest.mark.parametrize(
    ("rules", "cells", "expected"),
    [
        ("active: true", {}, {"active": True}),
        ("multipleBirthInteger: 2", {}, {"multipleBirthInteger": 2}),
        ("birthDate: {from: [B, C]}", {"B": " ", "C": "1962"}, {"birthDate": "1962"}),
        ("gender: {from: S, codes: {1: male}}", {"S": "1"}, {"gender": "male"}),
        (
            "gender: {from: S, codes: {1: male}, otherwise: unknown}",
            {"S": "7"},
            {"gender": "unknown"},
        ),
        ("gender: {from: S, codes: {1: male}, otherwise: unknown}", {}, {}),
        (
            "gender: {from: S, codes: {1: male}, otherwise: copy}",
            {"S": "other"},
            {"gender": "other"},
        ),
        ("gender: {from: S, codes: {1: male}, otherwise: absent}", {"S": "7"}, {}),
        ("gender: {from: S, default: unknown}", {}, {"gender": "unknown"}),
        ("gender: [{const: male, when: {equals: [S, 1]}}, female]", {"S": "1"}, {"gender": "male"}),
        (
            "gender: [{const: male, when: {equals: [S, 1]}}, female]",
            {"S": "2"},
            {"gender": "female"},
        ),
        (
            "name.text: {join: [A, B], with: ' '}",
            {"A": "林", "B": "桂芳"},
            {"name": [{"text": "林 桂芳"}]},
        ),
        ("name.text: {join: [A, B], with: ' '}", {"B": "桂芳"}, {"name": [{"text": "桂芳"}]}),
        (
            "name.text: {template: '{2}, {1}', join: [A, B]}",
            {"A": "林", "B": "桂芳"},
            {"name": [{"text": "桂芳, 林"}]},
        ),
        ("name.text: {template: '{2}, {1}', join: [A, B]}", {"A": "林"}, {}),
        (
            "name.text: {template: 'no. {1}', join: [{from: A, codes: {H1: U1}}]}",
            {"A": "H1"},
            {"name": [{"text": "no. U1"}]},
        ),
        (
            "name.family: {from: A}\nname.given: {from: B}",
            {"A": "林", "B": "桂芳"},
            {"name": [{"family": "林", "given": ["桂芳"]}]},
        ),
        ("name: {set: {use: official, text: {from: A}}}", {}, {}),
        (
            "name: [{set: {text: {from: A}}}, {set: {text: {from: B}}}]",
            {"A": "x", "B": "y"},
            {"name": [{"text": "x"}, {"text": "y"}]},
        ),
        (
            "maritalStatus: {from: M, as: concept}",
            {"M": "已婚"},
            {"maritalStatus": {"text": "已婚"}},
        ),
        ("language: {const: .zh}", {}, {"language": ".zh"}),
        (
            "managingOrganization: {ref: {identifier: {system: 'urn:o', value: {from: O}}}}",
            {"O": "9"},
            {"managingOrganization": {"identifier": {"system": "urn:o", "value": "9"}}},
        ),
        (
            "_birthDate: {set: {extension: {set: {url: 'urn:t', valueDateTime: {from: B}}}}}",
            {"B": "1962"},
            {"_birthDate": {"extension": [{"url": "urn:t", "valueDateTime": "1962"}]}},
        ),
    ],
)
def test_a_rule_gives(
    tmp_path: Path, rules: str, cells: dict[str, str], expected: dict[str, Any]
) -> None:
    made = patient(tmp_path, rules, rows(**cells))

    assert {k: v for k, v in made.items() if k not in ("resourceType", "id")} == expected


@pytest.mark.parametrize(
    ("when", "is_met"),
    [
        ("{exists: A}", True),
        ("{exists: Z}", False),
        ("{missing: Z}", True),
        ("{in: [A, [x, abc]]}", True),
        ("{equals: [A, ab]}", False),
        ("{matches: [A, 'a?c']}", True),
        ("{matches: [A, 'a*d']}", False),
        ("{matches: [B, '[x]*']}", True),
        ("{number: N}", True),
        ("{number: A}", False),
        ("{not: {exists: A}}", False),
        ("{exists: A, equals: [A, zz]}", False),
        ("{all: [{exists: A}, {missing: Z}]}", True),
        ("{any: [{exists: Z}, {exists: A}]}", True),
    ],
)
def test_a_condition_holds(tmp_path: Path, when: str, is_met: bool) -> None:
    made = patient(
        tmp_path, f"active: {{const: true, when: {when}}}", rows(A="abc", B="[x]y", N="≤5.0")
    )

    assert ("active" in made) is is_met


def test_each_makes_one_value_for_each_repetition_and_keeps_pairs_together(tmp_path: Path) -> None:
    rules = """identifier: {each: PID-3, set: {value: .1, type.text: .5, assigner.display: .4.2}}
name: {each: PID-5, set: {family: .1, given: [.2]}}
telecom: {each: PID-13, set: {system: phone, value: .1}}
"""
    made = patient(tmp_path, rules, PID, "hl7v2")

    assert made["identifier"] == [
        {"value": "P1", "type": {"text": "PI"}, "assigner": {"display": "A"}},
        {"value": "X2", "type": {"text": "NI"}, "assigner": {"display": "B"}},
    ]
    assert made["name"][1] == {"family": "LIN", "given": ["GUIFANG"]}
    assert [t["value"] for t in made["telecom"]] == ["13800000001", "0719-1"]


def test_a_datatype_map_is_used_and_single_elements_of_it_are_replaced(tmp_path: Path) -> None:
    made = patient(
        tmp_path, "identifier: {each: PID-3, use: CX, set: {system: 'urn:x'}}", PID, "hl7v2"
    )

    assert made["identifier"][0] == {
        "type": {
            "coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "PI"}]
        },
        "system": "urn:x",
        "value": "P1",
    }


def test_a_constant_is_filled_from_the_channels_options_or_the_record_is_parked(
    tmp_path: Path,
) -> None:
    program = compiled(tmp_path, patient_map("implicitRules: 'urn:{uscc}:{member}'"))

    made = mapped(program, rows(), uscc="12429901MB01A2001Y").contributions[0].resource
    assert made["implicitRules"] == "urn:12429901MB01A2001Y:sample"
    with pytest.raises(GatewayError, match="does not set uscc") as caught:
        mapped(program, rows())
    assert caught.value.number == "GW-3105"


def test_placeholders_are_absent_everywhere_or_in_one_rule(tmp_path: Path) -> None:
    rules = "name.text: {from: [A, B]}\nbirthDate: {from: D, as: {absent: ['00000000']}}"
    text = patient_map(rules, head="absent: ['-', 无]\n")
    made = mapped(compiled(tmp_path, text), rows(A="-", B="林", D="00000000"))

    assert made.contributions[0].resource["name"] == [{"text": "林"}]
    assert "birthDate" not in made.contributions[0].resource
    assert made.unread == ()


def test_an_amount_keeps_its_scale(tmp_path: Path) -> None:
    rules = "extension: {set: {url: 'urn:f', valueMoney: {from: F, as: {money: CNY}}}}"

    made = patient(tmp_path, rules, rows(F="72.50"))

    assert str(made["extension"][0]["valueMoney"]["value"]) == "72.50"
    assert made["extension"][0]["valueMoney"]["value"] == Decimal("72.50")


def test_an_element_of_another_type_than_its_text_parks_the_record_with_rule_and_place(
    tmp_path: Path,
) -> None:
    with pytest.raises(GatewayError) as caught:
        patient(tmp_path, "birthDate: {from: B}", rows(B="19621332"))

    assert caught.value.number == "GW-3103"
    assert str(caught.value.where) == "B (line 2)"
    assert caught.value.expression == "Patient.birthDate"
    assert "map.yaml:9" in caught.value.text_en
    assert "19621332" not in caught.value.text_en + caught.value.text_zh


def test_cda_datatype_maps_read_names_addresses_and_codes(tmp_path: Path) -> None:
    rules = """name: {use: PN, each: /r/name}
address: {use: AD, each: /r/addr}
telecom: {use: TEL, each: /r/telecom}
identifier: {use: II, each: /r/id}
maritalStatus: {use: CD, from: /r/m}
"""
    raw = """<r xmlns:c="urn:hl7-org:v3"><no>1</no>
<name><c:family>林</c:family><c:given>桂芳</c:given></name>
<name>林桂芳</name><addr use="HP"><c:city>青山</c:city></addr><telecom value="tel:0719-1"/>
<id root="2.16.156.10011.1.3" extension="420300196205143622"/>
<id root="0f8fad5b-d9cb-469f-a165-70867728950e"/>
<m code="M" codeSystem="2.16.840.1.113883.5.2" displayName="Married"/></r>"""
    made = patient(tmp_path, rules, raw, "xml")

    assert made["name"] == [{"family": "林", "given": ["桂芳"]}, {"text": "林桂芳"}]
    assert made["address"] == [{"use": "home", "city": "青山"}]
    assert made["telecom"] == [{"system": "phone", "value": "0719-1"}]
    assert made["identifier"] == [
        {"system": "urn:oid:2.16.156.10011.1.3", "value": "420300196205143622"},
        {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:0f8fad5b-d9cb-469f-a165-70867728950e"},
    ]
    assert made["maritalStatus"]["coding"] == [
        {
            "system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus",
            "code": "M",
            "display": "Married",
        }
    ]
