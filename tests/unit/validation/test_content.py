"""Codes, references, contained resources, Bundles, narratives, extensions, attachments."""

import base64
import hashlib
from typing import Any

import pytest

from gateway.validation import Options, Validator
from tests.unit.validation.conftest import found, patient

_XHTML = '<div xmlns="http://www.w3.org/1999/xhtml">{}</div>'
_ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


def condition(**changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "clinicalStatus": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/condition-clinical",
                    "code": "active",
                }
            ]
        },
        "subject": {"reference": "Patient/p1"},
        **changes,
    }


def bundle(type_: str, *entries: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": type_, "entry": list(entries), **more}


def entry(url: str, resource: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"fullUrl": url, "resource": resource, **more}


U1 = "urn:uuid:00000000-0000-4000-8000-000000000001"
U2 = "urn:uuid:00000000-0000-4000-8000-000000000002"
POST = {"method": "POST", "url": "Condition"}


def test_a_required_code_of_a_concept_must_be_in_the_value_set(validator: Validator) -> None:
    """One coding of the value set is enough; text alone is not."""
    wrong = condition(clinicalStatus={"coding": [{"system": "http://x.test", "code": "active"}]})
    assert ("GW-4101", "Condition.clinicalStatus") in found(validator.check(wrong))
    text = condition(clinicalStatus={"text": "active"})
    assert ("GW-4101", "Condition.clinicalStatus") in found(validator.check(text))


def test_a_code_that_its_loaded_system_lacks_is_an_error_in_any_element(
    validator: Validator,
) -> None:
    """HL7's own systems are loaded; a typing error in one is found without a binding."""
    resource = condition(code={"coding": [{"system": _ACT, "code": "IMPP"}]})
    assert found(validator.check(resource)) == {("GW-4103", "Condition.code.coding[0].code")}


def test_a_system_that_is_not_loaded_is_no_error(validator: Validator) -> None:
    """SNOMED CT and the like cannot be checked here."""
    coding = {"system": "http://snomed.info/sct", "code": "38341003"}
    assert found(validator.check(condition(code={"coding": [coding]}))) == set()


@pytest.mark.parametrize(
    ("unit", "is_valid"), [("mg/dL", True), ("mg dL", False), ("10*9/L", True)]
)
def test_ucum_codes_are_read_by_their_grammar(
    unit: str, is_valid: bool, validator: Validator
) -> None:
    """SampledData and Age bind to UCUM; here through memberOf in an invariant-free way."""
    expansion = validator._engine.terminology.expansion("http://hl7.org/fhir/ValueSet/ucum-units")
    assert expansion is not None
    assert expansion.contains("http://unitsofmeasure.org", unit) is is_valid


@pytest.mark.parametrize(
    ("reference", "numbers"),
    [
        ({"reference": "Organization/1"}, {"GW-4201"}),
        ({"reference": "http://a.test/fhir/Organization/1"}, {"GW-4201"}),
        ({"reference": "Patient/1", "type": "Group"}, {"GW-4204"}),
        ({"type": "Organization", "identifier": {"value": "1"}}, {"GW-4201"}),
        ({"reference": "#nobody"}, {"GW-4202"}),
        ({"reference": "Patient/1/_history/2"}, set()),
        ({"identifier": {"value": "1"}}, set()),
    ],
)
def test_references_point_to_what_the_element_allows(
    reference: dict[str, Any], numbers: set[str], validator: Validator
) -> None:
    """Literal or logical, relative or absolute."""
    issues = validator.check(condition(subject=reference))
    assert found(issues) == {(number, "Condition.subject") for number in numbers}


def test_contained_resources_are_referred_to_and_plain(validator: Validator) -> None:
    """dom-2 to dom-5 each at the contained resource."""
    organization = {"resourceType": "Organization", "id": "o", "name": "甲"}
    good = patient(contained=[organization], managingOrganization={"reference": "#o"})
    assert found(validator.check(good)) == set()
    assert found(validator.check(patient(contained=[organization]))) == {
        ("GW-4205", "Patient.contained[0]")
    }
    stamped = {**organization, "meta": {"versionId": "1"}}
    bad = patient(contained=[stamped], managingOrganization={"reference": "#o"})
    assert found(validator.check(bad)) == {("GW-4206", "Patient.contained[0]")}


def test_references_within_a_transaction_resolve_by_full_url(validator: Validator) -> None:
    """A urn that no entry has, or that names another type, is found before storing."""
    good = bundle(
        "transaction",
        entry(U1, patient(), request={"method": "POST", "url": "Patient"}),
        entry(U2, condition(subject={"reference": U1}), request=POST),
    )
    assert found(validator.check(good)) == set()
    good["entry"][1]["resource"]["subject"] = {"reference": U2}
    assert found(validator.check(good)) == {("GW-4201", "Bundle.entry[1].resource.subject")}
    good["entry"][1]["resource"]["subject"] = {"reference": U2[:-1] + "9"}
    assert found(validator.check(good)) == {("GW-4203", "Bundle.entry[1].resource.subject")}


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (bundle("collection", {"resource": patient()}), ("GW-4210", "Bundle.entry[0]")),
        (bundle("collection", entry("Patient/p1", patient())), ("GW-4211", "Bundle.entry[0]")),
        (
            bundle("collection", entry("http://a.test/Patient/other", patient())),
            ("GW-4212", "Bundle.entry[0]"),
        ),
        (
            bundle("collection", entry(U1, patient()), entry(U1, patient())),
            ("GW-4220", "Bundle.entry[1]"),
        ),
        (
            bundle("transaction", entry(U1, patient())),
            ("GW-4012", "Bundle.entry[0]"),
        ),
        (
            bundle("transaction", entry(U1, patient(), request=POST)),
            ("GW-4216", "Bundle.entry[0]"),
        ),
    ],
)
def test_bundles_keep_the_rules_of_their_type(
    made: dict[str, Any], expected: tuple[str, str], validator: Validator
) -> None:
    """fullUrl, duplicates, requests."""
    assert found(validator.check(made)) == {expected}


