"""Dirty values of real systems: what is a placeholder, what only warns, what parks the record."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.formats import READERS
from gateway.mapping import trials
from gateway.records import Mapped, Resource
from tests.unit.mappings.packs import STORY, program

REFERRAL = (STORY / "referral.csv").read_text("gb18030").splitlines()
LAB = (STORY / "lab.hl7").read_bytes().decode("gbk")
SETTLEMENT = (STORY / "nhsa-2304.json").read_text("utf-8")


def mapped(id_: str, raw: bytes) -> Mapped:
    """Map the one record of a message."""
    pack = program(id_)
    [parsed] = trials.read_records(pack, raw, READERS)
    return pack.run(parsed, trials.context_of(pack))


def referral(**cells: str) -> Mapped:
    """Map the story's referral row with some of its cells changed."""
    names, values = REFERRAL[0].split(","), REFERRAL[1].split(",")
    row = dict(zip(names, values, strict=True)) | cells
    return mapped(
        "township-bsoft/referral", f"{REFERRAL[0]}\n{','.join(row.values())}\n".encode("gb18030")
    )


def first(one: Mapped, type_: str) -> Resource:
    """Give the first resource of a type."""
    return next(c.resource for c in one.contributions if c.resource["resourceType"] == type_)


@pytest.mark.parametrize("placeholder", ["-", "--", "无", "N/A", "00000000", "  ", "　"])
def test_a_placeholder_is_no_telephone_number(placeholder: str) -> None:
    assert "telecom" not in first(referral(BINGRENLXDH=placeholder), "Patient")


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("1962-05-14", "1962-05-14"),
        ("19620514", "1962-05-14"),
        ("196205", "1962-05"),
        ("1962", "1962"),
        ("1962年5月14日", "1962-05-14"),
    ],
)
def test_a_birth_date_keeps_the_precision_it_has(written: str, kept: str) -> None:
    assert first(referral(BINGRENCSRQ=written), "Patient")["birthDate"] == kept


@pytest.mark.parametrize(
    ("written", "sex"),
    [
        ("0", "unknown"),
        ("1", "male"),
        ("2", "female"),
        ("9", "unknown"),
        ("02", "female"),
        ("女", "female"),
    ],
)
def test_a_sex_is_read_from_the_national_code_or_its_name(written: str, sex: str) -> None:
    assert first(referral(BINGRENXB=written), "Patient")["gender"] == sex


def test_a_card_number_with_a_wrong_check_digit_warns_and_is_kept() -> None:
    one = referral(BINGRENSFZH="420300196205143623")
    assert [issue.number for issue in one.issues] == ["GW-3202"]
    assert first(one, "Patient")["identifier"][0]["value"] == "420300196205143623"
    assert "420300196205143623" not in one.issues[0].text_en + one.issues[0].text_zh


def test_without_a_card_the_hospitals_own_number_names_the_patient() -> None:
    one = referral(BINGRENSFZH="无")
    [patient] = [c for c in one.contributions if c.resource["resourceType"] == "Patient"]
    assert [key.value for key in patient.keys] == ["E20610077"]


def test_the_token_of_an_electronic_certificate_is_not_kept() -> None:
    one = referral(YIBAOKLX="电子凭证", YIBAOKXX="TOKEN-4711")
    assert "TOKEN-4711" not in json.dumps(one.bundle(), default=str)


def test_a_diagnosis_without_a_code_keeps_its_words_only() -> None:
    code = first(referral(ZHUANZHENZD="胸痛待查 高血压"), "Condition")["code"]
    assert code == {"text": "胸痛待查 高血压"}


def test_an_unknown_kind_of_referral_parks_the_row_and_names_the_table() -> None:
    with pytest.raises(GatewayError) as refused:
        referral(YEWULX="7")
    assert refused.value.number == "GW-3102"
    assert "business-type" in refused.value.text_en
    assert refused.value.where is not None
    assert (refused.value.where.path, refused.value.where.line) == ("YEWULX", 2)


def test_an_unknown_unit_parks_the_report_and_names_the_table() -> None:
    with pytest.raises(GatewayError) as refused:
        mapped("lab/oru-r01", LAB.replace("μmol/L", "某单位").encode("gbk"))
    assert "units" in refused.value.text_en


@settings(max_examples=40, deadline=None)
@given(st.decimals(min_value=0, max_value=10**9, places=2))
def test_any_amount_of_a_settlement_is_told_to_the_fen_as_it_was_sent(amount: object) -> None:
    written = f"{amount:f}"
    one = mapped(
        "county/nhsa/2304-settlement",
        SETTLEMENT.replace('"hifp_pay": 5550.00', f'"hifp_pay": {written}').encode(),
    )
    lines = {
        line["category"]["coding"][0]["code"]: line["amount"]["value"]
        for line in first(one, "ClaimResponse")["total"]
    }
    assert f"{lines['hifp_pay']:f}" == written
