"""Invented members, a person and the records of one referral, for tests of the domain."""

from decimal import Decimal

from gateway.fhir.systems import (
    CREDIT_CODE,
    ID_CARD,
    LOINC,
    NHSA_SETTLEMENT_ITEM,
    REFERRAL_DIRECTION,
    REFERRAL_TASK,
    REFERRAL_TYPE,
    SERVICE_CATEGORY,
    TERMINOLOGY,
    extension,
    hospital_number,
)
from gateway.records import Resource
from tests.support.reading import MemoryReading, Play

MEMBERS = {
    "org-township": "qs-township",
    "org-county": "qs-county",
    "org-city": "lj-city",
    "org-insurer": "qs-insurer",
    "org-bureau": "qs-bureau",
}
USCC = {
    "org-township": "12429901MB01A1009G",
    "org-county": "12429901MB01A2001Y",
    "org-city": "12429900MB01A30041",
    "org-insurer": "11429901MB01A40073",
    "org-bureau": "11429901MB01A500XE",
}
ID_NUMBER = "420300196205143622"
REFERRAL_NO = hospital_number(USCC["org-township"], "referral-no")


def consortium() -> MemoryReading:
    """Make a store with the directory and the person's records at township and county."""
    reading = MemoryReading(MEMBERS)
    for id_, uscc in USCC.items():
        organization: Resource = {
            "resourceType": "Organization",
            "id": id_,
            "identifier": [{"system": CREDIT_CODE, "value": uscc}],
            "name": id_,
        }
        if id_ == "org-bureau":
            organization["type"] = [concept(f"{TERMINOLOGY}/organization-type", "govt")]
        reading.put("qs-bureau", organization)
    for place in ("township", "county"):
        reading.put(f"qs-{place}", patient(f"pat-{place}"))
    return reading


def concept(system: str, code: str) -> Resource:
    """Make a CodeableConcept of one coding."""
    return {"coding": [{"system": system, "code": code}]}


def ref(target: str) -> Resource:
    """Make a literal reference."""
    return {"reference": target}


def patient(id_: str) -> Resource:
    """Make one member's record of the person."""
    return {
        "resourceType": "Patient",
        "id": id_,
        "identifier": [{"system": ID_CARD, "value": ID_NUMBER}],
        "name": [{"text": "林桂芳"}],
        "gender": "female",
        "birthDate": "1962-05-14",
        "telecom": [{"system": "phone", "value": "13800006214"}],
        "address": [{"district": "青山县", "text": "青山县青山镇柳溪村3组12号"}],
    }


def referral(id_: str = "up-1", direction: str = "up", **elements: object) -> Resource:
    """Make a referral from township to county."""
    number = f"ZZ-{id_}"
    return {
        "resourceType": "ServiceRequest",
        "id": id_,
        "identifier": [{"system": REFERRAL_NO, "value": number}],
        "requisition": {"system": REFERRAL_NO, "value": number},
        "status": "active",
        "intent": "order",
        "category": [
            concept(SERVICE_CATEGORY, "referral"),
            concept(REFERRAL_DIRECTION, direction),
        ],
        "code": concept(REFERRAL_TYPE, "inpatient"),
        "subject": ref("Patient/pat-township"),
        "authoredOn": "2026-11-02T10:20:00+08:00",
        "requester": ref("Organization/org-township"),
        "performer": [ref("Organization/org-county")],
        "note": [{"text": "反复胸痛2月"}],
        **elements,
    }


def task(id_: str = "task-1", order: str = "up-1", **elements: object) -> Resource:
    """Make the task for the county to fulfil the referral."""
    return {
        "resourceType": "Task",
        "id": id_,
        "status": "requested",
        "intent": "order",
        "code": concept(REFERRAL_TASK, "fulfil-referral"),
        "focus": ref(f"ServiceRequest/{order}"),
        "for": ref("Patient/pat-township"),
        "authoredOn": "2026-11-02T10:20:00+08:00",
        "requester": ref("Organization/org-township"),
        "owner": ref("Organization/org-county"),
        **elements,
    }


def stay(id_: str = "enc-1", status: str = "in-progress", **elements: object) -> Resource:
    """Make the stay at the county hospital."""
    encounter: Resource = {
        "resourceType": "Encounter",
        "id": id_,
        "status": status,
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "subject": ref("Patient/pat-county"),
        "period": {"start": "2026-11-03T14:30:00+08:00"},
        "serviceProvider": ref("Organization/org-county"),
    }
    if status == "finished":
        encounter["period"]["end"] = "2026-11-09T10:10:00+08:00"
        encounter["diagnosis"] = [
            {
                "condition": ref(f"Condition/{id_}-{role}"),
                "use": concept(f"{TERMINOLOGY}/diagnosis-role", role),
            }
            for role in ("AD", "DD")
        ]
    return encounter | elements


