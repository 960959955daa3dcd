"""Differences between versions: every changed leaf once, and nothing else."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fhir.differences import Difference, differences

LEAF = st.none() | st.booleans() | st.integers(0, 9) | st.text("ab", max_size=2)
NAMES = st.sampled_from(["name", "code", "text"])
VALUES = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
RESOURCES = st.dictionaries(NAMES, VALUES, max_size=3).map(lambda v: {"resourceType": "Basic"} | v)


def test_each_changed_leaf_is_named_by_its_path() -> None:
    before = {"resourceType": "Patient", "name": [{"family": "林"}], "active": True}
    after = {"resourceType": "Patient", "name": [{"family": "林", "given": ["桂芳"]}]}
    assert differences(before, after) == (
        Difference("Patient.name[0].given[0]", None, "桂芳"),
        Difference("Patient.active", True, None),
    )


def test_a_new_resource_differs_in_everything_and_a_version_number_does_not_count() -> None:
    after = {"resourceType": "Patient", "meta": {"versionId": "2"}, "active": True}
    assert differences(None, after) == (
        Difference("Patient.resourceType", None, "Patient"),
        Difference("Patient.active", None, True),
    )
    assert differences(after, after | {"meta": {"versionId": "3"}}) == ()


def test_another_precision_of_a_number_is_a_difference() -> None:
    before = {"resourceType": "Observation", "valueDecimal": Decimal("72.5")}
    after = {"resourceType": "Observation", "valueDecimal": Decimal("72.50")}
    assert [one.path for one in differences(before, after)] == ["Observation.valueDecimal"]


@settings(max_examples=200)
@given(RESOURCES, RESOURCES)
def test_equal_versions_have_none_and_different_ones_some(one: dict, other: dict) -> None:  # type: ignore[type-arg]
    assert differences(one, one) == ()
    if _without_empties(one) != _without_empties(other):
        assert differences(one, other)


def _without_empties(value: object) -> object:
    """Drop what states nothing: null and empty groups."""
    if isinstance(value, dict):
        kept = {name: _without_empties(item) for name, item in value.items()}
        return {name: item for name, item in kept.items() if item not in (None, {}, [])} or None
    if isinstance(value, list):
        items = [_without_empties(item) for item in value]
        while items and items[-1] is None:
            items.pop()
        return items or None
    return value
