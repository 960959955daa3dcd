"""What every reaction reads with and answers in: codes, references, persons, members.

The domain packages never import each other; what they all read in the same way stands here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from gateway.fhir.systems import ID_CARD, REFERRAL_DIRECTION, SERVICE_CATEGORY
from gateway.records import (
    Event,
    Exclusion,
    Issue,
    Json,
    MapContext,
    Notice,
    Reaction,
    Reading,
    Relation,
    Resource,
)


@dataclass(slots=True)
class Answer:
    """A reaction in the making; every resource stands in it once, the last form counts."""

    resources: dict[str, tuple[str, Resource]] = field(default_factory=dict)
    relations: list[Relation] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    notices: dict[str, Notice] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)
    exclusions: list[Exclusion] = field(default_factory=list)

    def write(self, owner: str, resource: Resource) -> None:
        """Add a resource that the member ``owner`` shall own when it is new."""
        self.resources[name(resource)] = (owner, resource)

    def notify(self, recipient: str | None, topic: str, focus: str, stream: str, key: str) -> None:
        """Add a notice unless the recipient is no member; ``key`` tells repeated ones apart."""
        if recipient is not None:
            whole = f"{topic}/{key}/{recipient}"
            self.notices[whole] = Notice(recipient, topic, focus, stream, whole)

    def reaction(self) -> Reaction:
        """Give the finished reaction."""
        return Reaction(
            tuple(self.resources.values()),
            tuple(self.relations),
            tuple(self.ended),
            tuple(self.notices.values()),
            tuple(self.issues),
            tuple(self.exclusions),
        )


@dataclass(frozen=True, slots=True)
class Turn:
    """One event being answered: what happened, what is known, and the answer so far."""

    event: Event
    reading: Reading
    context: MapContext
    answer: Answer


def codings(concepts: Json) -> Iterator[tuple[str, str]]:
    """Give (system, code) of a CodeableConcept, or of a list of them, in order."""
    for concept in concepts if isinstance(concepts, list) else [concepts or {}]:
        for coding in concept.get("coding", ()):
            if coding.get("code"):
                yield coding.get("system", ""), coding["code"]


def codes(concepts: Json, system: str) -> set[str]:
    """Give the codes of one system."""
    return {code for said, code in codings(concepts) if said == system}


def is_referral(resource: Resource) -> bool:
    """Say whether a ServiceRequest is a referral."""
    return "referral" in codes(resource.get("category"), SERVICE_CATEGORY)


def direction(referral: Resource) -> str | None:
    """Give up, down, outbound or same-level; None when the referral does not say."""
    return next(iter(sorted(codes(referral.get("category"), REFERRAL_DIRECTION))), None)


def literal(reference: Json) -> tuple[str, str] | None:
    """Give (type, id) of a literal relative reference, a version suffix left out."""
    parts = (reference or {}).get("reference", "").split("/")
    return (parts[0], parts[1]) if len(parts) >= 2 and parts[0][:1].isupper() else None


def refers(reference: Json, target: Resource) -> bool:
    """Say whether a reference names the resource literally."""
    return literal(reference) == (target["resourceType"], target["id"])


def name(resource: Resource) -> str:
    """Give ``Type/id``."""
    return f"{resource['resourceType']}/{resource['id']}"


def organization_of(
    reference: Json, reading: Reading, within: Resource | None = None
) -> str | None:
    """Give the id of the Organization that a reference leads to.

    Follows a PractitionerRole (a contained one too) to its organisation, and a logical reference
    to the one directory entry that carries the identifier; None when there is no such one.
    """
    if not reference:
        return None
    target = reference.get("reference", "")
    if target.startswith("#"):
        for contained in (within or {}).get("contained", ()):
            if contained.get("id") == target[1:]:
                return organization_of(contained.get("organization"), reading)
        return None
    if found := literal(reference):
        if found[0] == "Organization":
            return found[1]
        role = reading.read(*found) if found[0] == "PractitionerRole" else None
        return organization_of(role.get("organization"), reading) if role else None
    identifier = reference.get("identifier") or {}
    if identifier.get("system") and identifier.get("value"):
        token = f"{identifier['system']}|{identifier['value']}"
        entries = reading.find("Organization", identifier=token)
        return entries[0]["id"] if len(entries) == 1 else None
    return None


def member_named(reference: Json, reading: Reading, within: Resource | None = None) -> str | None:
    """Give the member that a reference leads to; None when it is no member."""
    organization = organization_of(reference, reading, within)
    return reading.member_of(organization) if organization else None


def sender_of(task: Resource, order: Resource, reading: Reading) -> str | None:
    """Give the member that sent its own order by its own task; None when anything is not its own.

    Only such a task opens records: whoever could write a task about somebody else's order, or in
    somebody else's name, would otherwise accept a patient that nobody has sent.
    """
    owner = reading.owner_of("ServiceRequest", order["id"])
    is_own = (
        reading.owner_of("Task", task["id"]) == owner
        and member_named(task.get("requester"), reading, task) == owner
    )
    return owner if is_own else None


def patients_of_person(patient: Json, reading: Reading) -> list[str]:
    """Give ``Patient/<id>`` of every member's record of the person whom a reference names.

    A person without an ID card number is known only by the one record.
    """
    found = literal(patient)
    record = reading.read(*found) if found and found[0] == "Patient" else None
    if record is None:
        return [f"Patient/{found[1]}"] if found else []
    numbers = [
        one["value"]
        for one in record.get("identifier", ())
        if one.get("system") == ID_CARD and one.get("value")
    ]
    same = {name(record): None}
    for number in numbers[:1]:
        for other in reading.find("Patient", identifier=f"{ID_CARD}|{number}"):
            same[name(other)] = None
    return list(same)


def found_for(
    type_: str, parameter: str, values: Iterable[str], reading: Reading
) -> list[Resource]:
    """Search one type by several values of one reference parameter, each resource once."""
    found = {
        resource["id"]: resource
        for value in values
        for resource in reading.find(type_, **{parameter: value})
    }
    return [found[id_] for id_ in sorted(found)]
