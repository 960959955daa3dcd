"""What the domain writes by itself is valid R4, by our validator and by foreign models."""

import importlib
from datetime import UTC, datetime

from gateway.fhir import codec
from gateway.fhir.definitions import load
from gateway.fhir.ids import person_id
from gateway.oversight import ReferralCounts, down_up_report, gather, referral_records
from gateway.records import Resource
from gateway.referral import react as refer
from gateway.settlement import react as settle
from gateway.validation import Validator
from tests.support.reading import SECRET, Play
from tests.support.referral_records import (
    SETTLEMENT,
    charge,
    claim,
    claim_response,
    composition,
    consortium,
    ref,
    referral,
    stay,
    task,
)


def written() -> list[Resource]:
    """Everything that one referral makes the domain write, from the sending to the way home."""
    play = Play(consortium(), refer, settle)
    up = referral(supportingInfo=[ref("Composition/sum-1")])
    made = play.write("qs-township", up, task(), composition("sum-1", "57133-1", "pat-township"))
    made += play.write("qs-county", task(status="accepted"))
    made += play.write("qs-county", charge(1, "8632.45"), stay(), claim())
    made += play.write("qs-county", claim_response(SETTLEMENT))
    home = stay(status="finished", basedOn=[ref("ServiceRequest/up-1")])
    made += play.write("qs-county", home)
    summary = composition("dis-1", "18842-5", "pat-county", encounter=ref("Encounter/enc-1"))
    made += play.write("qs-county", summary)
    (draft,) = play.reading.find("ServiceRequest", based_on="ServiceRequest/up-1")
    made += play.write("qs-county", draft | {"status": "active"})
    records = referral_records(
        gather([up], play.reading), lambda name: person_id(SECRET, "oversight", name)
    )
    now = datetime.now(UTC)
    report = down_up_report(
        ReferralCounts(61, 13, 2),
        start="2026",
        end="2026",
        reporter=ref("Organization/o"),
        now_utc=now,
    )
    return [*made, records, report]


def test_everything_written_is_valid() -> None:
    validator = Validator(load())
    errors = [
        (resource["resourceType"], one.number, one.expression)
        for resource in written()
        for one in validator.check(resource)
        if one.severity in {"error", "fatal"}
    ]
    assert errors == []


def test_foreign_models_read_everything_written() -> None:
    resources = written()
    assert {one["resourceType"] for one in resources} >= {
        "Bundle", "Task", "ServiceRequest", "Encounter", "Claim", "ClaimResponse", "MeasureReport",
    }  # fmt: skip
    for resource in resources:
        type_ = resource["resourceType"]
        module = importlib.import_module(f"fhir.resources.R4B.{type_.lower()}")
        read = getattr(module, type_).model_validate_json(codec.encode(resource))
        assert read.get_resource_type() == type_