def composition(id_: str, code: str, patient_: str, **elements: object) -> Resource:
    """Make a document of one hospital."""
    return {
        "resourceType": "Composition",
        "id": id_,
        "status": "final",
        "type": concept(LOINC, code),
        "subject": ref(f"Patient/{patient_}"),
        "date": "2026-11-09",
        "author": [{"display": "医师"}],
        "title": "小结",
        **elements,
    }


def charge(number: int, amount: str, occurred: str = "2026-11-04T08:00:00+08:00") -> Resource:
    """Make one line of charges of the stay."""
    return {
        "resourceType": "ChargeItem",
        "id": f"charge-{number}",
        "identifier": [{"system": "urn:lines", "value": f"FY{number:03}"}],
        "status": "billable",
        "code": concept("urn:medicines", f"X{number}"),
        "subject": ref("Patient/pat-county"),
        "context": ref("Encounter/enc-1"),
        "occurrenceDateTime": occurred,
        "quantity": {"value": Decimal("6.0000")},
        "priceOverride": {"value": Decimal(amount), "currency": "CNY"},
        "extension": [
            {
                "url": extension("nhsa-unit-price"),
                "valueMoney": {"value": Decimal("12.000000"), "currency": "CNY"},
            }
        ],
    }


def claim(id_: str = "claim-1", total: str = "8632.45", **elements: object) -> Resource:
    """Make the county's claim for the stay."""
    return {
        "resourceType": "Claim",
        "id": id_,
        "identifier": [{"system": "urn:claims", "value": f"M-{id_}"}],
        "status": "active",
        "type": concept(f"{TERMINOLOGY}/claim-type", "institutional"),
        "use": "claim",
        "patient": ref("Patient/pat-county"),
        "created": "2026-11-09",
        "provider": ref("Organization/org-county"),
        "insurer": ref("Organization/org-insurer"),
        "priority": concept(f"{TERMINOLOGY}/processpriority", "normal"),
        "insurance": [{"sequence": 1, "focal": True, "coverage": ref("Coverage/cov-1")}],
        "total": {"value": Decimal(total), "currency": "CNY"},
        **elements,
    }


def about_stay(sequence: int = 1) -> Resource:
    """Make the part of a claim that names its stay."""
    return {
        "supportingInfo": [
            {
                "sequence": sequence,
                "category": concept(f"{TERMINOLOGY}/claiminformationcategory", "info"),
                "valueReference": ref("Encounter/enc-1"),
            }
        ]
    }


def claim_response(amounts: dict[str, str], **elements: object) -> Resource:
    """Make the insurer's answer with one total per amount."""
    return {
        "resourceType": "ClaimResponse",
        "id": "answer-1",
        "status": "active",
        "type": concept(f"{TERMINOLOGY}/claim-type", "institutional"),
        "use": "claim",
        "patient": ref("Patient/pat-county"),
        "created": "2026-11-09",
        "insurer": ref("Organization/org-insurer"),
        "requestor": ref("Organization/org-county"),
        "request": {"type": "Claim", "identifier": {"system": "urn:claims", "value": "M-claim-1"}},
        "outcome": "complete",
        "total": [
            {
                "category": concept(NHSA_SETTLEMENT_ITEM, code),
                "amount": {"value": Decimal(amount), "currency": "CNY"},
            }
            for code, amount in amounts.items()
        ],
        **elements,
    }


SETTLEMENT = {
    "medfee_sumamt": "8632.45",
    "fulamt_ownpay_amt": "320.00",
    "overlmt_selfpay": "0.00",
    "preselfpay_amt": "412.45",
    "inscp_scp_amt": "7900.00",
    "act_pay_dedc": "500.00",
    "hifp_pay": "5550.00",
    "cvlserv_pay": "0.00",
    "hifes_pay": "0.00",
    "hifmi_pay": "300.00",
    "hifob_pay": "0.00",
    "maf_pay": "250.50",
    "hosp_part_amt": "0.00",
    "oth_pay": "0.00",
    "fund_pay_sumamt": "6100.50",
    "psn_part_amt": "2531.95",
    "acct_pay": "0.00",
    "psn_cash_pay": "2531.95",
    "acct_mulaid_pay": "0.00",
}


def down(play: Play) -> list[Resource]:
    return [
        one
        for one in play.reading.find("ServiceRequest", based_on="ServiceRequest/up-1")
        if one["status"] != "entered-in-error"
    ]
