"""Searches beyond one value of one row: units, terminology, running text, places, pinyin, lists."""

from decimal import Decimal
from typing import Any

import pytest

from gateway.errors import GatewayError
from gateway.fhir.definitions import load
from gateway.fhir.search_code_sets import LoadedCodeSets
from gateway.fhir.terminology import Terminology
from gateway.store import Store
from tests.unit.store.content import indexed
from tests.unit.store.samples import ALL, commit

UCUM = "http://unitsofmeasure.org"
CODES = LoadedCodeSets(Terminology(load()))


def ids(store: Store, url: str) -> list[str]:
    type_, _, rest = url.partition("?")
    pairs = [(n, v) for n, _, v in (part.partition("=") for part in rest.split("&"))]
    store.code_sets = CODES
    return sorted(one.id for one in store.search(ALL, store.query(1, (type_,), pairs)).matches)


def _quantity(value: str, unit: str, system: str = UCUM) -> dict[str, Any]:
    return {"valueQuantity": {"value": Decimal(value), "system": system, "code": unit}}


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (f"value-quantity=5|{UCUM}|mg", ["grams", "milligrams"]),
        (f"value-quantity=0.005|{UCUM}|g", ["grams", "milligrams"]),
        (f"value-quantity=gt4999|{UCUM}|ug", ["grams", "milligrams"]),
        (f"value-quantity=lt1|{UCUM}|kg", ["grams", "milligrams"]),
        (f"value-quantity=37.0|{UCUM}|Cel", ["kelvin"]),
        (f"value-quantity=5|{UCUM}|mL", []),
        ("value-quantity=5||mg", ["milligrams"]),
        ("value-quantity=5|urn:local|丸", ["pills"]),
        (f"value-quantity=5|urn:local|丸,0.005|{UCUM}|g", ["grams", "milligrams", "pills"]),
        (f"code-value-quantity=dose$5|{UCUM}|mg", ["grams"]),
    ],
)
def test_quantities_are_compared_in_canonical_units(
    store: Store, asked: str, found: list[str]
) -> None:
    dose = {"code": {"coding": [{"system": "urn:c", "code": "dose"}]}}
    store.commit(
        commit(
            indexed("Observation", "milligrams", **_quantity("5", "mg")),
            indexed("Observation", "grams", **_quantity("0.005", "g"), **dose),
            indexed("Observation", "kelvin", **_quantity("310.15", "K")),
            indexed("Observation", "pills", **_quantity("5", "丸", "urn:local")),
        )
    )
    assert ids(store, f"Observation?{asked}") == found


def _identifier(system: str, code: str, value: str) -> dict[str, Any]:
    return {"type": {"coding": [{"system": system, "code": code}]}, "value": value}


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|12345", ["mr"]),
        ("identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|SS|12345", ["ss"]),
        ("identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|1234", []),
        ("gender:in=http://hl7.org/fhir/ValueSet/administrative-gender", ["mr"]),
        ("gender:in=ValueSet/administrative-gender", ["mr"]),
        ("gender:not-in=http://hl7.org/fhir/ValueSet/administrative-gender", ["ss"]),
    ],
)
def test_tokens_are_found_by_the_type_of_identifier_and_by_value_set(
    store: Store, asked: str, found: list[str]
) -> None:
    types = "http://terminology.hl7.org/CodeSystem/v2-0203"
    store.commit(
        commit(
            indexed("Patient", "mr", identifier=[_identifier(types, "MR", "12345")], gender="male"),
            indexed("Patient", "ss", identifier=[_identifier(types, "SS", "12345")]),
        )
    )
    assert ids(store, f"Patient?{asked}") == found


def test_codes_are_found_below_and_above_another(store: Store) -> None:
    system = "http://terminology.hl7.org/CodeSystem/v3-ActCode"

    def encounter(code: str) -> dict[str, Any]:
        return {"class": {"system": system, "code": code}}

    store.commit(
        commit(*(indexed("Encounter", code, **encounter(code)) for code in ("IMP", "ACUTE", "AMB")))
    )
    assert ids(store, f"Encounter?class:below={system}|IMP") == ["ACUTE", "IMP"]
    assert ids(store, f"Encounter?class:above={system}|ACUTE") == ["ACUTE", "IMP"]


