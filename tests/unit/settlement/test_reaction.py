"""Claims, charges and answers find each other."""

import pytest

from gateway.records import Resource
from gateway.settlement import react
from tests.support.reading import Play
from tests.support.referral_records import (
    SETTLEMENT,
    about_stay,
    charge,
    claim,
    claim_response,
    consortium,
    ref,
    referral,
    stay,
)


@pytest.fixture
def play() -> Play:
    return Play(consortium(), react)


def stored(play: Play, type_: str, id_: str) -> Resource:
    found = play.reading.read(type_, id_)
    assert found is not None
    return found


def test_the_claim_takes_its_items_from_the_stays_charges_with_every_digit(play: Play) -> None:
    play.write("qs-county", charge(2, "8560.4500"), charge(1, "72.00"))
    play.write("qs-county", stay(), claim())
    first, second = stored(play, "Claim", "claim-1")["item"]
    assert str(first["net"]["value"]) == "72.00"
    assert str(second["net"]["value"]) == "8560.4500"
    assert str(first["unitPrice"]["value"]) == "12.000000"
    assert str(first["quantity"]["value"]) == "6.0000"
    assert first["servicedDate"] == "2026-11-04"
    assert first["extension"][0]["valueReference"] == ref("ChargeItem/charge-1")
    assert first["encounter"] == [ref("Encounter/enc-1")]
    assert [one.number for one in play.issues] == []


def test_a_total_that_differs_from_the_items_is_remarked_once_and_left_alone(play: Play) -> None:
    play.write("qs-county", charge(1, "72.00"))
    play.write("qs-county", stay(), claim(total="80.00"))
    assert [one.number for one in play.issues] == ["GW-6222"]
    assert str(stored(play, "Claim", "claim-1")["total"]["value"]) == "80.00"


def test_items_that_the_claim_brought_itself_are_kept(play: Play) -> None:
    own = [
        {
            "sequence": 1,
            "productOrService": {"text": "床位费"},
            "encounter": [ref("Encounter/enc-1")],
        }
    ]
    play.write("qs-county", charge(1, "72.00"), stay(), claim(item=own))
    assert stored(play, "Claim", "claim-1")["item"] == own


def test_a_claim_sent_once_more_without_items_gets_them_again(play: Play) -> None:
    play.write("qs-county", charge(1, "8632.45"), stay(), claim())
    before = stored(play, "Claim", "claim-1")
    play.write("qs-county", claim(**about_stay()))
    assert stored(play, "Claim", "claim-1") == before


def test_the_referral_reaches_the_claim_even_when_the_stay_learns_it_later(play: Play) -> None:
    play.write("qs-township", referral())
    play.write("qs-county", stay(), claim())
    assert "referral" not in stored(play, "Claim", "claim-1")
    play.write("qs-county", stay(basedOn=[ref("ServiceRequest/up-1")]))
    assert stored(play, "Claim", "claim-1")["referral"] == ref("ServiceRequest/up-1")


@pytest.mark.parametrize("answer_first", [False, True])
def test_the_answer_finds_its_claim_whichever_comes_first(play: Play, answer_first: bool) -> None:
    parts = [claim(), claim_response(SETTLEMENT)]
    for part in reversed(parts) if answer_first else parts:
        play.write("qs-county", part)
    assert stored(play, "ClaimResponse", "answer-1")["request"]["reference"] == "Claim/claim-1"
    assert play.told("claim-answered") == {"qs-county"}
    assert play.issues == []


def test_an_answer_about_another_total_is_remarked(play: Play) -> None:
    play.write("qs-county", claim(total="8000.00"))
    play.write("qs-county", claim_response(SETTLEMENT))
    assert [one.number for one in play.issues] == ["GW-6223"]


def test_the_insurer_is_told_and_may_read_finance_and_identity_only(play: Play) -> None:
    play.write("qs-county", claim())
    (relation,) = play.relations
    assert (relation.member, relation.owner, relation.classes) == ("qs-insurer", "qs-county", 40)
    assert play.told("claim-received") == {"qs-insurer"}


def test_a_reversal_takes_no_items(play: Play) -> None:
    play.write("qs-county", charge(1, "8632.45"), stay(), claim())
    reversal = claim("claim-2", "-8632.45", **about_stay())
    play.write("qs-county", reversal)
    assert "item" not in stored(play, "Claim", "claim-2")
    assert len(stored(play, "Claim", "claim-1")["item"]) == 1


def test_two_settlements_of_one_stay_share_the_items_only_by_their_periods(play: Play) -> None:
    play.write(
        "qs-county",
        charge(1, "10.00", "2026-11-04T08:00:00+08:00"),
        charge(2, "20.00", "2026-11-07T08:00:00+08:00"),
        stay(),
    )
    first = claim("claim-1", "10.00", billablePeriod={"start": "2026-11-03", "end": "2026-11-05"})
    second = claim("claim-2", "20.00", billablePeriod={"start": "2026-11-06", "end": "2026-11-09"})
    for one in (first, second):
        play.write("qs-county", one | about_stay())
    nets = [stored(play, "Claim", id_)["item"] for id_ in ("claim-1", "claim-2")]
    assert [[str(item["net"]["value"]) for item in items] for items in nets] == [
        ["10.00"],
        ["20.00"],
    ]


@pytest.mark.parametrize("first", ["claim-1", "claim-2"])
def test_without_periods_the_items_of_two_settlements_are_given_to_neither(
    play: Play, first: str
) -> None:
    play.write("qs-county", charge(1, "10.00"), stay())
    for id_ in (first, "claim-2" if first == "claim-1" else "claim-1"):
        play.write("qs-county", claim(id_, "10.00") | about_stay())
    assert "item" not in stored(play, "Claim", "claim-1")
    assert "item" not in stored(play, "Claim", "claim-2")
    assert {one.number for one in play.issues} == {"GW-6224"}


def test_fees_that_knew_the_visit_by_its_number_only_find_it_when_it_comes(play: Play) -> None:
    number = {"system": "urn:visits", "value": "M1"}
    early = charge(1, "72.00") | {"context": {"type": "Encounter", "identifier": number}}
    play.write("qs-county", early)
    play.write("qs-county", stay(identifier=[number]), claim(total="144.00"))
    late = charge(2, "72.00") | {"context": {"type": "Encounter", "identifier": number}}
    play.write("qs-county", late)
    assert len(stored(play, "Claim", "claim-1")["item"]) == 2


def test_a_claim_learns_nothing_from_the_stay_of_another_member(play: Play) -> None:
    play.write("qs-county", charge(1, "8632.45"), stay())
    play.write("qs-township", claim("spy", **about_stay()))
    assert "item" not in stored(play, "Claim", "spy")


def test_what_others_charge_and_claim_to_a_stay_changes_nothing(play: Play) -> None:
    play.write("qs-county", charge(1, "8632.45"), stay(), claim())
    before = stored(play, "Claim", "claim-1")
    play.write("lj-city", charge(2, "99.00"))
    play.write("lj-city", claim("other", **about_stay()))
    assert stored(play, "Claim", "claim-1") == before
    assert [one.number for one in play.issues] == []


@pytest.mark.parametrize("is_literal", [False, True])
def test_only_provider_and_insurer_answer_a_claim(play: Play, is_literal: bool) -> None:
    play.write("qs-county", claim(total="1.00"))
    forged = claim_response(SETTLEMENT)
    if is_literal:
        forged["request"] = ref("Claim/claim-1")
    play.write("lj-city", forged)
    play.write("qs-county", claim(total="2.00"))
    assert stored(play, "ClaimResponse", "answer-1") == forged
    assert [one.number for one in play.issues] == []
