"""The story's records: what they become, that they name the same things, that money balances."""

from decimal import Decimal
from typing import Any

import pytest

from gateway.errors import GatewayError
from gateway.records import BusinessKey, Contribution, Resource
from tests.unit.mappings.packs import FOLDER, STORY, story

COPIES = {
    "referral.csv": "township-bsoft/referral/samples/up-outpatient.csv",
    "second/referral.csv": "township-bsoft/referral/samples/up-inpatient.csv",
    "lab.hl7": "lab/oru-r01/samples/lab.hl7",
    "lab-corrected.hl7": "lab/oru-r01/samples/lab-corrected.hl7",
    "admission.hl7": "county/adt/samples/admission.hl7",
    "admission-older.hl7": "county/adt/samples/admission-older.hl7",
    "discharge.hl7": "county/adt/samples/discharge.hl7",
    "discharge-summary.xml": "county/cda-c0053/samples/discharge-summary.xml",
    "discharge-summary-broken.xml": "county/cda-c0053/samples/discharge-summary-broken.xml",
    "nhsa-2401.json": "county/nhsa/2401-admission/samples/nhsa-2401.json",
    "nhsa-2402.json": "county/nhsa/2402-discharge/samples/nhsa-2402.json",
    "nhsa-2301.json": "county/nhsa/2301-fees/samples/nhsa-2301.json",
    "nhsa-2304.json": "county/nhsa/2304-settlement/samples/nhsa-2304.json",
}


def made(id_: str, name: str, type_: str) -> list[Contribution]:
    """Give what a record of the story tells of one type."""
    [one] = story(id_, name)
    return [c for c in one.contributions if c.resource["resourceType"] == type_]


def only(id_: str, name: str, type_: str) -> Resource:
    """Give the only resource of a type that a record makes."""
    [one] = made(id_, name, type_)
    return one.resource


def keys(id_: str, name: str, type_: str) -> set[BusinessKey]:
    """Give the keys of the only resource of a type that a record makes."""
    [one] = made(id_, name, type_)
    return set(one.keys)


def amounts(response: Resource) -> dict[str, Decimal]:
    """Give the amounts of a settlement by code."""
    found: dict[str, Decimal] = {}
    for line in response["total"]:
        [coding] = line["category"]["coding"]
        assert coding["code"] not in found
        found[coding["code"]] = line["amount"]["value"]
    return found


@pytest.mark.parametrize("name", sorted(COPIES))
def test_the_packs_are_tested_with_the_very_records_of_the_story(name: str) -> None:
    assert (STORY / name).read_bytes() == (FOLDER / COPIES[name]).read_bytes()


def test_the_admission_the_summary_and_the_insurance_name_the_same_stay() -> None:
    told = keys("county/adt", "admission.hl7", "Encounter")
    assert told & keys("county/cda-c0053", "discharge-summary.xml", "Encounter")
    insured = keys("county/nhsa/2401-admission", "nhsa-2401.json", "Encounter")
    assert told & insured
    assert insured & keys("county/nhsa/2402-discharge", "nhsa-2402.json", "Encounter")
    assert insured & keys("county/nhsa/2304-settlement", "nhsa-2304.json", "Encounter")


def test_every_record_that_says_who_the_patient_is_names_the_same_person() -> None:
    card = BusinessKey("Patient", "urn:oid:2.16.156.10011.1.3", "420300196205143622")
    for id_, name in (
        ("township-bsoft/referral", "referral.csv"),
        ("lab/oru-r01", "lab.hl7"),
        ("county/adt", "admission.hl7"),
        ("county/cda-c0053", "discharge-summary.xml"),
        ("county/nhsa/2401-admission", "nhsa-2401.json"),
        ("county/nhsa/2304-settlement", "nhsa-2304.json"),
    ):
        assert card in keys(id_, name, "Patient"), name


def test_the_admission_diagnosis_of_adt_document_and_insurance_is_one_condition() -> None:
    [told] = made("county/adt", "admission.hl7", "Condition")
    documented = made("county/cda-c0053", "discharge-summary.xml", "Condition")
    insured = made("county/nhsa/2401-admission", "nhsa-2401.json", "Condition")
    assert told.keys[0] in [one.keys[0] for one in documented]
    assert told.keys[0] in [one.keys[0] for one in insured]


def test_a_referral_row_keeps_its_way_through_the_consortium_in_reach() -> None:
    referral = only("township-bsoft/referral", "referral.csv", "ServiceRequest")
    [task] = made("township-bsoft/referral", "referral.csv", "Task")
    codes = [concept["coding"][0]["code"] for concept in referral["category"]]
    assert codes == ["referral", "up"]
    assert referral["requester"]["identifier"]["value"] == "12429901MB01A1009G"
    assert referral["performer"][0]["identifier"]["value"] == "12429901MB01A2001Y"
    assert task.write == "once"
    assert task.resource["owner"] == referral["performer"][0]


