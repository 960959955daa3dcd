"""A row of the audit trail as a FHIR AuditEvent. https://hl7.org/fhir/R4/auditevent.html"""

from base64 import b64encode
from datetime import datetime

from gateway.fhir.systems import ROOT
from gateway.fhir.times import format_instant
from gateway.records import Audited, Json, Principal, Resource

PREFIX = "audit."
"""Begins the ids of these; ids of stored resources are made otherwise."""
CLIENT, MEMBER, PERSON = (f"{ROOT}/sid/{name}" for name in ("client", "member", "person"))
_TYPES = "http://terminology.hl7.org/CodeSystem/audit-event-type"
_INTERACTIONS = "http://hl7.org/fhir/restful-interaction"
_REASONS = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_OBJECT = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
_DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_PERSON_TYPE = {"system": _OBJECT, "code": "1", "display": "Person"}
_ACTIONS = {
    "create": "C",
    "intake": "C",
    "read": "R",
    "vread": "R",
    "view": "R",
    "history-instance": "R",
    "history-type": "R",
    "history-system": "R",
    "update": "U",
    "patch": "U",
    "delete": "D",
}


def audit_event(access: Audited, patient: str | None = None) -> Resource:
    """Make the resource; ``patient`` is the reference by which the asker named the one person.

    A person is told by keyed hash, and by references where they were touched themselves.
    """
    event: Resource = {
        "resourceType": "AuditEvent",
        "id": f"{PREFIX}{access.key}",
        "type": _type(access),
        "subtype": [_subtype(access)],
        "action": _ACTIONS.get(access.word, "E"),
        "recorded": format_instant(access.at_utc) if access.at_utc else None,
        "outcome": _outcome(access.status),
        "outcomeDesc": f"{access.status} {access.error or ''}".strip(),
    }
    if access.purpose:
        purpose: Resource = {"coding": [{"system": _REASONS, "code": access.purpose}]}
        event["purposeOfEvent"] = [purpose | ({"text": access.reason} if access.reason else {})]
    event["agent"] = _agents(access)
    event["source"] = {
        "site": "gateway",
        "observer": {"display": "FHIR gateway"},
        "type": [
            {
                "system": "http://terminology.hl7.org/CodeSystem/security-source-type",
                "code": "4",
            }
        ],
    }
    event["entity"] = _entities(access, patient)
    return event


def emergency_event(
    id_: str, asker: Principal, person: str, reason: str, now_utc: datetime
) -> Resource:
    """Make the event of a hospital that opened a person's records in an emergency."""
    return {
        "resourceType": "AuditEvent",
        "id": id_,
        "type": {"system": _DICOM, "code": "110113", "display": "Security Alert"},
        "subtype": [{"system": _DICOM, "code": "110127", "display": "Emergency Override Started"}],
        "action": "E",
        "recorded": format_instant(now_utc),
        "outcome": "0",
        "purposeOfEvent": [{"coding": [{"system": _REASONS, "code": "BTG"}], "text": reason}],
        "agent": [
            {
                "who": {"identifier": {"system": CLIENT, "value": asker.client}},
                "name": asker.client,
                "requestor": True,
            },
            {
                "who": {
                    "type": "Organization",
                    "identifier": {"system": MEMBER, "value": asker.member},
                },
                "requestor": False,
            },
        ],
        "source": {"site": "gateway", "observer": {"display": "FHIR gateway"}},
        "entity": [{"what": _person(person), "type": _PERSON_TYPE}],
    }


def _person(person: str) -> Resource:
    return {"type": "Patient", "identifier": {"system": PERSON, "value": person}}


def _type(access: Audited) -> Resource:
    if access.word == "login":
        return {"system": _DICOM, "code": "110114", "display": "User Authentication"}
    if access.word == "intake":
        return {"system": _DICOM, "code": "110107", "display": "Import"}
    if access.word == "command":
        return {"system": _DICOM, "code": "110100", "display": "Application Activity"}
    return {"system": _TYPES, "code": "rest", "display": "RESTful Operation"}


def _subtype(access: Audited) -> Resource:
    if access.word in {"login", "intake", "view", "command", "unknown"}:
        return {"system": f"{ROOT}/CodeSystem/access", "code": access.word}
    code = "operation" if access.word.startswith("$") else access.word
    subtype = {"system": _INTERACTIONS, "code": code}
    return subtype | ({"display": access.word} if code != access.word else {})


def _outcome(status: int) -> str:
    if status < 400:
        return "0"
    return "4" if status < 500 else "8"


def _agents(access: Audited) -> list[Resource]:
    client: Resource = {}
    if access.client:
        client["who"] = {"identifier": {"system": CLIENT, "value": access.client}}
        client["name"] = access.client
    client["requestor"] = access.agent is None
    if access.peer:
        client["network"] = {"address": access.peer, "type": "2"}
    agents = [client]
    if access.agent:
        agents.append({"altId": access.agent, "name": access.agent, "requestor": True})
    if access.member:
        identifier = {"system": MEMBER, "value": access.member}
        agents.append(
            {"who": {"type": "Organization", "identifier": identifier}, "requestor": False}
        )
    return agents


def _entities(access: Audited, patient: str | None) -> list[Resource]:
    found: list[Resource] = []
    references = dict(access.seen.resources)
    if patient is not None:
        references.setdefault(patient, None)
    for reference in references:
        type_, _, _ = reference.partition("/")
        entity: Resource = {"what": {"reference": reference}}
        if type_ == "Patient":
            entity |= {"type": _PERSON_TYPE, "role": {"system": _ROLE, "code": "1"}}
        found.append(entity)
    role = {"system": _ROLE, "code": "1"}
    found += (
        {"what": _person(one), "type": _PERSON_TYPE, "role": role} for one in access.seen.persons
    )
    asked: dict[str, Json] = {
        "type": {"system": _OBJECT, "code": "2", "display": "System Object"},
        "role": {"system": _ROLE, "code": "24", "display": "Query"},
        "query": b64encode(_asked(access).encode()).decode(),
    }
    return [*found, asked]


def _asked(access: Audited) -> str:
    line = f"{access.method} {access.path}" + (f"?{access.query}" if access.query else "")
    return "\n".join((line, *access.seen.steps))
