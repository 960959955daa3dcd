"""What the county really was: the facts that every shape has to arrive at."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from gateway.cli.sandbox.stays import Stay

Fact = dict[str, Any]


def facts(stays: Iterable[Stay]) -> Iterator[Fact]:
    """Give the facts of each stay; a hospital with views sends no reports."""
    told: set[tuple[str, str]] = set()
    for stay in stays:
        person, member = stay.person, stay.hospital.id
        if (member, person.id_card) not in told:
            told.add((member, person.id_card))
            yield _patient(stay)
        yield {
            "kind": "stay",
            "member": member,
            "number": stay.number,
            "id_card": person.id_card,
            "status": "finished" if stay.discharged else "in-progress",
            "class": "IMP",
            "start": _instant(stay.admitted),
            "end": _instant(stay.discharged) if stay.discharged else None,
            "diagnoses": [stay.diagnosis[0]],
        }
        if stay.report is not None and stay.hospital.carrier != "view":
            yield {
                "kind": "report",
                "member": member,
                "number": stay.report.number,
                "id_card": person.id_card,
                "issued": _instant(stay.report.issued),
                "items": sorted([one.value, one.unit] for one in stay.report.items),
            }


def _patient(stay: Stay) -> Fact:
    person = stay.person
    return {
        "kind": "patient",
        "member": stay.hospital.id,
        "id_card": person.id_card,
        "name": person.name,
        "gender": person.gender,
        "birth_date": person.born.isoformat(),
    }


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
