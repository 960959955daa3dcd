"""Money and order of arrival: amounts keep every digit, checks see every change."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fhir import codec
from gateway.records import Resource
from gateway.referral import react as refer
from gateway.settlement import react as settle
from gateway.settlement.balance import EQUATIONS, balance
from tests.support.reading import Play
from tests.support.referral_records import (
    about_stay,
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

fen = st.integers(0, 10_000_000).map(lambda cents: Decimal(cents).scaleb(-2))
FUNDS = ("hifp_pay", "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "maf_pay", "oth_pay")
CHECKED = sorted({name for one in EQUATIONS for name in (one.total, *one.required, *one.optional)})


@st.composite
def settlements(draw: st.DrawFn) -> dict[str, Decimal]:
    """Settlements that balance, by construction from their parts."""
    amounts = {name: draw(fen) for name in FUNDS}
    amounts |= {name: draw(fen) for name in ("acct_pay", "psn_cash_pay", "hosp_part_amt")}
    amounts["fund_pay_sumamt"] = sum((amounts[name] for name in FUNDS), Decimal(0))
    amounts["psn_part_amt"] = amounts["acct_pay"] + amounts["psn_cash_pay"]
    amounts["medfee_sumamt"] = (
        amounts["fund_pay_sumamt"] + amounts["psn_part_amt"] + amounts["hosp_part_amt"]
    )
    left = amounts["medfee_sumamt"]
    for name in ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt"):
        cents = draw(st.integers(0, int(left.scaleb(2))))
        amounts[name] = Decimal(cents).scaleb(-2)
        left -= amounts[name]
    return amounts | {"inscp_scp_amt": left}


def response(amounts: dict[str, Decimal]) -> Resource:
    return claim_response({name: str(value) for name, value in amounts.items()})


@given(settlements())
@settings(max_examples=60, deadline=None)
def test_what_adds_up_has_no_finding(amounts: dict[str, Decimal]) -> None:
    assert list(balance(response(amounts))) == []


@given(settlements(), st.sampled_from(CHECKED), st.integers(2, 10_000_000), st.booleans())
@settings(max_examples=150, deadline=None)
def test_any_single_change_of_two_fen_or_more_is_found(
    amounts: dict[str, Decimal], name: str, cents: int, upwards: bool
) -> None:
    change = Decimal(cents).scaleb(-2)
    amounts[name] += change if upwards else -change
    assert any(one.number == "GW-6220" for one in balance(response(amounts)))


@given(st.lists(st.integers(-(10**11), 10**11), min_size=1, max_size=6), st.data())
@settings(max_examples=40, deadline=None)
def test_amounts_pass_into_the_claim_with_their_scale(
    numbers: list[int], data: st.DataObject
) -> None:
    places = data.draw(st.integers(0, 4))
    texts = [f"{Decimal(number).scaleb(-places):f}" for number in numbers]
    play = Play(consortium(), settle)
    charges = [charge(number, text) for number, text in enumerate(texts, start=1)]
    play.write("qs-county", *data.draw(st.permutations(charges)), stay(), claim())
    written = play.reading.read("Claim", "claim-1")
    assert written is not None
    assert [str(item["net"]["value"]) for item in written["item"]] == texts
    again = codec.decode(codec.encode(written))
    assert [str(item["net"]["value"]) for item in again["item"]] == texts


def _parts() -> dict[str, Resource]:
    return {
        "stay": stay(status="finished", basedOn=[ref("ServiceRequest/up-1")]),
        "summary": composition("dis-1", "18842-5", "pat-county", encounter=ref("Encounter/enc-1")),
        "claim": claim(total="30.00", **about_stay()),
        "charge-1": charge(1, "10.00"),
        "charge-2": charge(2, "20.00", "2026-11-03T08:00:00+08:00"),
        "answer": claim_response({"medfee_sumamt": "30.00"}),
    }


def _played(order: list[str]) -> dict[str, Resource]:
    play = Play(consortium(), refer, settle)
    play.write("qs-township", referral(), task())
    play.write("qs-county", task(status="accepted"))
    for name in order:
        play.write("qs-county", _parts()[name])
    return play.reading.resources


@given(st.permutations(sorted(_parts())))
@settings(max_examples=80, deadline=None)
def test_any_order_of_stay_summary_claim_charges_and_answer_ends_alike(order: list[str]) -> None:
    expected = _played(sorted(_parts()))
    assert [item["sequence"] for item in expected["Claim/claim-1"]["item"]] == [1, 2]
    assert expected["Claim/claim-1"]["referral"] == ref("ServiceRequest/up-1")
    assert expected["ClaimResponse/answer-1"]["request"]["reference"] == "Claim/claim-1"
    assert _played(order) == expected
