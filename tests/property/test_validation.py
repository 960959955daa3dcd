"""Arbitrary JSON never makes the validator raise."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.fhir.definitions import load
from gateway.records import Issue
from gateway.validation import Validator

_VALIDATOR = Validator(load())
_NAMES = st.sampled_from(
    ["id", "meta", "extension", "url", "contained", "text", "div", "status", "code", "coding",
     "system", "subject", "reference", "value", "valueQuantity", "valueString", "entry", "resource",
     "fullUrl", "type", "name", "period", "start", "end", "profile", "_status", "_birthDate",
     "birthDate", "identifier", "resourceType", "component", "section", "request", "link", "item",
     "size", "data", "link", "relation", "category", "display", "modifierExtension", "language"]
)  # fmt: skip
_TYPES = ["Patient", "Observation", "Bundle", "Composition", "Claim", "Parameters", "Questionnaire",
          "StructureDefinition", "SearchParameter", "CodeSystem", "ValueSet"]  # fmt: skip
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(
        ["#x", "#", "Patient/1", "document", "transaction", "2020-01-01", "http://a.test/Patient/1",
         "urn:uuid:x", "http://hl7.org/fhir/StructureDefinition/bodytemp",
         "<div xmlns='http://www.w3.org/1999/xhtml'>&nbsp;</div>", "<a", *_TYPES]
    ),
)  # fmt: skip
_JSON = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(_NAMES, inner, max_size=5)
    ),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(value=_JSON)
def test_any_json_gives_findings_and_never_raises(value: Any) -> None:
    """Whatever arrives is answered."""
    assert all(isinstance(one, Issue) for one in _VALIDATOR.check(value))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(type_=st.sampled_from(_TYPES), members=st.dictionaries(_NAMES, _JSON, max_size=6))
def test_a_resource_with_any_content_never_raises(type_: str, members: dict[str, Any]) -> None:
    """The names are those that special rules look at."""
    resource = {**members, "resourceType": type_}
    profiles = ["http://hl7.org/fhir/StructureDefinition/bodytemp"]
    assert all(isinstance(one, Issue) for one in _VALIDATOR.check(resource, profiles))
