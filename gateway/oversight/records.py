"""Standardized referral records for regulators, built from allowed elements only.

A record never starts from a copy: what is not listed here cannot leak. No name, number, free
text, display or address below the county; persons and visits under pseudonyms that are the same
in every report of one deployment; days instead of times, all days of a person moved by the same
number (``PROFILE``, docs/access.md).
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from gateway.fhir.systems import ROOT
from gateway.fhir.times import interval
from gateway.reactions import is_referral, literal, name, organization_of
from gateway.records import Json, Reading, Resource

Pseudonym = Callable[[str], str]
"""Keyed hash of ``Type/id`` as an id; nobody reverses it without the key."""

ADDRESS = f"{ROOT}/referral-records"
PROFILE = {"system": f"{ROOT}/CodeSystem/deidentification", "code": "referral-records-1"}
"""The named profile of the rules here; a change of a rule is a new number."""
_PSEUDONYMISED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "PSEUDED",
}
_FARTHEST_DAYS = 30
AREA = ("country", "state", "city", "district")


@dataclass(frozen=True, slots=True)
class Case:
    """One referral with what belongs to it.

    ``person`` names the person across members; without it the Patient record itself counts.
    """

    referral: Resource
    tasks: tuple[Resource, ...]
    encounters: tuple[Resource, ...]
    down_referrals: tuple[Resource, ...]
    organizations: tuple[Resource, ...]
    patient: Resource | None
    person: str | None = None


def gather(referrals: Iterable[Resource], reading: Reading) -> list[Case]:
    """Collect what belongs to each referral; ServiceRequests that are none are left out."""
    return [_case(order, reading) for order in referrals if is_referral(order)]


def referral_records(
    cases: Iterable[Case], pseudonym: Pseudonym, *, period: str | None = None
) -> Resource:
    """Make the Bundle (collection) of de-identified records of referrals written in a period.

    ``period`` is a FHIR date of any precision (2026, 2026-11); None takes all. Raises ValueError
    when it is no date. Organizations stand once, with identifiers and names: they are public.
    """
    span = interval(period) if period else None
    records: dict[str, Resource] = {}
    for case in cases:
        if span and not _is_within(case.referral.get("authoredOn"), span):
            continue
        for resource in _record(case, pseudonym):
            records.setdefault(name(resource), resource)
    entries = [{"fullUrl": f"{ADDRESS}/{key}", "resource": one} for key, one in records.items()]
    meta = {"security": [_PSEUDONYMISED], "tag": [PROFILE]}
    bundle: Resource = {"resourceType": "Bundle", "meta": meta, "type": "collection"}
    return bundle | {"entry": entries} if entries else bundle


def _case(order: Resource, reading: Reading) -> Case:
    target = literal(order.get("subject"))
    named = [order.get("requester"), *order.get("performer", ())]
    ids = dict.fromkeys(organization_of(one, reading, order) for one in named)
    directory = (reading.read("Organization", id_) for id_ in ids if id_)
    downs = [
        one for one in reading.find("ServiceRequest", based_on=name(order)) if is_referral(one)
    ]
    return Case(
        order,
        tuple(reading.find("Task", focus=name(order))),
        tuple(reading.find("Encounter", based_on=name(order))),
        tuple(downs),
        tuple(entry for entry in directory if entry is not None),
        reading.read(*target) if target else None,
        reading.person_of("ServiceRequest", order["id"]),
    )


def _record(case: Case, pseudonym: Pseudonym) -> list[Resource]:
    record = Deidentified(case, pseudonym)
    resources = [*map(_organization, case.organizations)]
    if case.patient is not None:
        resources.append(record.patient(case.patient))
    resources.append(record.order(case.referral))
    resources += map(record.order, case.down_referrals)
    resources += map(record.task, case.tasks)
    resources += map(record.encounter, case.encounters)
    return resources


class Deidentified:
    """The allowed elements of each type, with references renamed to pseudonyms."""

    def __init__(self, case: Case, pseudonym: Pseudonym) -> None:
        """Name the person of the case once for all its resources."""
        self._pseudonym = pseudonym
        known = case.person or (name(case.patient) if case.patient else name(case.referral))
        self._subject = {"reference": f"Patient/{pseudonym(f'person/{known}')}"}
        self._days = _offset(pseudonym(f"days/{known}"))
        self._organizations = {entry["id"] for entry in case.organizations}

    def patient(self, patient: Resource) -> Resource:
        """Sex, year of birth and county."""
        area = [
            {part: address[part] for part in AREA if address.get(part)}
            for address in patient.get("address", ())
        ]
        return _filled(
            resourceType="Patient",
            id=self._subject["reference"].split("/")[1],
            gender=patient.get("gender"),
            birthDate=(patient.get("birthDate") or "")[:4],
            address=[address for address in area if address][:1],
        )

    def order(self, order: Resource) -> Resource:
        """Who sent whom where, when and why, in codes."""
        return _filled(
            resourceType="ServiceRequest",
            id=self._id(order),
            basedOn=[self._renamed(one) for one in order.get("basedOn", ())],
            status=order["status"],
            intent=order["intent"],
            category=_coded_all(order.get("category")),
            priority=order.get("priority"),
            code=_coded(order.get("code")),
            subject=self._subject,
            occurrenceDateTime=self._day(order.get("occurrenceDateTime")),
            authoredOn=self._day(order.get("authoredOn")),
            requester=self._organization(order.get("requester")),
            performer=[
                named for one in order.get("performer", ()) if (named := self._organization(one))
            ],
            performerType=_coded(order.get("performerType")),
            reasonCode=_coded_all(order.get("reasonCode")),
        )

    def task(self, task: Resource) -> Resource:
        """The step that the referral has reached, and a refusal's coded reason."""
        return _filled(
            resourceType="Task",
            id=self._id(task),
            status=task["status"],
            statusReason=_coded(task.get("statusReason")),
            businessStatus=_coded(task.get("businessStatus")),
            intent=task["intent"],
            code=_coded(task.get("code")),
            focus=self._renamed(task.get("focus")),
            authoredOn=self._day(task.get("authoredOn")),
            lastModified=self._day(task.get("lastModified")),
            requester=self._organization(task.get("requester")),
            owner=self._organization(task.get("owner")),
        ) | {"for": self._subject}

    def encounter(self, stay: Resource) -> Resource:
        """The stay that came of it: kind, days, how it ended."""
        period = stay.get("period", {})
        disposition = _coded(stay.get("hospitalization", {}).get("dischargeDisposition"))
        return _filled(
            resourceType="Encounter",
            id=self._id(stay),
            status=stay["status"],
            **{"class": _coding(stay["class"])},
            subject=self._subject,
            basedOn=[self._renamed(one) for one in stay.get("basedOn", ())],
            period=_filled(start=self._day(period.get("start")), end=self._day(period.get("end"))),
            hospitalization=_filled(dischargeDisposition=disposition),
            serviceProvider=self._organization(stay.get("serviceProvider")),
        )

    def _id(self, resource: Resource) -> str:
        return self._pseudonym(name(resource))

    def _day(self, moment: str | None) -> str | None:
        """Move a date with all others of the person; of one without a day only the year stays."""
        if not moment:
            return None
        if len(moment) < len("2026-01-01"):
            return moment[:4]
        return (date.fromisoformat(moment[:10]) + self._days).isoformat()

    def _renamed(self, reference: Json) -> Resource | None:
        target = literal(reference)
        if target is None:
            return None
        return {"reference": f"{target[0]}/{self._pseudonym('/'.join(target))}"}

    def _organization(self, reference: Json) -> Resource | None:
        """Keep a reference to an organisation of the record; a named person is left out."""
        target = literal(reference)
        if target and target[0] == "Organization" and target[1] in self._organizations:
            return {"reference": "/".join(target)}
        identifier = (reference or {}).get("identifier")
        is_organization = (reference or {}).get("type") == "Organization"
        return (
            {"type": "Organization", "identifier": identifier}
            if (is_organization and identifier)
            else None
        )


