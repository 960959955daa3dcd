from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fhir.merge import merge, same_content
from gateway.records import Resource

ADMISSION: Resource = {
    "resourceType": "Encounter",
    "id": "e",
    "identifier": [{"system": "inpatient-no", "value": "1"}],
    "status": "in-progress",
    "period": {"start": "2024-03-01T08:00:00+08:00"},
    "hospitalization": {"admitSource": {"text": "转入"}},
}
DISCHARGE: Resource = {
    "resourceType": "Encounter",
    "id": "e",
    "identifier": [{"system": "mdtrt-id", "value": "9"}],
    "status": "finished",
    "period": {"end": "2024-03-09T10:00:00+08:00"},
    "hospitalization": {"dischargeDisposition": {"text": "转出"}},
}


def test_a_newer_record_replaces_what_it_holds_and_keeps_the_rest() -> None:
    merged = merge(ADMISSION, DISCHARGE, fill_only=False)
    assert merged["status"] == "finished"
    assert merged["period"] == {
        "start": "2024-03-01T08:00:00+08:00",
        "end": "2024-03-09T10:00:00+08:00",
    }
    assert merged["hospitalization"].keys() == {"admitSource", "dischargeDisposition"}
    assert [i["system"] for i in merged["identifier"]] == ["inpatient-no", "mdtrt-id"]


def test_an_older_record_only_fills_what_is_missing() -> None:
    merged = merge(DISCHARGE, ADMISSION, fill_only=True)
    assert merged["status"] == "finished"
    assert merged["period"].keys() == {"start", "end"}


def test_what_a_record_deletes_goes_and_nothing_else() -> None:
    both = merge(ADMISSION, DISCHARGE, fill_only=False)
    again: Resource = {"resourceType": "Encounter", "id": "e", "status": "in-progress"}
    deleted = {"period.end", "hospitalization.dischargeDisposition", "location", "status"}
    merged = merge(both, again, False, deleted)
    assert merged["period"] == {"start": "2024-03-01T08:00:00+08:00"}
    assert merged["hospitalization"] == {"admitSource": {"text": "转入"}}
    assert merged["status"] == "in-progress"
    assert merge(merged, again, False, {"period.start", "period"}).keys() == both.keys() - {
        "period"
    }
    assert merge(both, again, True, deleted) == both
    dead: Resource = {"resourceType": "Patient", "id": "p", "deceasedDateTime": "2024"}
    bare: Resource = {"resourceType": "Patient", "id": "p"}
    assert merge(dead, bare, False, {"deceasedBoolean"}) == bare


def test_a_choice_of_types_is_one_element_and_a_value_replaces_its_extensions() -> None:
    current = {
        "resourceType": "Patient",
        "id": "p",
        "deceasedBoolean": False,
        "birthDate": "1962",
        "_birthDate": {"extension": [{"url": "u", "valueCode": "estimated"}]},
    }
    incoming = {"resourceType": "Patient", "deceasedDateTime": "2024", "birthDate": "1962-05"}
    assert merge(current, incoming, fill_only=False) == {
        "resourceType": "Patient",
        "id": "p",
        "deceasedDateTime": "2024",
        "birthDate": "1962-05",
    }
    assert merge(current, incoming, fill_only=True) == current


def test_a_codeable_concept_is_one_statement() -> None:
    old = {"resourceType": "Condition", "id": "c", "code": {"coding": [{"code": "I10"}]}}
    new = {"resourceType": "Condition", "id": "c", "code": {"text": "糖尿病"}}
    assert merge(old, new, fill_only=False)["code"] == {"text": "糖尿病"}


def test_content_of_another_shape_is_replaced_whole() -> None:
    odd = {"resourceType": "Encounter", "id": "e", "period": "2024", "identifier": {"value": "1"}}
    merged = merge(odd, DISCHARGE, fill_only=False)
    assert merged["period"] == DISCHARGE["period"]
    assert merged["identifier"] == DISCHARGE["identifier"]
    assert merge(odd, DISCHARGE, fill_only=True)["period"] == "2024"


def test_extensions_unite_by_url_and_tags_by_themselves() -> None:
    current = {
        "resourceType": "Patient",
        "id": "p",
        "meta": {"versionId": "3", "tag": [{"system": "t", "code": "a"}], "profile": ["x"]},
        "extension": [{"url": "a", "valueString": "1"}, {"url": "b", "valueString": "2"}],
    }
    incoming = {
        "resourceType": "Patient",
        "id": "p",
        "meta": {"versionId": "1", "tag": [{"system": "t", "code": "b"}], "profile": ["x"]},
        "extension": [{"url": "b", "valueString": "3"}],
    }
    merged = merge(current, incoming, fill_only=False)
    assert merged["extension"] == [
        {"url": "a", "valueString": "1"},
        {"url": "b", "valueString": "3"},
    ]
    assert merged["meta"]["versionId"] == "3"
    assert [tag["code"] for tag in merged["meta"]["tag"]] == ["a", "b"]
    assert merged["meta"]["profile"] == ["x"]


