"""Every word of the language is tried: no word, function or datatype map without a test."""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gateway.mapping import conditions, packaged, resources, rules
from gateway.mapping.functions import FUNCTIONS
from tests.unit.mapping.tryout import compiled, mapped

HL7 = """mapping: 1
id: test/map
title: 词语
source: {format: hl7v2, zone: Asia/Shanghai}
resources:
  - as: it
    type: TYPE
    write: merge
    key: {system: "urn:x:no", value: MSH-10}
    set:
      RULE
"""
XML = HL7.replace("hl7v2", "xml").replace("MSH-10", "/v:r/@no")
XML = XML.replace("zone: Asia/Shanghai", 'prefixes: {v: "urn:hl7-org:v3"}')
UNIT = {"system": "http://unitsofmeasure.org"}


def made(folder: Path, type_: str, rule: str, value: str, head: str = HL7) -> Any:
    text = head.replace("TYPE", type_).replace("RULE", rule)
    raw = f"MSH|^~\\&|A||||20260301||ADT^A08|1|P|2.5\rZZ1|{value}\r"
    if head is XML:
        raw = f'<r xmlns="urn:hl7-org:v3" no="1">{value}</r>'
    resource = mapped(compiled(folder, text), raw).contributions[0].resource
    return resource.get(rule.partition(":")[0].partition(".")[0])


@pytest.mark.parametrize(
    ("name", "type_", "element", "value", "expected"),
    [
        (
            "CE",
            "Patient",
            "maritalStatus",
            "M^Married^HL70002",
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/v2-0002",
                        "code": "M",
                        "display": "Married",
                    }
                ]
            },
        ),
        ("CNE", "Patient", "maritalStatus", "^only text", {"text": "only text"}),
        (
            "EI",
            "Composition",
            "identifier",
            "7^LAB^1.2.840.1^ISO",
            {"system": "urn:oid:1.2.840.1", "value": "7", "assigner": {"display": "LAB"}},
        ),
        (
            "XAD",
            "Patient",
            "address",
            "1 柳溪路&柳溪路&1^3号楼^青山^湖北^430000^CHN^H^^420300",
            [
                {
                    "use": "home",
                    "line": ["1 柳溪路", "柳溪路", "1", "3号楼"],
                    "city": "青山",
                    "district": "420300",
                    "state": "湖北",
                    "postalCode": "430000",
                    "country": "CHN",
                }
            ],
        ),
        ("DTM", "Patient", "birthDate", "19620514", "1962-05-14"),
        ("TS", "Composition", "date", "202603011530", "2026-03-01T15:30:00+08:00"),
        (
            "DR",
            "Encounter",
            "period",
            "20260301^20260305",
            {"start": "2026-03-01", "end": "2026-03-05"},
        ),
        (
            "CQ",
            "Observation",
            "valueQuantity",
            "72.50^mg&毫克",
            {"value": Decimal("72.50"), "unit": "毫克", "code": "mg"},
        ),
    ],
)
def test_a_datatype_of_hl7_v2_becomes_the_element(
    tmp_path: Path, name: str, type_: str, element: str, value: str, expected: object
) -> None:
    assert made(tmp_path, type_, f"{element}: {{use: {name}, from: ZZ1-1}}", value) == expected


