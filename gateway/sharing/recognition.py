"""Whether a report may stand in for a new examination (检查检验结果互认, T-01 to T-04).

The mark is given per item and scope by the issuing hospital; a hospital recognises what it can
see, it is never forced, and an order is never blocked.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.fhir.systems import extension
from gateway.fhir.times import interval, microseconds
from gateway.records import Resource

MUTUAL_RECOGNITION = extension("mutual-recognition")
QC_CERTIFICATE = extension("qc-certificate")
FINAL = frozenset({"final", "amended", "corrected", "appended"})


@dataclass(frozen=True, slots=True)
class Recognition:
    """The finding about one report: its scopes, and what stands against it (empty: nothing)."""

    is_recognisable: bool
    scopes: tuple[str, ...]
    objections: tuple[str, ...]


def recognisable(
    report: Resource,
    now_utc: datetime,
    *,
    issuers: Iterable[Resource] = (),
    observations: Iterable[Resource] = (),
) -> Recognition:
    """Say whether a report carries what mutual recognition asks for, and name what is missing.

    ``issuers`` are the Organizations that issued it (one needs a quality-control certificate in
    force); ``observations`` its results, each of which may carry the mark by itself. Objections:
    not-final, not-marked, no-time, expired, no-certificate.
    """
    marks = [
        mark
        for resource in (report, *observations)
        for mark in _extensions(resource, MUTUAL_RECOGNITION)
    ]
    objections = []
    if report.get("status") not in FINAL:
        objections.append("not-final")
    scopes = tuple(dict.fromkeys(scope for mark in marks if (scope := _scope(mark))))
    if not scopes:
        objections.append("not-marked")
    objections += _age_objections(report, marks, now_utc)
    if not any(_is_certified(issuer, now_utc) for issuer in issuers):
        objections.append("no-certificate")
    return Recognition(not objections, scopes, tuple(objections))


def _age_objections(report: Resource, marks: list[Resource], now_utc: datetime) -> list[str]:
    """A report lives as many days as its mark says; without days it does not expire."""
    days = [part["valueInteger"] for mark in marks for part in _parts(mark, "valid-days")]
    taken = report.get("effectiveDateTime") or report.get("effectivePeriod", {}).get("end")
    if not days:
        return []
    if not taken:
        return ["no-time"]
    oldest = microseconds(now_utc - timedelta(days=min(days)))
    return ["expired"] if interval(taken)[1] < oldest else []


def _is_certified(issuer: Resource, now_utc: datetime) -> bool:
    now = microseconds(now_utc)
    for certificate in _extensions(issuer, QC_CERTIFICATE):
        period = certificate.get("valuePeriod", {})
        start, end = period.get("start"), period.get("end")
        if (not start or interval(start)[0] <= now) and (not end or now <= interval(end)[1]):
            return True
    return False


def _scope(mark: Resource) -> str | None:
    for part in _parts(mark, "scope"):
        scope: str | None = part.get("valueCode")
        return scope
    return None


def _parts(mark: Resource, url: str) -> list[Resource]:
    return [part for part in mark.get("extension", ()) if part.get("url") == url]


def _extensions(resource: Resource, url: str) -> list[Resource]:
    return [one for one in resource.get("extension", ()) if one.get("url") == url]
