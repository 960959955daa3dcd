"""The balance equations, with the invented settlement of a stay."""

from decimal import Decimal

from gateway.settlement.balance import EQUATIONS, balance
from tests.support.referral_records import SETTLEMENT, claim_response


def numbers(amounts: dict[str, str]) -> list[str]:
    return [one.number for one in balance(claim_response(amounts))]


def test_a_settlement_that_balances_has_no_finding() -> None:
    assert numbers(SETTLEMENT) == []


def test_a_difference_of_one_fen_is_tolerated_and_two_are_not() -> None:
    assert numbers(SETTLEMENT | {"hifp_pay": "5550.01"}) == []
    assert numbers(SETTLEMENT | {"hifp_pay": "5550.02"}) == ["GW-6220"]


def test_the_finding_names_the_equation_and_no_amount() -> None:
    (finding,) = balance(claim_response(SETTLEMENT | {"psn_cash_pay": "2000.00"}))
    assert finding.severity == "warning"
    assert "psn_part_amt = acct_pay + psn_cash_pay" in finding.text_zh
    assert "psn_part_amt" in (finding.expression or "")
    assert "2531" not in finding.text_zh + finding.text_en
    assert "2000" not in finding.text_zh + finding.text_en


def test_shared_family_accounts_count_or_not_as_the_province_has_it() -> None:
    shared = SETTLEMENT | {"acct_mulaid_pay": "100.00"}
    assert numbers(shared) == []
    assert numbers(shared | {"psn_cash_pay": "2431.95"}) == []
    assert numbers(shared | {"psn_cash_pay": "2481.95"}) == ["GW-6220"]


def test_a_missing_optional_fund_paid_nothing() -> None:
    amounts = {key: value for key, value in SETTLEMENT.items() if key != "hifob_pay"}
    assert numbers(amounts) == []


def test_a_missing_required_amount_is_told_and_not_taken_as_zero() -> None:
    amounts = {key: value for key, value in SETTLEMENT.items() if key != "psn_part_amt"}
    findings = list(balance(claim_response(amounts)))
    assert [one.number for one in findings] == ["GW-6221", "GW-6221"]
    assert all(one.severity == "information" for one in findings)


def test_an_amount_given_twice_is_not_guessed() -> None:
    response = claim_response(SETTLEMENT)
    response["total"].append(response["total"][0])
    assert {one.number for one in balance(response)} == {"GW-6221"}


def test_a_reversal_balances_with_negative_amounts() -> None:
    reversal = {key: str(-Decimal(value)) for key, value in SETTLEMENT.items()}
    assert numbers(reversal) == []
    assert numbers(reversal | {"maf_pay": "250.50"}) == ["GW-6220"]


def test_an_answer_without_settlement_amounts_is_not_judged() -> None:
    assert numbers({}) == []


def test_the_equations_are_the_four_of_the_insurance() -> None:
    assert [str(one) for one in EQUATIONS] == [
        "medfee_sumamt = fulamt_ownpay_amt + overlmt_selfpay + preselfpay_amt + inscp_scp_amt",
        "fund_pay_sumamt = hifp_pay + cvlserv_pay + hifes_pay + hifmi_pay + hifob_pay + maf_pay"
        " + oth_pay",
        "medfee_sumamt = fund_pay_sumamt + psn_part_amt + hosp_part_amt",
        "psn_part_amt = acct_pay + psn_cash_pay (+ acct_mulaid_pay)",
    ]