@pytest.mark.parametrize(
    ("inner", "numbers"),
    [
        ("<p>血压 <b>正常</b>&nbsp;</p>", set()),
        ("<script>alert(1)</script>x", {"GW-4401"}),
        ('<p onclick="x()">a</p>', {"GW-4401"}),
        ('<a href="javascript:x()">a</a>', {"GW-4401"}),
        ("<p>unclosed", {"GW-4401"}),
        ("<p> </p>", {"GW-4402"}),
        ('<a href="#nowhere">a</a>', {"GW-4401"}),
    ],
)
def test_narratives_hold_only_what_fhir_allows(
    inner: str, numbers: set[str], validator: Validator
) -> None:
    """Basic formatting, no active content, something to see."""
    text = {"status": "generated", "div": _XHTML.format(inner)}
    issues = validator.check(patient(text=text))
    assert found(issues) == {(number, "Patient.text.div") for number in numbers}


def test_an_entity_of_a_doctype_is_never_expanded(validator: Validator) -> None:
    """A narrative cannot read files or explode."""
    bomb = '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/hostname">]>' + _XHTML.format("&x;")
    text = {"status": "generated", "div": bomb}
    assert found(validator.check(patient(text=text))) == {("GW-4401", "Patient.text.div")}


def extension(url: str, **value: Any) -> dict[str, Any]:
    return {"url": f"http://hl7.org/fhir/StructureDefinition/{url}", **value}


@pytest.mark.parametrize(
    ("made", "number"),
    [
        (extension("patient-birthPlace", valueAddress={"city": "青山"}), None),
        (extension("patient-birthPlace", valueString="青山"), "GW-4305"),
        (extension("condition-outcome", valueCodeableConcept={"text": "x"}), "GW-4405"),
        ({"url": "relative", "valueString": "x"}, "GW-4403"),
        ({"url": "http://sample.test/x"}, "GW-4012"),
        ({"url": "http://sample.test/x", "valueString": "x"}, None),
    ],
)
def test_extensions_follow_their_definition(
    made: dict[str, Any], number: str | None, validator: Validator
) -> None:
    """Type of value, place, url; an unknown one is a warning for the gateway."""
    numbers = {one for one, _ in found(validator.check(patient(extension=[made])))}
    assert numbers == ({number} if number else set())


def test_an_unknown_extension_is_an_error_where_the_caller_says_so(validator: Validator) -> None:
    """The command for conformance testing is stricter than intake."""
    resource = patient(extension=[{"url": "http://sample.test/x", "valueString": "x"}])
    assert found(validator.check(resource), "warning") == {("GW-4404", "Patient.extension[0]")}
    strict = Options(unknown_extension="error")
    assert found(validator.check(resource, options=strict)) == {("GW-4404", "Patient.extension[0]")}


def test_the_size_and_hash_of_an_attachment_are_those_of_its_data(validator: Validator) -> None:
    """SHA-1 as R4 says, in base64."""
    data = base64.b64encode(b"hello").decode()
    digest = base64.b64encode(hashlib.sha1(b"hello").digest()).decode()  # noqa: S324
    photo: dict[str, Any] = {"contentType": "image/png", "data": data, "size": 5, "hash": digest}
    assert found(validator.check(patient(photo=[photo]))) == set()
    assert found(validator.check(patient(photo=[{**photo, "size": 6}]))) == {
        ("GW-4407", "Patient.photo[0]")
    }
    assert found(validator.check(patient(photo=[{**photo, "hash": data}]))) == {
        ("GW-4408", "Patient.photo[0]")
    }


@pytest.mark.parametrize(
    ("identifier", "number", "at"),
    [
        ({"system": "hospital", "value": "1"}, "GW-4107", "system"),
        ({"system": "urn:ietf:rfc:3986", "value": "17"}, "GW-4109", "value"),
        ({"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.3"}, None, ""),
        ({"system": "urn:oid:2.16.156.10011.1.5", "value": "17"}, None, ""),
    ],
)
def test_an_identifier_has_an_absolute_system(
    identifier: dict[str, str], number: str | None, at: str, validator: Validator
) -> None:
    expected = {(number, f"Patient.identifier[0].{at}")} if number else set()
    told = validator.check(patient(identifier=[identifier]))
    assert found(told, "error", "warning") == expected


@pytest.mark.parametrize(
    ("code", "number", "severity"),
    [
        ("mm[Hg]", None, ""),
        ("10*3/uL", None, ""),
        ("{# of fetuses}", None, ""),
        ("[Btu_39]", None, ""),
        ("m m", "GW-4103", "error"),
        ("mmHg", "GW-4110", "warning"),
    ],
)
def test_a_unit_is_one_of_its_system(
    code: str, number: str | None, severity: str, validator: Validator
) -> None:
    quantity = {"value": 1, "system": "http://unitsofmeasure.org", "code": code}
    resource = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
    place = "Observation.value.ofType(Quantity).code"
    told = [
        (one.number, one.severity, one.expression)
        for one in validator.check({**resource, "valueQuantity": quantity})
    ]
    assert told == ([(number, severity, place)] if number else [])