def _organization(entry: Resource) -> Resource:
    return _filled(
        resourceType="Organization",
        id=entry["id"],
        identifier=entry.get("identifier"),
        type=_coded_all(entry.get("type")),
        name=entry.get("name"),
    )


def _filled(**elements: Json) -> Resource:
    """Leave out what is empty."""
    return {key: value for key, value in elements.items() if value not in (None, "", [], {})}


def _coding(coding: Resource) -> Resource:
    """System and code; a display may be what somebody typed."""
    return _filled(system=coding.get("system"), code=coding.get("code"))


def _coded(concept: Json) -> Resource | None:
    kept = [_coding(one) for one in (concept or {}).get("coding", ()) if one.get("code")]
    return {"coding": kept} if kept else None


def _coded_all(concepts: Json) -> list[Resource]:
    return [kept for one in concepts or () if (kept := _coded(one))]


def _offset(pseudonym: str) -> timedelta:
    """Give the days by which one person's dates are moved: never none, at most thirty."""
    number = int.from_bytes(hashlib.sha256(pseudonym.encode()).digest()[:8], "big")
    days = number % (2 * _FARTHEST_DAYS) - _FARTHEST_DAYS
    return timedelta(days=days if days < 0 else days + 1)


def _is_within(authored: str | None, span: tuple[int, int]) -> bool:
    return authored is not None and span[0] <= interval(authored)[0] <= span[1]
