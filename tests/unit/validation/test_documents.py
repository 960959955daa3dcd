"""Documents, messages and search results: what hangs together, and what is said about the rest."""

from typing import Any

import pytest

from gateway.fhir import definitions
from gateway.records import Issue, Resource
from gateway.validation import Validator

_VALIDATOR = Validator(definitions.load())
_PATIENT = {"resourceType": "Patient", "id": "p", "active": True}


def _found(resource: Resource) -> set[tuple[str, str, str | None]]:
    found: list[Issue] = _VALIDATOR.check(resource)
    return {(one.number, one.severity, one.expression) for one in found}


def _entry(resource: Resource) -> dict[str, Any]:
    url = f"http://a.example.com/{resource['resourceType']}/{resource['id']}"
    return {"fullUrl": url, "resource": resource}


def _document(**changes: Any) -> Resource:
    composition = {
        "resourceType": "Composition",
        "id": "c",
        "status": "final",
        "type": {"text": "转诊单"},
        "subject": {"reference": "Patient/p"},
        "date": "2026-11-22",
        "author": [{"display": "青山镇卫生院"}],
        "title": "转诊单",
        **changes,
    }
    return {
        "resourceType": "Bundle",
        "type": "document",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:1"},
        "timestamp": "2026-11-22T08:00:00+08:00",
        "entry": [_entry(composition), _entry(_PATIENT)],
    }


def test_a_document_that_holds_what_it_refers_to_is_valid() -> None:
    assert not {one for one in _found(_document()) if one[1] == "error"}


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"encounter": {"reference": "Encounter/e"}}, "encounter"),
        ({"author": [{"reference": "http://other.example.com/Practitioner/d"}]}, "author[0]"),
        ({"attester": [{"mode": "legal", "party": {"reference": "Organization/o"}}]},
         "attester[0].party"),
        ({"section": [{"section": [{"entry": [{"reference": "Condition/x"}]}]}]},
         "section[0].section[0].entry[0]"),
    ],
)  # fmt: skip
def test_what_the_composition_refers_to_stands_in_the_document(
    changes: dict[str, Any], at: str
) -> None:
    where = f"Bundle.entry[0].resource.{at}"
    assert ("GW-4203", "error", where) in _found(_document(**changes))


def test_an_entry_that_nothing_leads_to_is_an_error_in_a_document() -> None:
    document = _document()
    document["entry"].append(_entry({**_PATIENT, "id": "q"}))
    assert ("GW-4217", "error", "Bundle.entry[2]") in _found(document)


def test_a_defect_of_an_entry_does_not_hide_one_of_the_bundle() -> None:
    document = _document(status=7)
    del document["timestamp"]
    found = {(one[0], one[2]) for one in _found(document) if one[1] == "error"}
    assert ("GW-4012", "Bundle") in found
    assert ("GW-4006", "Bundle.entry[0].resource.status") in found


def _searchset(url: str, mode: str, **changes: Any) -> Resource:
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": [{"relation": "self", "url": url}],
        "entry": [{**_entry({**_PATIENT, **changes}), "search": {"mode": mode}}],
    }


@pytest.mark.parametrize(
    ("url", "mode", "is_right"),
    [
        ("http://a.example.com/Patient?active=true", "match", True),
        ("http://a.example.com/Observation?code=x", "match", False),
        ("http://a.example.com/Observation?code=x", "include", True),
        ("http://a.example.com?_type=Observation,Patient", "match", True),
        ("http://a.example.com?_type=Observation", "match", False),
        ("http://a.example.com/somewhere?page=2", "match", True),
    ],
)
def test_a_match_is_of_the_type_that_was_searched(url: str, mode: str, is_right: bool) -> None:
    numbers = {one[0] for one in _found(_searchset(url, mode)) if one[1] == "error"}
    assert numbers == (set() if is_right else {"GW-4219"})


def test_more_warnings_than_anybody_reads_make_nothing_invalid() -> None:
    many = [{"url": f"http://hl7.org/fhir/x{n}", "valueBoolean": True} for n in range(2_100)]
    found = _VALIDATOR.check({**_PATIENT, "extension": many})
    assert {one.severity for one in found} == {"warning"}
    assert found[-1].number == "GW-4015"