@pytest.mark.parametrize(
    "asked",
    [
        "gender:in=http://example.org/none",
        "gender:below=male",
        "gender:below=urn:none|male",
        "identifier:of-type=a|b",
        "_content=。",
        "_list=$current-problems",
    ],
)
def test_what_cannot_be_told_is_refused_by_name(store: Store, asked: str) -> None:
    with pytest.raises(GatewayError, match="GW-7102") as refusal:
        ids(store, f"Patient?{asked}")
    assert asked.partition("=")[0] in refusal.value.text_en


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("_content=高血压", ["three"]),
        ("_content=压", ["sugar", "three"]),
        ("_content=患者高血压三级", ["three"]),
        ("_content=患者高血压二级", []),
        ("_content=ECG", ["three"]),
        ("_content=ecg 胸痛", ["three"]),
        ("_content=ecg 腹痛", []),
        ("_content=腹痛,高血压", ["three"]),
        ("_content=天麻", ["three"]),
        ("_text=天麻", ["three"]),
        ("_text=胸痛", []),
        ("_text:missing=true", ["sugar"]),
        ("_content=𠮷野", ["sugar"]),
        ("_content=div", []),
        ("code:text=高&_content=高血", ["three"]),
    ],
)
def test_running_text_is_found_by_words_and_by_chinese_characters(
    store: Store, asked: str, found: list[str]
) -> None:
    div = '<div xmlns="http://www.w3.org/1999/xhtml"><p class="x">服用天麻&amp;钩藤</p></div>'
    store.commit(
        commit(
            indexed(
                "Condition",
                "three",
                code={"text": "高血压"},
                note=[{"text": "患者高血压三级，ECG 正常，胸痛两月"}],
                text={"status": "generated", "div": div},
            ),
            indexed("Condition", "sugar", note=[{"text": "高血糖，血氧与压力正常。𠮷野医师"}]),
        )
    )
    assert ids(store, f"Condition?{asked}") == found


def test_the_text_of_a_superseded_version_is_found_no_more(store: Store) -> None:
    store.commit(commit(indexed("Condition", "c", note=[{"text": "高血压"}])))
    store.commit(commit(indexed("Condition", "c", note=[{"text": "糖尿病"}])))
    assert ids(store, "Condition?_content=高血压") == []
    assert ids(store, "Condition?_content=糖尿病") == ["c"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("near=32.63|110.79|5|km", ["clinic"]),
        ("near=32.63|110.79|150|km", ["clinic", "county"]),
        ("near=32.63|110.79|93|[mi_i]", ["clinic", "county"]),
        ("near=32.63|110.79|500|m", ["clinic"]),
        ("near=32.63|110.79", ["clinic"]),
        ("near=10|179.9|100|km", ["date-line"]),
    ],
)
def test_places_are_found_by_their_distance(store: Store, asked: str, found: list[str]) -> None:
    def place(latitude: str, longitude: str) -> dict[str, Any]:
        return {"position": {"latitude": Decimal(latitude), "longitude": Decimal(longitude)}}

    store.commit(
        commit(
            indexed("Location", "clinic", **place("32.632", "110.792")),
            indexed("Location", "county", **place("32.01", "112.14")),
            indexed("Location", "date-line", **place("10", "-179.9")),
        )
    )
    assert ids(store, f"Location?{asked}") == found


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("lgf", ["lin"]),
        ("linguifang", ["lin"]),
        ("lin gui", ["lin"]),
        ("LÍN", ["lin"]),
        ("shanxiuying", ["shan"]),
        ("sxy", ["shan"]),
        ("lvbu", ["lv"]),
        ("lübu", ["lv"]),
        ("guifang", []),
    ],
)
def test_chinese_names_are_found_by_pinyin(store: Store, asked: str, found: list[str]) -> None:
    store.commit(
        commit(
            indexed("Patient", "lin", name=[{"family": "林", "given": ["桂芳"]}]),
            indexed("Patient", "shan", name=[{"text": "单秀英"}]),
            indexed("Patient", "lv", name=[{"text": "吕布"}]),
            indexed("Patient", "smith", name=[{"family": "Smith"}]),
        )
    )
    assert ids(store, f"Patient?name-pinyin={asked}") == found


def test_the_members_of_a_list_are_found(store: Store) -> None:
    entries = [{"item": {"reference": f"Patient/{id_}"}} for id_ in ("a", "b")]
    store.commit(
        commit(
            *(indexed("Patient", id_, active=id_ == "a") for id_ in ("a", "b", "c")),
            indexed("List", "l1", entry=entries),
        )
    )
    assert ids(store, "Patient?_list=l1") == ["a", "b"]
    assert ids(store, "Patient?_list=List/l1&active=true") == ["a"]
    assert ids(store, "Patient?_list=l2") == []
