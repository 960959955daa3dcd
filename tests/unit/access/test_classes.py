"""Access classes of resources, and the members that they name."""

from typing import Any

import pytest

from gateway.access import (
    CLINICAL,
    DIRECTORY,
    FINANCE,
    IDENTITY,
    REFERRAL,
    REPORT,
    classify,
    organizations_named,
)
from gateway.fhir.systems import ROOT

REFERRAL_CATEGORY = [
    {"coding": [{"system": f"{ROOT}/CodeSystem/service-category", "code": "referral"}]}
]


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ({"resourceType": "Organization"}, DIRECTORY),
        ({"resourceType": "ValueSet"}, DIRECTORY),
        ({"resourceType": "Patient"}, IDENTITY),
        ({"resourceType": "Observation"}, CLINICAL),
        ({"resourceType": "ServiceRequest"}, CLINICAL),
        ({"resourceType": "ServiceRequest", "category": REFERRAL_CATEGORY}, REFERRAL),
        ({"resourceType": "Task", "code": {"text": "anything"}}, CLINICAL),
        (
            {
                "resourceType": "Task",
                "code": {
                    "coding": [
                        {"system": f"{ROOT}/CodeSystem/referral-task", "code": "fulfil-referral"}
                    ]
                },
            },
            REFERRAL,
        ),
        ({"resourceType": "Claim"}, FINANCE),
        ({"resourceType": "MeasureReport"}, REPORT),
        ({"resourceType": "Subscription"}, 0),
        ({"resourceType": "AuditEvent"}, 0),
    ],
)
def test_a_resource_has_the_class_of_its_kind(resource: dict[str, Any], expected: int) -> None:
    assert classify(resource) == expected


def test_every_type_of_r4_has_a_class_or_belongs_to_its_owner_alone() -> None:
    from gateway.fhir.definitions import load

    alone = {t for t in load().resource_types if classify({"resourceType": t}) == 0}
    assert alone == {"AuditEvent", "Basic", "Binary", "Linkage", "Subscription"}


def test_an_organization_is_a_party_wherever_it_is_named() -> None:
    resource = {
        "resourceType": "ServiceRequest",
        "contained": [
            {"resourceType": "PractitionerRole", "organization": {"reference": "Organization/a"}}
        ],
        "performer": [{"reference": "Organization/b"}, {"reference": "Practitioner/c"}],
        "extension": [{"url": "x", "valueReference": {"reference": "Organization/d/_history/2"}}],
        "note": [{"text": "Organization/e"}],
        "requester": {"identifier": {"system": "s", "value": "f"}},
    }
    assert organizations_named(resource) == {"a", "b", "d"}


def test_an_organization_of_another_server_is_no_party() -> None:
    named = {
        "resourceType": "Patient",
        "managingOrganization": {"reference": "http://x/Organization/a"},
    }
    assert organizations_named(named) == frozenset()
