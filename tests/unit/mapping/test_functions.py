"""Value functions: what native texts become, and that every one of them is documented."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import GatewayError
from gateway.mapping import compiling, conditions, keys, packaged, resources, rules
from gateway.mapping.functions import FUNCTIONS
from tests.unit.mapping.tryout import compiled, mapped, patient_map

DOCS = Path(__file__).parents[3] / "docs" / "mapping.md"
SHANGHAI = {"zone": "Asia/Shanghai"}


def value(
    folder: Path, function: str, text: str, element: str, **head: str
) -> tuple[Any, list[str]]:
    """Give what a function makes of a text in an extension's element, and the warnings."""
    rule = f"extension: {{set: {{url: 'urn:t', {element}: {{from: X, as: {function}}}}}}}"
    source = "source: {format: rows, zone: Asia/Shanghai}" if head else "source: {format: rows}"
    program = compiled(folder, patient_map(rule).replace("source: {format: rows}", source))
    made = mapped(program, f'NO,X\n1,"{text}"\n')
    found = made.contributions[0].resource.get("extension", [{}])[0].get(element)
    return found, [one.number for one in made.issues]


@pytest.mark.parametrize(
    ("function", "element", "text", "expected"),
    [
        ("string", "valueString", " 一 二 ", "一 二"),
        ("upper", "valueString", "42030x", "42030X"),
        ("lower", "valueString", "ABC", "abc"),
        ("{split: {by: '-', part: 2}}", "valueString", "a-b-c", "b"),
        ("{split: {by: '-', part: -1}}", "valueString", "a-b-c", "c"),
        ("{split: {by: '-', part: 4}}", "valueString", "a-b-c", None),
        ("[{split: {by: '-', part: 2}}, upper]", "valueString", "a-b-c", "B"),
        ("{prefix: 'urn:oid:'}", "valueUri", "1.2.3", "urn:oid:1.2.3"),
        ("base64", "valueBase64Binary", "林", "5p6X"),
        ("md5", "valueString", "abc", "900150983cd24fb0d6963f7d28e17f72"),
        (
            "uuid",
            "valueString",
            "0F8FAD5B-D9CB-469F-A165-70867728950E",
            "0f8fad5b-d9cb-469f-a165-70867728950e",
        ),
        ("urn", "valueUri", "2.16.156.10011.1.3", "urn:oid:2.16.156.10011.1.3"),
        ("coding-system", "valueUri", "LN", "http://loinc.org"),
        ("coding-system", "valueUri", "HL70003", "http://terminology.hl7.org/CodeSystem/v2-0003"),
        ("coding-system", "valueUri", "2.16.840.1.113883.6.96", "http://snomed.info/sct"),
        ("coding-system", "valueUri", "2.16.156.10011.2.3.3.4", "urn:oid:2.16.156.10011.2.3.3.4"),
        ("comparator", "valueCode", "≤23.0", "<="),
        ("comparator", "valueCode", "23.0", None),
        ("magnitude", "valueDecimal", "＜0.50 mg/L", Decimal("0.50")),
        ("decimal", "valueDecimal", "12,345.60", Decimal("12345.60")),
        ("decimal", "valueDecimal", "-72.50", Decimal("-72.50")),
        ("integer", "valueInteger", "6", 6),
        ("boolean", "valueBoolean", "true", True),
        ("{boolean: {true: [是, 1], false: [否]}}", "valueBoolean", "否", False),
        (
            "quantity",
            "valueQuantity",
            "<0.5 mg/L",
            {"value": Decimal("0.5"), "comparator": "<", "unit": "mg/L"},
        ),
        ("{money: CNY}", "valueMoney", "72.50", {"value": Decimal("72.50"), "currency": "CNY"}),
        ("concept", "valueCodeableConcept", "已婚", {"text": "已婚"}),
        ("date", "valueDate", "19620514", "1962-05-14"),
        ("date", "valueDate", "1962", "1962"),
        ("date", "valueDate", "196205", "1962-05"),
        ("date", "valueDate", "1962年5月4日", "1962-05-04"),
        ("date", "valueDate", "1962/5/4", "1962-05-04"),
        ("date", "valueDate", "19620514083000", "1962-05-14"),
        ("dateTime", "valueDateTime", "1962-05", "1962-05"),
        ("dateTime", "valueDateTime", "20261102093000", "2026-11-02T09:30:00+08:00"),
        ("dateTime", "valueDateTime", "202611020930", "2026-11-02T09:30:00+08:00"),
        ("dateTime", "valueDateTime", "2026-11-02 09:30:15", "2026-11-02T09:30:15+08:00"),
        ("dateTime", "valueDateTime", "20261102093015.25-0500", "2026-11-02T09:30:15.25-05:00"),
        ("dateTime", "valueDateTime", "2026-11-02T09:30:15Z", "2026-11-02T09:30:15Z"),
        ("instant", "valueInstant", "20261102093000", "2026-11-02T09:30:00+08:00"),
        ("time", "valueTime", "0930", "09:30:00"),
    ],
)
def test_a_function_gives(
    tmp_path: Path, function: str, element: str, text: str, expected: Any
) -> None:
    found, warnings = value(tmp_path, function, text, element, **SHANGHAI)

    assert found == expected
    assert str(found) == str(expected)
    assert warnings == []


