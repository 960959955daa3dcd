"""Search parameters of our own, in FHIR's shape, beside HL7's."""

from gateway.fhir.systems import ROOT
from gateway.records import Resource

PINYIN = f"{ROOT}/SearchParameter/name-pinyin"
_NAMED = ("Patient", "Person", "Practitioner", "RelatedPerson")

ADDITIONS: tuple[Resource, ...] = (
    {
        "resourceType": "SearchParameter",
        "id": "name-pinyin",
        "url": PINYIN,
        "name": "NamePinyin",
        "status": "active",
        "description": "A Chinese name by its pinyin, whole (linguifang) or initials (lgf)",
        "code": "name-pinyin",
        "base": list(_NAMED),
        "type": "string",
        "expression": " | ".join(f"{type_}.name" for type_ in _NAMED),
    },
    {
        "resourceType": "SearchParameter",
        "id": "task-due",
        "url": f"{ROOT}/SearchParameter/task-due",
        "name": "TaskDue",
        "status": "active",
        "description": "Until when the next step of a task is due",
        "code": "due",
        "base": ["Task"],
        "type": "date",
        "expression": "Task.restriction.period.end",
    },
)
