"""Persons in every relation that a member can have to them, and every way of asking for them.

Who may see what stands in ``SEEN``, written down by hand: it shares nothing with the policy.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from stdnum.cn import ric

from gateway.access.consent import CATEGORIES
from gateway.fhir.systems import (
    ID_CARD,
    REFERRAL_DIRECTION,
    REFERRAL_TASK,
    REFERRAL_TYPE,
    SERVICE_CATEGORY,
)
from gateway.sharing.treating import TEAMS
from tests.support.consortium import Browser, Consortium

VIEWERS = ("qs-township", "qs-county", "lj-city", "qs-insurer", "qs-bureau", "operator")
_ALWAYS = {"qs-county", "operator"}
_CITY = _ALWAYS | {"lj-city"}
_EVERY_HOSPITAL = _CITY | {"qs-township"}

# The relation → who sees the county's observation of the person. Nobody else does.
SEEN: dict[str, set[str]] = {
    "unrelated": _ALWAYS,
    "received": _CITY,
    "accepted": _CITY,
    "rejected": _ALWAYS,
    "treating": _CITY,
    "planned": _ALWAYS,
    "discharged": _ALWAYS,
    "family doctor": _ALWAYS | {"qs-township"},
    "team that ended": _ALWAYS,
    "consent": _CITY,
    "consent to all": _EVERY_HOSPITAL | {"qs-insurer", "qs-bureau"},
    "consent expired": _ALWAYS,
    "consent to come": _ALWAYS,
    "consent withdrawn": _ALWAYS,
    "consent deleted": _ALWAYS,
    "stay of another": _ALWAYS,
    "consent of another kind": _ALWAYS,
    "consent by a stranger": _ALWAYS,
    "denied": _ALWAYS,
    "denied to others": _CITY,
    "denial expired": _CITY,
    "denied but urgent": _CITY,
    "sensitive": _ALWAYS,
    "sensitive by consent": _CITY,
    "sensitive but urgent": _CITY,
    "labelled later": _ALWAYS,
    "claimed": _ALWAYS,
}


@dataclass(frozen=True)
class Case:
    """One person at the county: the ids of Patient and Observation, and the code of the latter."""

    patient: str
    observation: str
    code: str
    number: str


def _concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def _organization(member: str) -> dict[str, str]:
    return {"reference": f"Organization/org-{member}"}


def _day(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


class World:
    """Plays what makes each relation, through the API alone."""

    _numbers = count(1)

    def __init__(self, consortium: Consortium) -> None:
        self.consortium = consortium
        self.browsers = {one: consortium.client(one) for one in VIEWERS}
        self._clients = {one: consortium.app.test_client() for one in VIEWERS}

    def ask(self, viewer: str, method: str, path: str, body: Any = None, **named: str) -> Any:
        """Ask as a member's client, on one connection each."""
        headers = {name.replace("_", "-"): value for name, value in named.items()}
        headers["Authorization"] = f"Bearer {self.browsers[viewer].token}"
        if body is not None:
            headers.setdefault("Content-Type", "application/fhir+json")
        return self._clients[viewer].open(f"/fhir{path}", method=method, json=body, headers=headers)

    def made(self, member: str, resource: dict[str, Any]) -> dict[str, Any]:
        """Write as a member; give what stands."""
        browser: Browser = self.browsers[member]
        answer = browser.post(f"/{resource['resourceType']}", resource)
        assert answer.status_code == 201, answer.get_data(as_text=True)
        found: dict[str, Any] = answer.get_json()
        return found

    def changed(self, member: str, resource: dict[str, Any], **elements: Any) -> None:
        """Change elements of a resource as a member."""
        path = f"/{resource['resourceType']}/{resource['id']}"
        answer = self.browsers[member].put(path, resource | elements)
        assert answer.status_code == 200, answer.get_data(as_text=True)

    def play(self, relation: str) -> Case:
        """Make a person and the relation."""
        serial = next(self._numbers)
        body = f"4299011961{serial % 12 + 1:02d}{serial % 28 + 1:02d}{serial:03d}"
        number = body + ric.calc_check_digit(body)
        person = {"resourceType": "Patient", "identifier": [{"system": ID_CARD, "value": number}]}
        patient = self.made("qs-county", person)["id"]
        observed: dict[str, Any] = {
            "resourceType": "Observation",
            "status": "final",
            "code": _concept("http://loinc.org", f"X-{serial}"),
            "subject": {"reference": f"Patient/{patient}"},
        }
        if relation.startswith("sensitive"):
            observed["meta"] = {"security": [_label()]}
        observation = self.made("qs-county", observed)
        case = Case(patient, observation["id"], f"X-{serial}", number)
        step: Callable[..., None] | None = getattr(self, "_" + relation.replace(" ", "_"), None)
        if step is not None:
            step(case)
        if relation == "labelled later":
            self._treating(case)
            self.changed("qs-county", observation, meta={"security": [_label()]})
        return case

    # ------------------------------------------------------------ referrals

    def _received(self, case: Case) -> dict[str, Any]:
        order = self.made(
            "qs-county",
            {
                "resourceType": "ServiceRequest",
                "status": "active",
                "intent": "order",
                "category": [
                    _concept(SERVICE_CATEGORY, "referral"),
                    _concept(REFERRAL_DIRECTION, "up"),
                ],
                "code": _concept(REFERRAL_TYPE, "inpatient"),
                "subject": {"reference": f"Patient/{case.patient}"},
                "authoredOn": "2026-11-20T10:00:00+08:00",
                "requester": _organization("qs-county"),
                "performer": [_organization("lj-city")],
            },
        )
        return self.made(
            "qs-county",
            {
                "resourceType": "Task",
                "status": "requested",
                "intent": "order",
                "code": _concept(REFERRAL_TASK, "fulfil-referral"),
                "focus": {"reference": f"ServiceRequest/{order['id']}"},
                "for": {"reference": f"Patient/{case.patient}"},
                "requester": _organization("qs-county"),
                "owner": _organization("lj-city"),
            },
        )

    def _accepted(self, case: Case) -> None:
        self.changed("lj-city", self._received(case), status="accepted")

    def _rejected(self, case: Case) -> None:
        reason = {"text": "无床位"}
        self.changed("lj-city", self._received(case), status="rejected", statusReason=reason)

    # ------------------------------------------------------------ treating

    def _stay(self, case: Case, **elements: Any) -> dict[str, Any]:
        own = {
            "resourceType": "Patient",
            "identifier": [{"system": ID_CARD, "value": case.number}],
        }
        stay: dict[str, Any] = {
            "resourceType": "Encounter",
            "status": "in-progress",
            "class": {
                "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
                "code": "IMP",
            },
            "subject": {"reference": f"Patient/{self.made('lj-city', own)['id']}"},
            "period": {"start": _day(-1)},
        }
        return self.made("lj-city", stay | elements)

    def _treating(self, case: Case) -> None:
        self._stay(case)

    def _planned(self, case: Case) -> None:
        self._stay(case, period={"start": _day(2)})

    def _discharged(self, case: Case) -> None:
        self.changed("lj-city", self._stay(case), status="finished")

    def _team(self, case: Case, end: str) -> None:
        own = {
            "resourceType": "Patient",
            "identifier": [{"system": ID_CARD, "value": case.number}],
        }
        self.made(
            "qs-township",
            {
                "resourceType": "CareTeam",
                "status": "active",
                "category": [_concept(TEAMS, "family-doctor")],
                "subject": {"reference": f"Patient/{self.made('qs-township', own)['id']}"},
                "period": {"start": "2025-01-01", "end": end},
                "managingOrganization": [_organization("qs-township")],
            },
        )

    def _family_doctor(self, case: Case) -> None:
        self._team(case, _day(200))

    def _team_that_ended(self, case: Case) -> None:
        self._team(case, _day(-2))

    # ------------------------------------------------------------ consent

    def _consents(
        self, case: Case, provision: dict[str, Any], member: str = "qs-county"
    ) -> dict[str, Any]:
        scope = "http://terminology.hl7.org/CodeSystem/consentscope"
        policy = "http://terminology.hl7.org/CodeSystem/consentpolicycodes"
        patient = case.patient
        if member != "qs-county":
            person = {"system": ID_CARD, "value": case.number}
            own = self.made(member, {"resourceType": "Patient", "identifier": [person]})
            patient = own["id"]
        return self.made(
            member,
            {
                "resourceType": "Consent",
                "status": "active",
                "scope": _concept(scope, "patient-privacy"),
                "category": [_concept("http://loinc.org", "59284-0")],
                "patient": {"reference": f"Patient/{patient}"},
                "dateTime": "2026-11-01",
                "policyRule": _concept(policy, "hipaa-auth"),
                "provision": provision,
            },
        )

    def _consent(self, case: Case) -> None:
        self._consents(case, _permit("lj-city"))

    def _consent_to_all(self, case: Case) -> None:
        self._consents(case, {"type": "permit"})

    def _consent_expired(self, case: Case) -> None:
        self._consents(case, _permit("lj-city", period={"end": _day(-2)}))

    def _consent_to_come(self, case: Case) -> None:
        self._consents(case, _permit("lj-city", period={"start": _day(2)}))

    def _consent_withdrawn(self, case: Case) -> None:
        given = self._consents(case, _permit("lj-city"))
        self.changed("qs-county", given, status="inactive")

    def _consent_deleted(self, case: Case) -> None:
        given = self._consents(case, _permit("lj-city"))
        path = f"/Consent/{given['id']}"
        assert self.browsers["qs-county"].ask("DELETE", path).status_code in {200, 204}

    def _stay_of_another(self, case: Case) -> None:
        other = self.made("lj-city", {"resourceType": "Patient", "name": [{"text": "严守真"}]})
        subject = {"reference": f"Patient/{other['id']}"}
        self.changed("lj-city", self._stay(case), subject=subject)

    def _consent_of_another_kind(self, case: Case) -> None:
        kinds = [{"system": CATEGORIES, "code": "finance"}]
        self._consents(case, _permit("lj-city") | {"class": kinds})

    def _consent_by_a_stranger(self, case: Case) -> None:
        self._consents(case, _permit("lj-city"), "lj-city")

    def _denied(self, case: Case) -> None:
        self._treating(case)
        self._consents(case, {"type": "deny"})

    def _denied_to_others(self, case: Case) -> None:
        self._treating(case)
        self._family_doctor(case)
        self._consents(case, {"type": "deny", "provision": [_permit("lj-city")]})

    def _denial_expired(self, case: Case) -> None:
        self._treating(case)
        self._consents(case, {"type": "deny", "period": {"end": _day(-2)}})

    def _sensitive(self, case: Case) -> None:
        self._treating(case)
        self._family_doctor(case)
        self._consents(case, {"type": "permit"})

    def _sensitive_by_consent(self, case: Case) -> None:
        kinds = [{"system": CATEGORIES, "code": one} for one in ("sensitive", "identity")]
        self._consents(case, _permit("lj-city") | {"class": kinds})

    # ------------------------------------------------------------ urgent, claimed

    def _urgent(self, case: Case) -> None:
        given = [
            {
                "name": "identifier",
                "valueIdentifier": {"system": ID_CARD, "value": case.number},
            },
            {"name": "reason", "valueString": "昏迷，无家属"},
        ]
        body = {"resourceType": "Parameters", "parameter": given}
        answer = self.browsers["lj-city"].post("/Patient/$break-glass", body)
        assert answer.status_code == 200, answer.get_data(as_text=True)

    def _denied_but_urgent(self, case: Case) -> None:
        self._denied(case)
        self._urgent(case)

    def _sensitive_but_urgent(self, case: Case) -> None:
        self._urgent(case)

    def _claimed(self, case: Case) -> None:
        kind = "http://terminology.hl7.org/CodeSystem/claim-type"
        coverage = {"focal": True, "sequence": 1, "coverage": {"display": "城乡居民"}}
        claim = {
            "resourceType": "Claim",
            "status": "active",
            "type": _concept(kind, "institutional"),
            "use": "claim",
            "patient": {"reference": f"Patient/{case.patient}"},
            "created": "2026-11-20",
            "insurer": _organization("qs-insurer"),
            "provider": _organization("qs-county"),
            "priority": {"coding": [{"code": "normal"}]},
            "insurance": [coverage],
        }
        self.made("qs-county", claim)


def _label() -> dict[str, str]:
    return {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HIV"}


def _permit(member: str, **elements: Any) -> dict[str, Any]:
    role = _concept("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "PRCP")
    actor = {"role": role, "reference": _organization(member)}
    return {"type": "permit", "actor": [actor], **elements}
