"""Indicators of referral, as MeasureReports (requirements section 5, I-16)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from gateway.errors import GatewayError
from gateway.fhir.building import build
from gateway.fhir.systems import ROOT, TERMINOLOGY, UCUM
from gateway.fhir.times import format_instant
from gateway.oversight.records import Case
from gateway.reactions import direction
from gateway.records import Resource

DOWN_UP = f"{ROOT}/Measure/down-up-referral-ratio"
POPULATION = f"{TERMINOLOGY}/measure-population"
GROUPS = f"{ROOT}/CodeSystem/referral-indicator-group"
WRITTEN = frozenset({"active", "on-hold", "completed"})
HUNDREDTH = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class ReferralCounts:
    """Referrals of one place and period: up, written down-referrals, drafts nobody has signed."""

    up: int
    down: int
    unsigned: int = 0


def count(cases: Iterable[Case]) -> ReferralCounts:
    """Count referrals up (sent ones) and the down-referrals that answer them.

    A draft is not written: it counts as unsigned. Several down-referrals for one referral up
    count once, for the ratio asks how many referrals came back documented.
    """
    up = down = unsigned = 0
    for case in cases:
        if direction(case.referral) != "up" or case.referral["status"] not in WRITTEN:
            continue
        up += 1
        statuses = {one["status"] for one in case.down_referrals if direction(one) == "down"}
        if statuses & WRITTEN:
            down += 1
        elif "draft" in statuses:
            unsigned += 1
    return ReferralCounts(up, down, unsigned)


def down_up_report(
    counts: ReferralCounts, *, start: str, end: str, reporter: Resource, now_utc: datetime
) -> Resource:
    """Report documented down-referrals per 100 up-referrals (I-16), to two decimals.

    ``start`` and ``end`` are FHIR dates. Raises GW-6230 when nothing was referred up: an unknown
    ratio is refused, never 0 %.
    """
    if counts.up == 0:
        raise GatewayError("GW-6230", measure="I-16", expression="MeasureReport.group")
    percent = (Decimal(counts.down) * 100 / counts.up).quantize(HUNDREDTH, ROUND_HALF_UP)
    return build(
        "MeasureReport",
        status="complete",
        type="summary",
        measure=DOWN_UP,
        date=format_instant(now_utc),
        reporter=reporter,
        period={"start": start, "end": end},
        group=[
            {
                "code": {"coding": [{"system": GROUPS, "code": "down-up-ratio"}]},
                "population": [
                    _population("denominator", counts.up),
                    _population("numerator", counts.down),
                ],
                "measureScore": {"value": percent, "unit": "%", "system": UCUM, "code": "%"},
            },
            {
                "code": {"coding": [{"system": GROUPS, "code": "unsigned-drafts"}]},
                "population": [_population("initial-population", counts.unsigned)],
            },
        ],
    )


def _population(code: str, number: int) -> Resource:
    return {"code": {"coding": [{"system": POPULATION, "code": code}]}, "count": number}
