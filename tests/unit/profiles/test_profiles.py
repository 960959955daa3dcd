"""The consortium's own profiles: what the packs make conforms, what misses a demand does not."""

from copy import deepcopy

import pytest

from gateway.fhir import definitions
from gateway.records import Resource
from gateway.validation import Validator
from tests.unit.mappings.packs import story
from tests.unit.mappings.test_packs import artefacts, validator

CANONICAL = "https://consortium-fhir.cn/StructureDefinition/"
CASES = {
    "CnPatient": ("township-bsoft/referral", "referral.csv", "Patient", "gender"),
    "ReferralServiceRequest": (
        "township-bsoft/referral",
        "referral.csv",
        "ServiceRequest",
        "performer",
    ),
    "ReferralTask": ("township-bsoft/referral", "referral.csv", "Task", "owner"),
    "ReferralComposition": ("township-bsoft/referral", "referral.csv", "Composition", "section"),
    "DischargeComposition": (
        "county/cda-c0053",
        "discharge-summary.xml",
        "Composition",
        "encounter",
    ),
    "LabReport": ("lab/oru-r01", "lab.hl7", "DiagnosticReport", "identifier"),
    "LabObservation": ("lab/oru-r01", "lab.hl7", "Observation", "category"),
    "SettlementClaim": ("county/nhsa/2304-settlement", "nhsa-2304.json", "Claim", "total"),
    "SettlementClaimResponse": (
        "county/nhsa/2304-settlement",
        "nhsa-2304.json",
        "ClaimResponse",
        "total",
    ),
}


def resource(id_: str, name: str, type_: str) -> Resource:
    """Give the first resource of a type that a record of the story makes."""
    [one] = story(id_, name)
    return next(c.resource for c in one.contributions if c.resource["resourceType"] == type_)


def faults(made: Resource, profile: str) -> list[str]:
    """Give the errors of a resource against a profile."""
    found = validator().check(made, [CANONICAL + profile])
    return [issue.text_en for issue in found if issue.severity in ("error", "fatal")]


@pytest.mark.parametrize("profile", sorted(CASES))
def test_what_the_story_makes_conforms_to_its_profile(profile: str) -> None:
    id_, name, type_, _ = CASES[profile]
    assert faults(resource(id_, name, type_), profile) == []


@pytest.mark.parametrize("profile", sorted(CASES))
def test_a_resource_without_a_demanded_element_does_not_conform(profile: str) -> None:
    id_, name, type_, element = CASES[profile]
    made = deepcopy(resource(id_, name, type_))
    del made[element]
    assert [text for text in faults(made, profile) if element in text]


def test_a_referral_without_its_direction_does_not_conform() -> None:
    made = deepcopy(resource("township-bsoft/referral", "referral.csv", "ServiceRequest"))
    made["category"][1]["coding"][0]["system"] = "http://example.org/other"
    assert faults(made, "ReferralServiceRequest")


def test_a_mark_of_mutual_recognition_must_say_whether_it_is_recognised() -> None:
    made = deepcopy(resource("lab/oru-r01", "lab.hl7", "Observation"))
    mark = made["extension"][0]
    mark["extension"] = [part for part in mark["extension"] if part["url"] != "recognised"]
    assert faults(made, "LabObservation")


def test_every_conformance_resource_is_valid_itself() -> None:
    check = Validator(definitions.load()).check
    found = {
        artefact["url"]: [i.text_en for i in check(artefact) if i.severity in ("error", "fatal")]
        for artefact in artefacts()
    }
    assert len(found) > 60
    assert {url: texts for url, texts in found.items() if texts} == {}
