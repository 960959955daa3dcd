"""OperationOutcome: how findings are told to FHIR clients."""

from collections.abc import Iterable
from typing import Literal

from gateway.fhir.systems import GATEWAY_ERROR, ISSUE_COLUMN, ISSUE_LINE
from gateway.records import Issue, Place, Resource

Language = Literal["zh", "en"]


def operation_outcome(issues: Iterable[Issue], language: str = "zh") -> Resource:
    """Write findings as an OperationOutcome; without any it says that all is well.

    Both languages stand in ``details.text``, the asked one first (``zh`` unless it begins with
    ``en``). The number is the coding; line and column stand in the standard extensions.
    """
    is_english = language.lower().startswith("en")
    written = [_issue(issue, is_english) for issue in issues]
    return {"resourceType": "OperationOutcome", "issue": written or [_all_well(is_english)]}


def _issue(issue: Issue, is_english: bool) -> Resource:
    written: Resource = {}
    if issue.place is not None:
        extensions = _spot(issue.place)
        if extensions:
            written["extension"] = extensions
    written["severity"] = issue.severity
    written["code"] = issue.code
    written["details"] = {
        "coding": [{"system": GATEWAY_ERROR, "code": issue.number}],
        "text": _both(issue.text_zh, issue.text_en, is_english),
    }
    if issue.place is not None and str(issue.place):
        written["diagnostics"] = str(issue.place)
    if issue.expression:
        written["expression"] = [issue.expression]
    return written


def _spot(place: Place) -> list[Resource]:
    spots = ((ISSUE_LINE, place.line), (ISSUE_COLUMN, place.column))
    return [{"url": url, "valueInteger": value} for url, value in spots if value is not None]


def _all_well(is_english: bool) -> Resource:
    text = _both("没有发现问题。", "No problem was found.", is_english)
    return {"severity": "information", "code": "informational", "details": {"text": text}}


def _both(chinese: str, english: str, is_english: bool) -> str:
    return f"{english} / {chinese}" if is_english else f"{chinese} / {english}"
