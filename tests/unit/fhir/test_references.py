from collections.abc import Iterator
from copy import deepcopy

import pytest

from gateway.fhir import references
from gateway.fhir.definitions import load
from gateway.fhir.elements import shape
from gateway.records import Resource
from tests.unit.fhir.examples import by_type, needs_examples


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("Patient/1", ("Patient", "1", None)),
        ("Patient/1/_history/3", ("Patient", "1", "3")),
        ("https://example.org/fhir/Patient/a.b-C", ("Patient", "a.b-C", None)),
        ("urn:uuid:5c6a3d2e-0000-4000-8000-000000000000", None),
        ("#contained", None),
        ("Patient", None),
        ("Patient/1?x=y", None),
        ("patient/1", None),
        ("Patient/" + "a" * 65, None),
    ],
)
def test_a_literal_reference_is_split(text: str, target: object) -> None:
    assert references.split(text) == target


def test_the_server_of_an_absolute_reference_is_given() -> None:
    assert references.server_of("https://example.org/fhir/Patient/1") == "https://example.org/fhir"
    assert references.server_of("Patient/1") is None


BUNDLE: Resource = {
    "resourceType": "Bundle",
    "type": "transaction",
    "entry": [
        {
            "fullUrl": "urn:uuid:a",
            "resource": {
                "resourceType": "ServiceRequest",
                "instantiatesUri": ["urn:uuid:a"],
                "subject": {"reference": "urn:uuid:a"},
                "requester": {"identifier": {"system": "s", "value": "v"}, "display": "d"},
                "note": [{"text": "urn:uuid:a"}],
                "contained": [
                    {"resourceType": "Task", "id": "t", "for": {"reference": "urn:uuid:a"}}
                ],
            },
        },
        {
            "resource": {
                "resourceType": "PaymentReconciliation",
                "detail": [{"identifier": {"value": "1"}, "request": {"reference": "Task/1"}}],
            }
        },
        {"resource": {"resourceType": "PaymentReconciliation", "detail": [{"identifier": {}}]}},
    ],
}


def test_references_are_found_with_their_paths_and_nothing_else() -> None:
    assert [path for path, _ in references.references(BUNDLE)] == [
        "Bundle.entry[0].resource.subject",
        "Bundle.entry[0].resource.requester",
        "Bundle.entry[0].resource.contained[0].for",
        "Bundle.entry[1].resource.detail[0].request",
    ]


def test_only_references_are_rewritten_and_the_original_stays() -> None:
    before = deepcopy(BUNDLE)
    rewritten = references.rewrite(BUNDLE, {"urn:uuid:a": "Patient/1"})
    request = rewritten["entry"][0]["resource"]
    assert request["subject"]["reference"] == "Patient/1"
    assert request["contained"][0]["for"]["reference"] == "Patient/1"
    assert request["instantiatesUri"] == ["urn:uuid:a"]
    assert request["note"] == [{"text": "urn:uuid:a"}]
    assert rewritten["entry"][0]["fullUrl"] == "urn:uuid:a"
    assert rewritten["entry"][1] is BUNDLE["entry"][1]
    assert before == BUNDLE
    assert references.rewrite(BUNDLE, {"x": "y"}) is BUNDLE


def test_no_other_element_of_r4_can_be_mistaken_for_a_reference() -> None:
    suspects: dict[str, set[str]] = {}
    for type_ in load().resource_types:
        children: dict[str, list[Resource]] = {}
        for element in (load().structure(type_) or {})["snapshot"]["element"]:
            children.setdefault(element["path"].rpartition(".")[0], []).append(element)
        for parent, elements in children.items():
            if "." in parent and _could_be_a_reference(elements):
                suspects.setdefault(type_, set()).add(parent.rpartition(".")[2])
    assert suspects == {type_: set(names) for type_, names in references._LOOKALIKES.items()}


def _could_be_a_reference(elements: list[Resource]) -> bool:
    names = {e["path"].rpartition(".")[2]: e for e in elements}
    if any(e["min"] and name not in references._REFERENCE_KEYS for name, e in names.items()):
        return False
    text, identifier = names.get("reference"), names.get("identifier")
    is_text = text is not None and text["type"][0]["code"] in ("uri", "string")
    is_identifier = (
        identifier is not None
        and identifier["max"] == "1"
        and identifier["type"][0]["code"] == "Identifier"
    )
    return is_text or is_identifier


@needs_examples
def test_the_references_of_the_official_examples_are_those_that_the_definitions_name() -> None:
    for resources in by_type(3).values():
        for resource in resources:
            type_ = resource["resourceType"]
            expected = {
                path
                for path, element in _by_definition(resource, type_, type_)
                if "reference" in element or "identifier" in element
            }
            found = {path for path, _ in references.references(resource)}
            assert found == expected


def _by_definition(value: Resource, shape_: str, path: str) -> Iterator[tuple[str, Resource]]:
    """Yield the References among the members of an object by the types of its elements."""
    for key, member in value.items():
        element = shape(shape_).get(key) or EXTENSIBLE.get(key)
        items = enumerate(member) if isinstance(member, list) else [(None, member)]
        for number, item in items:
            spot = f"{path}.{key}" if number is None else f"{path}.{key}[{number}]"
            if not isinstance(item, dict):
                continue
            if element is not None and element.type == "Reference":
                yield spot, item
            inner = "Element" if element is None else element.shape or "Element"
            yield from _by_definition(item, str(item.get("resourceType", inner)), spot)


EXTENSIBLE = shape("Element")