@pytest.mark.parametrize(
    ("name", "type_", "element", "value", "expected"),
    [
        ("CS", "Patient", "maritalStatus", '<x code="M"/>', {"coding": [{"code": "M"}]}),
        (
            "CV",
            "Patient",
            "maritalStatus",
            '<x nullFlavor="OTH"><originalText> 离 异 </originalText></x>',
            {"text": "离 异"},
        ),
        (
            "IVL_TS",
            "Encounter",
            "period",
            '<x><low value="202601"/><high value="202603"/></x>',
            {"start": "2026-01", "end": "2026-03"},
        ),
        (
            "IVL_PQ",
            "Observation",
            "valueRange",
            '<x><low value="3.90" unit="mmol/L"/><high nullFlavor="PINF"/></x>',
            {"low": {"value": Decimal("3.90"), "unit": "mmol/L", **UNIT, "code": "mmol/L"}},
        ),
        (
            "PQ",
            "Observation",
            "valueQuantity",
            '<x value="72.50" unit="毫克"/>',
            {"value": Decimal("72.50"), "unit": "毫克"},
        ),
        (
            "RTO",
            "Observation",
            "valueRatio",
            '<x><numerator value="1" unit="mg"/><denominator value="2" unit="袋"/></x>',
            {
                "numerator": {"value": Decimal(1), "unit": "mg", **UNIT, "code": "mg"},
                "denominator": {"value": Decimal(2), "unit": "袋"},
            },
        ),
        (
            "PIVL_TS",
            "ServiceRequest",
            "occurrenceTiming",
            '<x><period><low value="6" unit="h"/><high value="8" unit="h"/></period></x>',
            {"repeat": {"period": Decimal(6), "periodMax": Decimal(8), "periodUnit": "h"}},
        ),
        (
            "EIVL_TS",
            "ServiceRequest",
            "occurrenceTiming",
            '<x><event code="ACM"/></x>',
            {"repeat": {"when": ["ACM"]}},
        ),
    ],
)
def test_a_datatype_of_cda_becomes_the_element(
    tmp_path: Path, name: str, type_: str, element: str, value: str, expected: object
) -> None:
    rule = f"{element}: {{use: {name}, from: /v:r/v:x}}"
    assert made(tmp_path, type_, rule, value, XML) == expected


def test_white_space_goes_altogether_where_a_rule_says_squeezed(tmp_path: Path) -> None:
    rule = "language: {from: ZZ1-1, as: squeezed}"
    assert made(tmp_path, "Patient", rule, " zh - CN ") == "zh-CN"


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        ("20260301153000+0800", True),
        ("20260301153000", True),
        ("202603011530", False),
        ("x", False),
    ],
)
def test_an_instant_is_a_time_to_the_second_with_a_zone(
    tmp_path: Path, value: str, is_one: bool
) -> None:
    rule = "active: {const: true, when: {instant: ZZ1-1}}"
    assert (made(tmp_path, "Patient", rule, value) is True) == is_one
    without = HL7.replace(", zone: Asia/Shanghai", "")
    if "+" not in value:
        assert made(tmp_path, "Patient", rule, value, without) is None


def test_a_site_takes_elements_and_resources_of_the_map_that_it_extends_away(
    tmp_path: Path,
) -> None:
    text = HL7.replace("TYPE", "Patient").replace("RULE", "language: zh\n      active: true")
    other = text.partition("resources:\n")[2].replace("as: it", "as: other")
    compiled(tmp_path / "mappings" / "test" / "map", text + other)
    site = """mapping: 1
id: site/map
extends: test/map
resources:
  - as: it
    set: {language: null}
  - {as: other, drop: true}
"""
    program = compiled(tmp_path / "mappings" / "site" / "map", site)
    assert [recipe.name for recipe in program.recipes] == ["it"]
    made = mapped(program, "MSH|^~\\&|A||||20260301||ADT^A08|1|P|2.5\r").contributions
    assert [one.resource.get("language") for one in made] == [None]


HERE = Path(__file__).parent
WORDS = (*rules.WORDS, *resources.WORDS, *conditions.WORDS)


def written() -> str:
    files = (*HERE.glob("*.py"), *HERE.parents[1].joinpath("property").glob("*.py"))
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(files))


def untried(names: Iterator[str], pattern: str) -> list[str]:
    text = written()
    return [name for name in names if not re.search(pattern.replace("%", re.escape(name)), text)]


def test_no_word_is_without_a_test() -> None:
    assert untried(iter(WORDS), r"\b%\b[\"']?\s*:") == []


def test_no_function_is_without_a_test() -> None:
    assert untried(iter(FUNCTIONS), r"as: \{?\[?%\b|\b%: [\[\"'{]|, %\]|[\"']%[\"'(]") == []


@pytest.mark.parametrize("format_", ["hl7v2", "xml"])
def test_no_datatype_map_is_without_a_test(format_: str) -> None:
    names = iter(packaged.datatypes(format_))
    assert untried(names, r"use[\"']?: [\"']?%\b|[\"']%[\"']") == []
