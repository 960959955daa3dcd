"""Published figures of down-referral, played as real referrals: every stay ends in one way."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from gateway.deadlines import Deadlines
from gateway.fhir.systems import (
    REFERRAL_DIRECTION,
    REFERRAL_TASK,
    REFERRAL_TYPE,
    SERVICE_CATEGORY,
    TERMINOLOGY,
)
from gateway.interactions import Request
from gateway.oversight import count, down_up_report, gather
from gateway.records import Principal, Reading
from gateway.referral.table import FULFIL
from gateway.referral.terms import OUTPUT
from tests.api.test_deadlines import register
from tests.api.test_referrals import act, concept, organization, township
from tests.support.consortium import Browser, Consortium
from tests.support.resources import patient

__all__ = ["township"]
AT_ONCE = 45
# How the n-th stay ends, as far as nobody is to be sent back.
ENDINGS = {7: "exp", 8: "other-hcf", 9: "aadvice"}
REASONS = {"exp": "died", "other-hcf": "transferred-on", "aadvice": "against-advice"}


def transaction(*resources: dict[str, Any]) -> dict[str, Any]:
    entries = [
        {
            "fullUrl": one.pop("fullUrl", None) or f"urn:uuid:{one['resourceType']}-{index}",
            "resource": one,
            "request": {"method": "POST", "url": one["resourceType"]},
        }
        for index, one in enumerate(resources)
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def slip(subject: str, index: int) -> list[dict[str, Any]]:
    name = f"urn:uuid:order-{index}"
    order = {
        "fullUrl": name,
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "category": [concept(SERVICE_CATEGORY, "referral"), concept(REFERRAL_DIRECTION, "up")],
        "code": concept(REFERRAL_TYPE, "inpatient"),
        "subject": {"reference": subject},
        "authoredOn": "2026-11-02T10:20:00+08:00",
        "requester": organization("qs-township"),
        "performer": [organization("qs-county")],
    }
    task = {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": concept(REFERRAL_TASK, FULFIL),
        "focus": {"reference": name},
        "for": {"reference": subject},
        "authoredOn": "2026-11-02T10:20:00+08:00",
        "requester": organization("qs-township"),
        "owner": organization("qs-county"),
    }
    return [order, task]


def stay(subject: str, order: str, ending: str | None) -> dict[str, Any]:
    disposition = concept(f"{TERMINOLOGY}/discharge-disposition", ending or "home")
    return {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "subject": {"reference": subject},
        "basedOn": [{"reference": order}],
        "period": {"start": "2026-11-03T14:30:00+08:00", "end": "2026-11-09T10:10:00+08:00"},
        "serviceProvider": organization("qs-county"),
        "hospitalization": {"dischargeDisposition": disposition},
    }


def made(browser: Browser, bundle: dict[str, Any], type_: str) -> list[str]:
    answer = browser.post("/", bundle)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    named = [one["response"]["location"].split("/fhir/")[1] for one in answer.get_json()["entry"]]
    return ["/".join(one.split("/")[:2]) for one in named if one.startswith(type_)]


def late(consortium: Consortium, days: int) -> None:
    """Let the worker's round see the world some days on."""
    runtime = consortium.runtime
    now = runtime.clock() + timedelta(days=days)

    def amend(principal: Principal, request: Request) -> None:
        object.__setattr__(runtime.pipeline, "now", lambda: now)
        try:
            runtime.pipeline.write(principal, [request])
        finally:
            object.__setattr__(runtime.pipeline, "now", runtime.clock)

    Deadlines(runtime.store, amend, lambda: now).round(1)


def played(township: Browser, county: Browser, up: int) -> list[str]:
    """Refer as many patients, and let each stay end; give the orders."""
    subject = f"Patient/{township.post('/Patient', patient()).get_json()['id']}"
    orders: list[str] = []
    for start in range(0, up, AT_ONCE):
        slips = [
            one for index in range(start, min(start + AT_ONCE, up)) for one in slip(subject, index)
        ]
        orders += made(township, transaction(*slips), "ServiceRequest")
    own = f"Patient/{county.post('/Patient', patient()).get_json()['id']}"
    for start in range(0, up, AT_ONCE):
        part = orders[start : start + AT_ONCE]
        stays = [stay(own, one, ENDINGS.get(start + index)) for index, one in enumerate(part)]
        made(county, transaction(*stays), "Encounter")
    return orders


def reasons_of(orders: list[str], reading: Reading) -> Counter[str]:
    """Count why nobody was sent back."""
    return Counter(
        said["valueCodeableConcept"]["coding"][0]["code"]
        for one in orders
        for task in reading.find("Task", focus=one)
        for said in task.get("output", ())
        if said["type"]["coding"][0] == {"system": OUTPUT, "code": "no-down-referral"}
    )


@pytest.mark.parametrize(
    ("up", "down", "printed"), [(45, 5, "11.11"), (61, 13, "21.31"), (59, 16, "27.12")]
)
def test_published_ratios_come_out_of_referrals_that_were_played(
    consortium: Consortium, township: Browser, county: Browser, up: int, down: int, printed: str
) -> None:
    orders = played(township, county, up)
    reading = consortium.runtime.store.reading(1)
    drafts = [
        found[0]["id"] for one in orders if (found := reading.find("ServiceRequest", based_on=one))
    ]
    reasons = reasons_of(orders, reading)
    assert reasons == Counter(REASONS[one] for one in ENDINGS.values())
    assert len(drafts) + sum(reasons.values()) == up
    for id_ in drafts[:down]:
        act(county, f"/ServiceRequest/{id_}", "send")
    late(consortium, 4)
    signing = {
        one["focus"]["reference"].split("/")[1]
        for one in register(county, "overdue")
        if one["code"]["coding"][0]["code"] == "sign-down-referral"
    }
    assert signing & set(drafts) == set(drafts[down:])
    stored = [order for one in orders if (order := reading.read(*one.split("/")))]
    counts = count(gather(stored, reading))
    assert (counts.up, counts.down, counts.unsigned) == (up, down, len(drafts) - down)
    report = down_up_report(
        counts,
        start="2026-11-01",
        end="2026-11-30",
        reporter=organization("qs-bureau"),
        now_utc=datetime(2026, 12, 1, tzinfo=UTC),
    )
    assert report["group"][0]["measureScore"]["value"] == Decimal(printed)
