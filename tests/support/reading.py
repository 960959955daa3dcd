"""A small store in memory for tests of reactions, and the rounds in which reactions are run."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from gateway.fhir.ids import business_id, person_id
from gateway.fhir.merge import same_content
from gateway.fhir.systems import ID_CARD
from gateway.records import (
    Event,
    Issue,
    Json,
    MapContext,
    Notice,
    Reactor,
    Relation,
    Resource,
)

SECRET = b"a secret of the tests"
NOW = datetime(2026, 11, 10, 8, 0, tzinfo=UTC)

# Search parameters that reactions use: element paths below the resource, lists walked through.
PARAMETERS = {
    "identifier": "identifier",
    "type": "type",
    "subject": "subject",
    "patient": "patient",
    "based-on": "basedOn",
    "focus": "focus",
    "encounter": "encounter",
    "context": "context",
    "request": "request",
    "code": "code",
}
SUBJECTS = ("subject", "patient", "for", "beneficiary")


class MemoryReading:
    """A ``Reading`` over a dictionary: current versions and their owners."""

    def __init__(self, members: dict[str, str]) -> None:
        """Take the member of each Organization id."""
        self.members = members
        self.resources: dict[str, Resource] = {}
        self.owners: dict[str, str] = {}

    def put(self, owner: str, resource: Resource) -> None:
        """Store a resource; the first writer stays its owner."""
        name = f"{resource['resourceType']}/{resource['id']}"
        self.resources[name] = resource
        self.owners.setdefault(name, owner)

    def read(self, type_: str, id_: str) -> Resource | None:
        """Give the current version or None."""
        return self.resources.get(f"{type_}/{id_}")

    def find(self, type_: str, **parameters: str) -> list[Resource]:
        """Search by exact values: Type/id, code, or system|code."""
        return [
            resource
            for name, resource in self.resources.items()
            if name.startswith(f"{type_}/")
            and all(
                wanted in _forms(resource, parameter.strip("_").replace("_", "-"))
                for parameter, wanted in parameters.items()
            )
        ]

    def person_of(self, type_: str, id_: str) -> str | None:
        """Give the keyed hash of the person."""
        resource = self.read(type_, id_)
        return self.person(resource) if resource else None

    def person(self, resource: Resource) -> str | None:
        """Name the person by ID card, else by the Patient itself."""
        if resource["resourceType"] == "Patient":
            for identifier in resource.get("identifier", ()):
                if identifier.get("system") == ID_CARD:
                    return person_id(SECRET, ID_CARD, identifier["value"])
            return person_id(SECRET, "Patient", resource["id"])
        for element in SUBJECTS:
            reference = (resource.get(element) or {}).get("reference", "")
            if reference.startswith("Patient/"):
                return self.person_of(*reference.split("/"))
        return None

    def member_of(self, organization: str) -> str | None:
        """Give the member whose directory entry it is."""
        return self.members.get(organization)

    def owner_of(self, type_: str, id_: str) -> str | None:
        """Give the member whose record it is."""
        return self.owners.get(f"{type_}/{id_}")


def _forms(resource: Resource, parameter: str) -> Iterator[str]:
    if parameter.endswith(":identifier"):
        reference = resource.get(parameter.removesuffix(":identifier")) or {}
        yield from _said(reference.get("identifier") or {})
        return
    if resource["resourceType"] == "Claim" and parameter == "encounter":
        values = [one for item in resource.get("item", ()) for one in item.get("encounter", ())]
    else:
        element = resource.get(PARAMETERS[parameter], [])
        values = element if isinstance(element, list) else [element]
    for value in values:
        yield from _said(value)


def _said(value: Json) -> Iterator[str]:
    if "reference" in value:
        yield value["reference"]
    if "value" in value:
        yield from (value["value"], f"{value.get('system', '')}|{value['value']}")
    for coding in value.get("coding", ()):
        yield from (coding["code"], f"{coding.get('system', '')}|{coding['code']}")


class Play:
    """Writes resources as the pipeline does: reactions in rounds until nothing new comes."""

    def __init__(self, reading: MemoryReading, *reactors: Reactor, now: datetime = NOW) -> None:
        """Start with what the reading holds."""
        self.reading, self.reactors, self.now = reading, reactors, now
        self.notices: dict[str, Notice] = {}
        self.relations: list[Relation] = []
        self.ended: set[str] = set()
        self.issues: list[Issue] = []

    def write(self, actor: str, *resources: Resource) -> list[Resource]:
        """Write resources for a member, with all that follows; all of it or nothing.

        Gives what the reactions wrote.
        """
        before = (dict(self.reading.resources), dict(self.reading.owners))
        try:
            return self._write(actor, resources)
        except Exception:
            self.reading.resources, self.reading.owners = before
            raise

    def _write(self, actor: str, resources: Sequence[Resource]) -> list[Resource]:
        context = MapContext(actor, None, self.now, lambda key: business_id(SECRET, actor, key), {})
        stored = dict(self.reading.resources)
        waiting = [_name(one) for one in resources if self._differs(one)]
        for one in resources:
            self.reading.put(actor, one)
        added: dict[str, Resource] = {}
        for _ in range(6):
            if not waiting:
                return list(added.values())
            changed: dict[str, None] = {}
            for reactor in self.reactors:
                reaction = reactor(self._events(waiting, stored), self.reading, context)
                for owner, resource in reaction.resources:
                    if self._differs(resource):
                        self.reading.put(owner, resource)
                        added[_name(resource)] = resource
                        changed[_name(resource)] = None
                self.notices |= {one.idempotency_key: one for one in reaction.notices}
                self.relations += reaction.relations
                self.ended |= set(reaction.ended_relations)
                self.issues += reaction.issues
            waiting = list(changed)
        raise AssertionError("the reactions never come to rest")

    def _events(self, waiting: Sequence[str], stored: dict[str, Resource]) -> list[Event]:
        return [
            Event(
                self.reading.resources[name],
                stored.get(name),
                self.reading.owners[name],
                self.reading.person(self.reading.resources[name]),
                self.now,
            )
            for name in waiting
        ]

    def _differs(self, resource: Resource) -> bool:
        there = self.reading.resources.get(_name(resource))
        return there is None or not same_content(there, resource)

    def told(self, topic: str) -> set[str]:
        """Give the members that were sent a notice of a topic."""
        return {one.recipient for one in self.notices.values() if one.topic == topic}


def _name(resource: Resource) -> str:
    return f"{resource['resourceType']}/{resource['id']}"
