"""Oversight: what the health bureau gets: de-identified referral records and indicators."""

from gateway.oversight.indicators import ReferralCounts, count, down_up_report
from gateway.oversight.reaction import react
from gateway.oversight.records import Case, gather, referral_records

__all__ = [
    "Case",
    "ReferralCounts",
    "count",
    "down_up_report",
    "gather",
    "react",
    "referral_records",
]