def test_a_laboratory_value_keeps_its_scale_its_unit_and_its_mark() -> None:
    results = [one.resource for one in made("lab/oru-r01", "lab.hl7", "Observation")]
    creatinine = results[0]
    assert str(creatinine["valueQuantity"]["value"]) == "72.50"
    assert creatinine["valueQuantity"]["unit"] == "μmol/L"
    assert creatinine["valueQuantity"]["code"] == "umol/L"
    marked = [result["code"]["text"] for result in results if "extension" in result]
    assert marked == ["肌酐", "葡萄糖", "总胆固醇", "乙型肝炎表面抗原"]


def test_a_corrected_report_names_the_same_report_and_the_same_results() -> None:
    first = made("lab/oru-r01", "lab.hl7", "Observation")
    second = made("lab/oru-r01", "lab-corrected.hl7", "Observation")
    assert [one.keys for one in first] == [one.keys for one in second]
    assert keys("lab/oru-r01", "lab.hl7", "DiagnosticReport") == keys(
        "lab/oru-r01", "lab-corrected.hl7", "DiagnosticReport"
    )
    changed = [
        (a.resource["code"]["text"], b.resource["status"])
        for a, b in zip(first, second, strict=True)
        if a.resource.get("valueQuantity") != b.resource.get("valueQuantity")
    ]
    assert changed == [("葡萄糖", "corrected")]


def test_an_older_admission_says_when_it_happened() -> None:
    [newer] = story("county/adt", "admission.hl7")
    [older] = story("county/adt", "admission-older.hl7")
    assert newer.event_time == "2026-11-03T15:00:00+08:00"
    assert older.event_time == "2026-11-03T14:30:00+08:00"


def test_the_broken_summary_is_refused_where_its_tags_do_not_meet() -> None:
    with pytest.raises(GatewayError) as refused:
        story("county/cda-c0053", "discharge-summary-broken.xml")
    assert refused.value.number == "GW-2301"
    assert refused.value.where is not None
    assert refused.value.where.line == 236


def test_the_amounts_of_the_settlement_balance_to_the_fen() -> None:
    told = amounts(only("county/nhsa/2304-settlement", "nhsa-2304.json", "ClaimResponse"))
    funds = ["hifp_pay", "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "maf_pay", "oth_pay"]
    scope = ["fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt"]
    assert told["medfee_sumamt"] == sum(told[name] for name in scope)
    assert told["fund_pay_sumamt"] == sum(told[name] for name in funds)
    assert told["medfee_sumamt"] == (
        told["fund_pay_sumamt"] + told["psn_part_amt"] + told["hosp_part_amt"]
    )
    assert told["psn_part_amt"] == (
        told["acct_pay"] + told["psn_cash_pay"] + told["acct_mulaid_pay"]
    )
    assert [str(told[fund]) for fund in ("390100", "390200", "610100")] == [
        "5550.00",
        "300.00",
        "250.50",
    ]


def test_the_unbalanced_settlement_is_told_as_it_was_sent() -> None:
    told = amounts(only("county/nhsa/2304-settlement", "nhsa-2304-imbalance.json", "ClaimResponse"))
    assert told["psn_cash_pay"] - (told["psn_part_amt"] - told["acct_pay"]) == Decimal("-1.00")


def test_the_fees_add_up_to_the_claim_and_the_refund_names_its_line() -> None:
    fees = [one.resource for one in made("county/nhsa/2301-fees", "nhsa-2301.json", "ChargeItem")]
    claim = only("county/nhsa/2304-settlement", "nhsa-2304.json", "Claim")
    total = sum(fee["priceOverride"]["value"] for fee in fees)
    assert total == claim["total"]["value"] == Decimal("8632.45")
    [refund] = [fee for fee in fees if fee["quantity"]["value"] < 0]
    assert reversed_line(refund) == "FY20261109007"


def reversed_line(fee: Resource) -> Any:
    """Give the number of the line that a refund reverses."""
    url = "https://consortium-fhir.cn/StructureDefinition/nhsa-reversed-item"
    [one] = [e for e in fee["extension"] if e["url"] == url]
    return one["valueIdentifier"]["value"]


def test_a_trade_that_the_platform_refused_points_at_the_answer_without_its_words() -> None:
    with pytest.raises(GatewayError) as refused:
        story("county/nhsa/2304-settlement", "nhsa-2304-refused.json")
    assert refused.value.number == "GW-3102"
    assert refused.value.where is not None
    assert refused.value.where.path == "$.response.infcode"
    assert "备案" not in str(refused.value)
