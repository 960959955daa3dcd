"""Patches as functions of a resource; the RFCs' own examples among them."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.fhir.patch import fhirpath_patch, json_patch, merge_patch


def operation(type_: str, path: str, *parts: dict[str, Any]) -> dict[str, Any]:
    named = [{"name": "type", "valueCode": type_}, {"name": "path", "valueString": path}]
    return {"name": "operation", "part": [*named, *parts]}


def patched(resource: dict[str, Any], *operations: dict[str, Any]) -> dict[str, Any]:
    body = {"resourceType": "Parameters", "parameter": list(operations)}
    return fhirpath_patch(body)(resource)


def whole(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **elements}


# RFC 7396 appendix A, below an element of a resource.
@pytest.mark.parametrize(
    ("original", "change", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_a_merge_patch_does_what_the_rfc_shows(original: Any, change: Any, result: Any) -> None:
    resource = {"resourceType": "Basic", "x": original}
    assert merge_patch({"x": change})(resource)["x"] == result


# RFC 6902 appendix A, below an element of a resource.
@pytest.mark.parametrize(
    ("original", "operations", "result"),
    [
        (
            {"foo": "bar"},
            [{"op": "add", "path": "/x/baz", "value": "q"}],
            {"foo": "bar", "baz": "q"},
        ),
        (
            {"foo": ["bar", "baz"]},
            [{"op": "add", "path": "/x/foo/1", "value": "qux"}],
            {"foo": ["bar", "qux", "baz"]},
        ),
        ({"baz": "qux", "foo": 1}, [{"op": "remove", "path": "/x/baz"}], {"foo": 1}),
        (
            {"foo": ["all", "grass", "cows", "eat"]},
            [{"op": "move", "from": "/x/foo/1", "path": "/x/foo/3"}],
            {"foo": ["all", "cows", "eat", "grass"]},
        ),
        (
            {"/": 9, "~1": 10},
            [{"op": "test", "path": "/x/~01", "value": 10}],
            {"/": 9, "~1": 10},
        ),
    ],
)
def test_a_json_patch_does_what_the_rfc_shows(
    original: Any, operations: list[Any], result: Any
) -> None:
    resource = {"resourceType": "Basic", "x": original}
    assert json_patch(operations)(resource)["x"] == result
    assert resource["x"] == original, "what was given stays as it is"


def test_a_decimal_is_tested_by_value_and_kept_by_digits() -> None:
    resource = {"resourceType": "Observation", "valueQuantity": {"value": Decimal("72.50")}}
    change = json_patch(
        [
            {"op": "test", "path": "/valueQuantity/value", "value": Decimal("72.5")},
            {"op": "copy", "from": "/valueQuantity/value", "path": "/valueQuantity/code"},
        ]
    )
    assert str(change(resource)["valueQuantity"]["code"]) == "72.50"


def test_an_item_keeps_its_extension_when_others_come_and_go() -> None:
    person = whole(name=[{"given": ["甲", None, "丙"], "_given": [None, {"id": "x"}, None]}])
    added = patched(
        person,
        operation(
            "insert",
            "Patient.name.given",
            {"name": "index", "valueInteger": 0},
            {"name": "value", "valueString": "零", "_valueString": {"id": "zero"}},
        ),
    )
    assert added["name"][0] == {
        "given": ["零", "甲", None, "丙"],
        "_given": [{"id": "zero"}, None, {"id": "x"}, None],
    }
    gone = patched(added, operation("delete", "Patient.name.given[0]"))
    assert gone["name"][0] == person["name"][0]


def test_an_element_is_named_by_what_it_is() -> None:
    person = whole(
        identifier=[{"system": "a", "value": "1"}, {"system": "b", "value": "2"}],
        extension=[{"url": "urn:e", "valueString": "x"}],
    )
    changed = patched(
        person,
        operation(
            "replace",
            "Patient.identifier.where(system = 'b').value",
            {"name": "value", "valueString": "3"},
        ),
        operation(
            "replace",
            "Patient.extension('urn:e').value",
            {"name": "value", "valueInteger": 7},
        ),
        operation("delete", "Patient.identifier.where(system = 'a')"),
    )
    assert changed["identifier"] == [{"system": "b", "value": "3"}]
    assert changed["extension"] == [{"url": "urn:e", "valueInteger": 7}]


def test_deleting_the_last_item_removes_the_list() -> None:
    person = whole(name=[{"text": "林"}], birthDate="1962")
    assert patched(person, operation("delete", "Patient.name[0]")) == whole(birthDate="1962")


def test_equal_values_are_told_apart_by_their_index_or_refused() -> None:
    person = whole(name=[{"given": ["同", "同"]}])
    first = operation("replace", "Patient.name.given[1]", {"name": "value", "valueString": "异"})
    assert patched(person, first)["name"][0]["given"] == ["同", "异"]
    several = operation("delete", "Patient.name.given")
    with pytest.raises(GatewayError) as refused:
        patched(person, several)
    assert refused.value.number == "GW-7061"


@given(st.lists(st.text(min_size=1, max_size=3), min_size=1, max_size=6), st.data())
@settings(max_examples=40)
def test_moving_there_and_back_changes_nothing(given_names: list[str], data: st.DataObject) -> None:
    source = data.draw(st.integers(0, len(given_names) - 1))
    destination = data.draw(st.integers(0, len(given_names) - 1))

    def move(start: int, end: int) -> dict[str, Any]:
        return operation(
            "move",
            "Patient.name.given",
            {"name": "source", "valueInteger": start},
            {"name": "destination", "valueInteger": end},
        )

    person = whole(name=[{"given": given_names}])
    moved = patched(person, move(source, destination))
    assert moved["name"][0]["given"][destination] == given_names[source]
    assert patched(moved, move(destination, source)) == person
