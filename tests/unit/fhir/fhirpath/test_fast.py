"""The fast answer never says yes where the whole engine says no."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fhir import fhirpath
from gateway.fhir.definitions import load
from gateway.fhir.fhirpath import Context, Model, Node
from gateway.fhir.fhirpath.fast import fast_predicate

_MODEL = Model(load())
_PERIODS = st.fixed_dictionaries(
    {},
    optional={
        "start": st.sampled_from(["2020", "2021-01-01", "2020-01-01T08:00:00+08:00"]),
        "end": st.sampled_from(["2020", "2019-05", "2021-01-01", "2020-01-01T01:00:00+00:00"]),
        "_end": st.just({"extension": [{"url": "http://sample.test/x", "valueCode": "y"}]}),
    },
)
_OBSERVATIONS = st.fixed_dictionaries(
    {"resourceType": st.just("Observation")},
    optional={
        "valueString": st.just("x"),
        "_valueString": st.just({"id": "a"}),
        "dataAbsentReason": st.just({"text": "x"}),
        "code": st.just({"coding": [{"code": "a"}]}),
        "component": st.lists(st.just({"code": {"coding": [{"code": "a"}]}}), min_size=1),
        "status": st.sampled_from(["final", "amended"]),
        "category": st.lists(st.just({"coding": [{"code": "v"}]}), min_size=1, max_size=2),
    },
)
_EXPRESSIONS = [
    ("Observation", "dataAbsentReason.empty() or value.empty()"),
    ("Observation", "(component.empty() and hasMember.empty()) implies value.exists()"),
    ("Observation", "status = 'final' implies value.exists()"),
    ("Observation", "category.coding.where(code = 'v').exists() xor value.exists()"),
    ("Observation", "value.exists() = component.exists()"),
    ("Observation", "value.hasValue().not() or status != 'final'"),
    (
        "Observation",
        "value.empty() or component.code.where(coding.intersect(%resource.code.coding)"
        ".exists()).empty()",
    ),
    ("Period", "start.hasValue().not() or end.hasValue().not() or (start <= end)"),
]


@pytest.mark.parametrize(("type_", "expression"), _EXPRESSIONS)
@settings(max_examples=60, deadline=None)
@given(observation=_OBSERVATIONS, period=_PERIODS)
def test_a_fast_answer_is_the_answer_of_the_engine(
    type_: str, expression: str, observation: dict[str, Any], period: dict[str, Any]
) -> None:
    """Open (None) is always allowed; yes and no must be true."""
    fast = fast_predicate(expression)
    assert fast is not None
    value = observation if type_ == "Observation" else period
    quick = fast(value)
    if quick is not None:
        context = Context(_MODEL, resource=value)
        whole = fhirpath.compile(expression).is_true(Node(value, type_), context)
        assert quick == whole
