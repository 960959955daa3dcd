"""HL7's own R4 examples hold, but for those that break R4's own rules; each of these is named.

The files come with ``make test-data``; without them the tests are skipped. By default every
seventh file is read; ``EXAMPLES=all`` reads them all.
"""

import os
from pathlib import Path

import pytest

from gateway.fhir.codec import decode
from gateway.validation import Validator

_FOLDER = Path(__file__).resolve().parents[3] / "test-data" / "r4-examples"
_NO_RESOURCES = frozenset({"package.json", ".index.json", "ig-r4.json"})
_STEP = 7
_LARGE_BYTES = 2_000_000

REASONS = {
    "GW-4002": "a required element is missing: name, base (R4: SearchParameter.base 1..*), linkId",
    "GW-4007": "an id of more than 64 characters",
    "GW-4012": "a logical model neither abstract nor with a baseDefinition (sdf-4)",
    "GW-4101": "a MIME type whose parameter holds a space without quotes (RFC 2045)",
    "GW-4201": "a reference to a type that the element does not allow",
    "GW-4210": "an entry with an id and without fullUrl in a searchset",
    "GW-4212": "the fullUrl ends with another id than that of the resource",
    "GW-4220": "entries with one and the same fullUrl and version (bdl-7)",
    "GW-4301": "a body temperature without the time that its profile demands",
    "GW-4401": "the narrative links to anchors that it does not have",
    "GW-4402": "the narrative holds nothing but white space (txt-2)",
    "GW-4405": "the extension translation on a concept; its context is string, code, markdown",
    "GW-4408": "the hash is written in hexadecimal, not in base64",
    "GW-4501": "the expression starts from a type that is no base of the search parameter",
}
"""Why each number is right for the files below; the definitions of R4 say so themselves."""

_ANCHORLESS = """
    ActCode ActReason ActRelationshipType CalendarCycle ContextControl EntityCode
    EntityNamePartQualifier NullFlavor ObservationInterpretation RoleCode RouteOfAdministration
    hl7Realm orderableDrugForm
"""
REJECTED = {
    "GW-4002": """
        ImplementationGuide-fhir Questionnaire-qs1
        SearchParameter-codesystem-extensions-CodeSystem-author
        SearchParameter-codesystem-extensions-CodeSystem-effective
        SearchParameter-codesystem-extensions-CodeSystem-end
        SearchParameter-codesystem-extensions-CodeSystem-keyword
        SearchParameter-codesystem-extensions-CodeSystem-workflow
        SearchParameter-valueset-extensions-ValueSet-author
        SearchParameter-valueset-extensions-ValueSet-effective
        SearchParameter-valueset-extensions-ValueSet-end
        SearchParameter-valueset-extensions-ValueSet-keyword
        SearchParameter-valueset-extensions-ValueSet-workflow
        """,
    "GW-4007": """
        SearchParameter-questionnaireresponse-extensions-QuestionnaireResponse-item-subject
        """,
    "GW-4012": """
        StructureDefinition-Definition StructureDefinition-Event StructureDefinition-FiveWs
        StructureDefinition-Request
        """,
    "GW-4101": "Bundle-b0a5e4277-83c4-4adb-87e2-e3efe3369b6f",
    "GW-4201": """
        DeviceMetric-example DeviceUseStatement-example MedicationRequest-medrx0301
        Observation-clinical-gender
        """,
    "GW-4210": "Bundle-bundle-search-warning",
    "GW-4212": """
        Bundle-10bb101f-a121-4264-a920-67be9cb82c74 Bundle-3a0707d3-549e-4467-b8b8-5a2ab3800efe
        Bundle-lri-example
        """,
    "GW-4220": "Bundle-dataelements",
    "GW-4301": "Observation-f202",
    "GW-4401": " ".join(
        ["Bundle-v3-valuesets"]
        + [
            f"{type_}-v3-{name}"
            for type_ in ("CodeSystem", "ValueSet")
            for name in _ANCHORLESS.split()
        ]
    ),
    "GW-4402": """
        ActivityDefinition-blood-tubes-supply ActivityDefinition-heart-valve-replacement
        EventDefinition-example Questionnaire-zika-virus-exposure-assessment
        """,
    "GW-4405": "Bundle-valueset-expansions",
    "GW-4408": "DiagnosticReport-example-pgx",
    "GW-4501": "SearchParameter-example-extension",
}
"""What breaks R4's own rules, by the number of the finding."""


def _files() -> list[Path]:
    found = sorted(_FOLDER.glob("*.json")) if _FOLDER.is_dir() else []
    files = [path for path in found if path.name not in _NO_RESOURCES]
    if os.environ.get("EXAMPLES") == "all":
        return files
    return [path for path in files[::_STEP] if path.stat().st_size < _LARGE_BYTES]


def _errors(path: Path, validator: Validator) -> set[str]:
    findings = validator.check(decode(path.read_bytes()))
    # GW-4015 only says that one file has thousands of one kind.
    return {one.number for one in findings if one.severity in ("error", "fatal")} - {"GW-4015"}


def test_official_examples_hold_but_for_those_that_break_rules_of_r4(validator: Validator) -> None:
    """The files that are named are wrong for the reason stated, and for no other."""
    files = _files()
    if not files:
        pytest.skip("test-data/r4-examples is not there (make test-data)")
    named = {name: number for number, names in REJECTED.items() for name in names.split()}
    wrong = {}
    for path in files:
        found, expected = _errors(path, validator), named.get(path.stem)
        if found != ({expected} if expected else set()):
            wrong[path.name] = sorted(found)
    assert wrong == {}


@pytest.mark.parametrize("number", sorted(REJECTED))
def test_each_example_that_is_named_breaks_the_rule_that_is_stated(
    number: str, validator: Validator
) -> None:
    """So the list cannot hide what has become right."""
    paths = [_FOLDER / f"{name}.json" for name in REJECTED[number].split()]
    small = [path for path in paths if path.exists() and path.stat().st_size < _LARGE_BYTES]
    if not small:
        pytest.skip("test-data/r4-examples is not there (make test-data), or the file is too large")
    assert REASONS[number]
    assert {path.name for path in small if _errors(path, validator) != {number}} == set()
