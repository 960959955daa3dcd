"""What the bureau gets: nothing that names a person, and the published ratios."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.measurereport import MeasureReport

from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.fhir.ids import person_id
from gateway.oversight import (
    ReferralCounts,
    count,
    down_up_report,
    gather,
    react,
    referral_records,
)
from gateway.records import Resource
from gateway.referral import react as refer
from tests.support.reading import SECRET, Play
from tests.support.referral_records import (
    ID_NUMBER,
    concept,
    consortium,
    ref,
    referral,
    stay,
    task,
)

NOW = datetime(2026, 12, 1, tzinfo=UTC)
REPORTER = {"reference": "Organization/org-bureau"}


def pseudonym(name: str) -> str:
    return person_id(SECRET, "oversight", name)


@pytest.fixture
def finished() -> Play:
    play = Play(consortium(), refer)
    order = referral(
        reasonCode=[
            {"coding": [{"system": "urn:icd", "code": "I20.000", "display": "林桂芳心绞痛"}]},
            {"text": "需行冠状动脉造影"},
        ],
        patientInstruction="携带心电图",
    )
    play.write("qs-township", order, task(note=[{"text": "家属电话13800006214"}]))
    play.write("qs-county", task(status="accepted"))
    play.write("qs-county", stay(status="finished"))
    return play


def records(play: Play, period: str | None = None) -> Resource:
    orders = play.reading.find("ServiceRequest", subject="Patient/pat-township")
    return referral_records(gather(orders, play.reading), pseudonym, period=period)


def of_type(bundle: Resource, type_: str) -> list[Resource]:
    resources = [entry["resource"] for entry in bundle["entry"]]
    return [one for one in resources if one["resourceType"] == type_]


def test_nothing_that_names_a_person_is_in_a_record(finished: Play) -> None:
    text = codec.encode(records(finished)).decode()
    said = [ID_NUMBER, "林桂芳", "13800006214", "柳溪村", "胸痛", "造影", "心电图", "1962-05-14"]
    said += ["ZZ-up-1", "pat-township", "pat-county", "up-1", "enc-1", "task-1"]
    assert [word for word in said if word in text] == []


def test_a_record_tells_the_whole_way_in_codes(finished: Play) -> None:
    bundle = records(finished)
    up, down = of_type(bundle, "ServiceRequest")
    assert up["reasonCode"] == [concept("urn:icd", "I20.000")]
    moved = date.fromisoformat(up["authoredOn"]) - date(2026, 11, 2)
    assert 0 < abs(moved.days) <= 30
    assert up["requester"] == ref("Organization/org-township")
    assert down["basedOn"] == [ref(f"ServiceRequest/{up['id']}")]
    assert down["subject"] == up["subject"]
    (encounter,) = of_type(bundle, "Encounter")
    days = {"start": date(2026, 11, 3), "end": date(2026, 11, 9)}
    assert encounter["period"] == {name: str(day + moved) for name, day in days.items()}
    (person,) = of_type(bundle, "Patient")
    assert (person["gender"], person["birthDate"]) == ("female", "1962")
    assert person["address"] == [{"district": "青山县"}]
    assert {one["id"] for one in of_type(bundle, "Organization")} == {"org-township", "org-county"}


def test_the_record_reads_as_fhir(finished: Play) -> None:
    assert Bundle.model_validate_json(codec.encode(records(finished))).type == "collection"


@pytest.mark.parametrize(
    ("period", "found"), [("2026-11", True), ("2026", True), ("2026-10", False)]
)
def test_only_referrals_written_in_the_period_are_told(
    finished: Play, period: str, found: bool
) -> None:
    assert ("entry" in records(finished, period)) is found


def test_a_draft_counts_as_unsigned_and_a_signed_one_as_written(finished: Play) -> None:
    orders = finished.reading.find("ServiceRequest", subject="Patient/pat-township")
    assert count(gather(orders, finished.reading)) == ReferralCounts(up=1, down=0, unsigned=1)
    (draft,) = finished.reading.find("ServiceRequest", based_on="ServiceRequest/up-1")
    finished.write("qs-county", draft | {"status": "active"})
    assert count(gather(orders, finished.reading)) == ReferralCounts(up=1, down=1, unsigned=0)


@pytest.mark.parametrize(
    ("up", "down", "printed"),
    [(1409, 13, "0.92"), (61, 13, "21.3"), (59, 16, "27.1"), (45, 5, "11.1")],
)
def test_the_ratios_of_the_published_summaries_are_reproduced(
    up: int, down: int, printed: str
) -> None:
    report = down_up_report(
        ReferralCounts(up, down), start="2026-01", end="2026-12", reporter=REPORTER, now_utc=NOW
    )
    score = report["group"][0]["measureScore"]["value"]
    assert score.quantize(Decimal(printed)) == Decimal(printed)
    assert MeasureReport.model_validate_json(codec.encode(report)).type == "summary"


def test_a_ratio_of_nothing_is_refused_and_not_zero() -> None:
    with pytest.raises(GatewayError, match="GW-6230"):
        down_up_report(
            ReferralCounts(0, 0), start="2026", end="2026", reporter=REPORTER, now_utc=NOW
        )


def test_the_bureau_is_told_of_a_referral_out_of_the_consortium_only() -> None:
    play = Play(consortium(), react)
    play.write("qs-township", referral())
    assert not play.notices
    play.write("qs-township", referral("out-1", "outbound"))
    assert play.told("outbound-referral") == {"qs-bureau"}