@pytest.mark.parametrize(
    ("function", "element", "text"),
    [
        ("date", "valueDate", "20261340"),
        ("date", "valueDate", "20260230"),
        ("dateTime", "valueDateTime", "yesterday"),
        ("dateTime", "valueDateTime", "20261102250000"),
        ("time", "valueTime", "2561"),
        ("decimal", "valueDecimal", "7,2.5"),
        ("decimal", "valueDecimal", "NaN"),
        ("integer", "valueInteger", "6.5"),
        ("boolean", "valueBoolean", "yes"),
        ("uuid", "valueString", "12"),
        ("urn", "valueUri", "P0001"),
        ("{money: CNY}", "valueMoney", "免费"),
        ("magnitude", "valueDecimal", "阴性"),
    ],
)
def test_a_text_that_is_no_such_value_parks_the_record(
    tmp_path: Path, function: str, element: str, text: str
) -> None:
    with pytest.raises(GatewayError) as caught:
        value(tmp_path, function, text, element)

    assert caught.value.number == "GW-3103"


def test_a_local_time_without_any_zone_keeps_its_date_and_warns(tmp_path: Path) -> None:
    assert value(tmp_path, "dateTime", "20261102093000", "valueDateTime") == (
        "2026-11-02",
        ["GW-3201"],
    )


def test_a_time_too_coarse_for_an_instant_is_left_out_with_a_warning(tmp_path: Path) -> None:
    assert value(tmp_path, "instant", "20261102", "valueInstant") == (None, ["GW-3205"])


def test_the_zones_own_history_gives_the_offset(tmp_path: Path) -> None:
    """China kept summer time in 1986 to 1991 (IANA time zone database)."""
    assert value(tmp_path, "dateTime", "19880701120000", "valueDateTime", **SHANGHAI)[0] == (
        "1988-07-01T12:00:00+09:00"
    )


@pytest.mark.parametrize(
    ("function", "good", "bad"),
    [
        ("id-card", "420300196205143622", "420300196205143623"),
        ("uscc", "12429901MB01A2001Y", "12429901MB01A2001X"),
    ],
)
def test_a_wrong_checksum_warns_or_refuses_as_the_channel_says(
    tmp_path: Path, function: str, good: str, bad: str
) -> None:
    assert value(tmp_path, function, good, "valueString") == (good, [])
    assert value(tmp_path, function, bad, "valueString") == (bad, ["GW-3202"])
    program = compiled(tmp_path, patient_map(f"name.text: {{from: X, as: {function}}}"))
    with pytest.raises(GatewayError) as caught:
        mapped(program, f"NO,X\n1,{bad}\n", checks="error")
    assert caught.value.number == "GW-3106"
    assert bad not in caught.value.text_en + caught.value.text_zh


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9-50", {"low": {"value": 9}, "high": {"value": 50}, "text": "9-50"}),
        (
            "3.90~6.10",
            {
                "low": {"value": Decimal("3.90")},
                "high": {"value": Decimal("6.10")},
                "text": "3.90~6.10",
            },
        ),
        ("≤23.0", {"high": {"value": Decimal("23.0")}, "text": "≤23.0"}),
        ("<23.0", {"text": "<23.0"}),
        ("阴性", {"text": "阴性"}),
    ],
)
def test_a_reference_range_says_only_what_it_says(text: str, expected: dict[str, Any]) -> None:
    from gateway.mapping.conversions import reference_range

    assert reference_range(text) == expected


def test_narrative_text_is_escaped(tmp_path: Path) -> None:
    rule = "text: {from: X, as: narrative}"
    made = mapped(compiled(tmp_path, patient_map(rule)), 'NO,X\n1,"<b>a&b</b>"\n')

    assert made.contributions[0].resource["text"] == {
        "status": "generated",
        "div": '<div xmlns="http://www.w3.org/1999/xhtml">&lt;b&gt;a&amp;b&lt;/b&gt;</div>',
    }


def test_an_unknown_coding_system_name_gives_no_system_and_one_warning(tmp_path: Path) -> None:
    assert value(tmp_path, "coding-system", "99ABC", "valueUri") == (None, ["GW-3203"])


def test_every_function_datatype_map_and_word_is_documented() -> None:
    text = DOCS.read_text(encoding="utf-8")
    missing = [name for name in FUNCTIONS if not re.search(rf"^\| `{name}` \|", text, re.MULTILINE)]
    for format_ in ("hl7v2", "xml"):
        missing += [name for name in packaged.datatypes(format_) if f"| `{name}` |" not in text]
    words = (*rules.WORDS, *resources.WORDS, *keys.WORDS, *conditions.WORDS, *compiling.WORDS)
    missing += [word for word in words if not re.search(rf"\b{word}\b", text)]

    assert missing == []


def test_the_language_stays_small() -> None:
    assert len(FUNCTIONS) <= 30
