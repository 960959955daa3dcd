"""What has to be there before a referral leaves: consent, record, the insurer's review.

Strict or warning by region (``policy``). An emergency is transferred first: it is warned, and a
task asks the sender to file what was missing within the time limit (requirements R-05, R-11, R-14).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gateway.errors import GatewayError, issue
from gateway.fhir.systems import TERMINOLOGY, code_system, extension
from gateway.reactions import (
    Turn,
    codes,
    codings,
    direction,
    found_for,
    literal,
    member_named,
    patients_of_person,
)
from gateway.records import Issue, Resource
from gateway.referral.children import approved
from gateway.referral.policy import Mode, Policy

EXCEPTION = extension("referral-exception")
URGENT_REASONS = frozenset({"emergency", "critical"})
_HISTORICAL = "historical"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the record that goes along: sections that hold it, or records already held."""

    zh: str
    en: str
    sections: frozenset[str]
    held: tuple[str, ...]


PARTS = (
    Part(
        "病史",
        "history",
        frozenset({"10164-2", "11348-0", "10154-3", "10157-6", "48765-2", "8670-2"}),
        ("AllergyIntolerance", "FamilyMemberHistory"),
    ),
    Part("病历", "record", frozenset({"29548-5", "11450-4", "51848-0", "46241-6"}), ("Condition",)),
    Part(
        "诊治情况",
        "treatment",
        frozenset({"18776-5", "10160-0", "29549-3", "30954-2", "47519-4", "8648-8", "11493-4"}),
        ("DiagnosticReport", "MedicationRequest", "MedicationStatement", "Procedure"),
    ),
)


def check_gates(turn: Turn, policy: Policy) -> list[Issue]:
    """Find what is missing when a slip is signed; raise GW-6245 where the region is strict.

    Gives the findings of an emergency, which are to be filed; other warnings are only told.
    """
    if turn.context.options.get(_HISTORICAL):
        return []
    order = turn.event.resource
    found = list(missing(order, turn, policy))
    is_urgent = is_emergency(order, turn)
    told = [one for one, _ in found]
    errors = [one for one, mode in found if mode == "strict"]
    if errors and not is_urgent:
        issues = [replace(one, severity="error") if one in errors else one for one in told]
        raise GatewayError("GW-6245", issues=tuple(issues), count=len(errors))
    turn.answer.issues += told
    return told if is_urgent else []


def check_filed(turn: Turn, order: Resource, policy: Policy) -> None:
    """Raise GW-6245 while what an emergency left out is still missing."""
    found = [one for one, _ in missing(order, turn, policy)]
    if found:
        issues = tuple(replace(one, severity="error") for one in found)
        raise GatewayError("GW-6245", issues=issues, count=len(found))


def missing(order: Resource, turn: Turn, policy: Policy) -> Iterator[tuple[Issue, Mode]]:
    """Name everything that is not there, with how strictly the region takes it."""
    where = "ServiceRequest.supportingInfo"
    consents = list(_consents(order, turn))
    if any(one["status"] == "rejected" for one in consents):
        yield issue("GW-6242", "warning", expression=where), "strict"
    elif policy.consent != "off" and not any(_permits(one) for one in consents):
        yield issue("GW-6241", "warning", expression=where), policy.consent
    if policy.completeness != "off" and direction(order) != "down":
        for part in _missing_parts(order, turn):
            found = issue("GW-6243", "warning", expression=where, zh=part.zh, en=part.en)
            yield found, policy.completeness
    review = policy.review.get(direction(order) or "", "off")
    if review != "off" and not approved(order, turn):
        yield issue("GW-6244", "warning", expression="ServiceRequest.status"), review


def is_emergency(order: Resource, turn: Turn) -> bool:
    """Say whether the order, its exception or its visit says that the patient cannot wait."""
    if order.get("priority") == "stat":
        return True
    for one in order.get("extension", ()):
        if one.get("url") == EXCEPTION:
            said = codes(one.get("valueCodeableConcept"), code_system("referral-exception"))
            if said & URGENT_REASONS:
                return True
    target = literal(order.get("encounter"))
    visit = turn.reading.read(*target) if target else None
    return bool(visit and visit.get("class", {}).get("code") == "EMER")


def alternative_missing(task: Resource, policy: Policy) -> tuple[Issue, Mode] | None:
    """Find that a rejection names nobody else who could take the patient."""
    is_named = any(
        code == "alternative" for one in task.get("output", ()) for _, code in codings(one["type"])
    )
    if is_named or policy.alternative == "off":
        return None
    return issue("GW-6246", "warning", expression="Task.output"), policy.alternative


def _consents(order: Resource, turn: Turn) -> Iterator[Resource]:
    """Give the Consents that the order names, of its own person only."""
    person = turn.event.person
    for reference in order.get("supportingInfo", ()):
        target = literal(reference)
        found = turn.reading.read(*target) if target and target[0] == "Consent" else None
        if found is not None and turn.reading.person_of(*_named(found)) == person:
            yield found


def _named(resource: Resource) -> tuple[str, str]:
    return resource["resourceType"], resource["id"]


def _permits(consent: Resource) -> bool:
    """Say whether a consent is in force and permits; who gave it is its performer."""
    provision = consent.get("provision", {})
    return bool(consent["status"] == "active" and provision.get("type") != "deny")


def _missing_parts(order: Resource, turn: Turn) -> Iterator[Part]:
    compositions = [
        found
        for reference in order.get("supportingInfo", ())
        if (target := literal(reference)) and target[0] == "Composition"
        if (found := turn.reading.read(*target)) is not None
    ]
    written = {code for one in compositions for code in _sections(one.get("section", ()))}
    for part in PARTS:
        if not (written & part.sections or _is_held(part.held, order, turn)):
            yield part


def _sections(sections: Sequence[Resource]) -> Iterator[str]:
    for section in sections:
        if section.get("text", {}).get("div") or section.get("entry"):
            yield from (code for _, code in codings(section.get("code")))
        yield from _sections(section.get("section", ()))


def _is_held(types: Sequence[str], order: Resource, turn: Turn) -> bool:
    """Say whether the sender already holds such a record of the person."""
    reading, owner = turn.reading, turn.event.owner
    patients = patients_of_person(order.get("subject"), reading)
    return any(
        reading.owner_of(type_, one["id"]) == owner
        for type_ in types
        for one in found_for(type_, "patient", patients, reading)
    )


def bureau(turn: Turn) -> Resource | None:
    """Give the government's Organization that is a member, None when there is none."""
    for one in turn.reading.find("Organization", type=f"{TERMINOLOGY}/organization-type|govt"):
        reference = {"reference": f"Organization/{one['id']}"}
        if member_named(reference, turn.reading) is not None:
            return reference
    return None