def test_contained_resources_of_the_same_id_do_not_mix() -> None:
    current = {
        "resourceType": "Encounter",
        "id": "e",
        "contained": [{"resourceType": "Organization", "id": "c", "name": "a"}],
        "serviceProvider": {"reference": "#c"},
    }
    incoming = {
        "resourceType": "Encounter",
        "id": "e",
        "contained": [{"resourceType": "Practitioner", "id": "c"}],
        "participant": [{"individual": {"reference": "#c"}}],
    }
    merged = merge(current, incoming, fill_only=False)
    assert {r["id"]: r["resourceType"] for r in merged["contained"]} == {
        "c": "Organization",
        "c-2": "Practitioner",
    }
    assert merged["serviceProvider"] == {"reference": "#c"}
    assert merged["participant"] == [{"individual": {"reference": "#c-2"}}]
    assert same_content(merge(merged, incoming, fill_only=False), merged)


def test_a_contained_resource_that_nothing_names_any_more_goes() -> None:
    current = {
        "resourceType": "Encounter",
        "id": "e",
        "contained": [{"resourceType": "Organization", "id": "c"}],
        "serviceProvider": {"reference": "#c"},
    }
    incoming = {"resourceType": "Encounter", "serviceProvider": {"reference": "Organization/1"}}
    assert "contained" not in merge(current, incoming, fill_only=False)


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        ({"meta": {"versionId": "1"}}, {"meta": {"versionId": "2", "lastUpdated": "x"}}, True),
        ({"meta": {"versionId": "1"}}, {}, True),
        ({"meta": {"profile": ["a"]}}, {"meta": {"profile": ["b"]}}, False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": Decimal("72.5")}, {"a": Decimal("72.50")}, False),
        ({"a": 72}, {"a": Decimal("72")}, True),
        ({"a": True}, {"a": 1}, False),
        ({"a": [1, 2]}, {"a": [2, 1]}, False),
        ({"a": {}}, {"a": []}, False),
    ],
)
def test_content_is_the_same_but_for_version_and_time(
    first: Resource, second: Resource, is_same: bool
) -> None:
    assert same_content(first, second) is is_same
    assert same_content(second, first) is is_same


codes = st.sampled_from(["a", "b", "c"])
identifiers = st.lists(
    st.fixed_dictionaries({"system": codes, "value": codes}), min_size=1, max_size=3
).map(lambda found: list({str(sorted(i.items())): i for i in found}.values()))
contained = st.lists(
    st.fixed_dictionaries({"resourceType": st.just("Organization"), "id": codes, "name": codes}),
    min_size=1,
    max_size=2,
).map(lambda found: list({r["id"]: r for r in found}.values()))
elements: dict[str, st.SearchStrategy[Any]] = {
    "identifier": identifiers,
    "status": codes,
    "period": st.fixed_dictionaries({}, optional={"start": codes, "end": codes}).filter(bool),
    "extension": st.lists(
        st.fixed_dictionaries({"url": codes, "valueCode": codes}), min_size=1, max_size=3
    ),
    "meta": st.fixed_dictionaries(
        {"profile": st.lists(codes, min_size=1, max_size=3).map(lambda c: sorted(set(c)))}
    ),
    "contained": contained,
    "serviceProvider": codes.map(lambda c: {"reference": f"#{c}"}),
    "hospitalization": st.fixed_dictionaries({"destination": codes.map(lambda c: {"display": c})}),
}
encounters = st.fixed_dictionaries(
    {"resourceType": st.just("Encounter"), "id": st.just("e")}, optional=elements
)


@settings(max_examples=200)
@given(encounters, encounters, st.booleans())
def test_merging_twice_changes_nothing_more(
    current: Resource, incoming: Resource, fill_only: bool
) -> None:
    before = deepcopy((current, incoming))
    once = merge(current, incoming, fill_only)
    assert same_content(merge(once, incoming, fill_only), once)
    assert (current, incoming) == before


@settings(max_examples=200)
@given(encounters, encounters)
def test_filling_never_changes_what_is_there(current: Resource, incoming: Resource) -> None:
    assert _contains(merge(current, incoming, fill_only=True), current)


def _contains(whole: Any, part: Any) -> bool:
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(_contains(whole.get(k), v) for k, v in part.items())
    if isinstance(part, list):
        return isinstance(whole, list) and whole[: len(part)] == part
    return bool(whole == part)


@settings(max_examples=100)
@given(encounters, encounters)
def test_a_newer_record_is_told_whole(current: Resource, incoming: Resource) -> None:
    merged = merge(current, incoming, fill_only=False)
    for name in ("status", "hospitalization"):
        if name in incoming:
            assert merged[name] == incoming[name]
    for identifier in incoming.get("identifier", ()):
        assert identifier in merged["identifier"]
