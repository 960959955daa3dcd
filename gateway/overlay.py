"""The store as a write will leave it: drafts laid over the current versions.

Reactions read through this, so that they see the record's own resources beside what is stored,
and what an earlier reaction of the same write has added.
"""

from collections.abc import Iterable
from typing import Protocol

from gateway.fhir.ids import person_id
from gateway.fhir.search_index import Indexer
from gateway.fhir.systems import ID_CARD
from gateway.join import Draft
from gateway.records import IndexRow, Reading, Resource

SUBJECTS = ("subject", "patient", "for", "beneficiary", "individual")


class StoredReading(Reading, Protocol):
    """What the store answers reactions with."""

    def version_of(self, type_: str, id_: str) -> int:
        """Give the current version number, 0 when nothing was ever stored."""


class Overlay:
    """A ``Reading`` over drafts and store; also tells person, owner and version of both."""

    def __init__(self, stored: StoredReading, indexer: Indexer, secret: bytes) -> None:
        """Lay nothing over the store yet."""
        self.stored, self.indexer, self.secret = stored, indexer, secret
        self.drafts: dict[str, Draft] = {}
        self._rows: dict[int, tuple[Resource, tuple[IndexRow, ...]]] = {}
        self._persons: dict[str, str | None] = {}
        self._found: dict[tuple[str, tuple[tuple[str, str], ...]], list[Resource]] = {}

    def lay(self, drafts: Iterable[Draft]) -> None:
        """Lay drafts over the store; later ones of the same resource win."""
        self.drafts |= {draft.reference: draft for draft in drafts}
        self._persons.clear()

    def rows(self, resource: Resource) -> tuple[IndexRow, ...]:
        """Give the index rows of a resource, which are made once."""
        known = self._rows.get(id(resource))
        if known is None:
            # The resource is kept beside its rows: while it lives, nothing else has its number.
            known = self._rows[id(resource)] = (resource, self.indexer.rows(resource))
        return known[1]

    def read(self, type_: str, id_: str) -> Resource | None:
        """Give the resource as the write will leave it."""
        draft = self.drafts.get(f"{type_}/{id_}")
        return draft.resource if draft else self.stored.read(type_, id_)

    def find(self, type_: str, **parameters: str) -> list[Resource]:
        """Search by exact parameter values, drafts included."""
        found = [
            resource
            for resource in self._stored(type_, parameters)
            if f"{type_}/{resource['id']}" not in self.drafts
        ]
        for draft in self.drafts.values():
            if draft.type == type_ and draft.resource is not None:
                rows = self.rows(draft.resource)
                if all(_matches(rows, type_, name, text) for name, text in parameters.items()):
                    found.append(draft.resource)
        return found

    def _stored(self, type_: str, parameters: dict[str, str]) -> list[Resource]:
        """Ask the store once; what this write invents, nothing stored refers to."""
        for text in parameters.values():
            draft = self.drafts.get(text)
            if draft is not None and draft.is_invented:
                return []
        key = (type_, tuple(sorted(parameters.items())))
        if key not in self._found:
            self._found[key] = self.stored.find(type_, **parameters)
        return self._found[key]

    def person_of(self, type_: str, id_: str) -> str | None:
        """Give the person that a resource is about."""
        draft = self.drafts.get(f"{type_}/{id_}")
        if draft is None or draft.resource is None:
            return self.stored.person_of(type_, id_)
        return self.person(draft.resource)

    def person_of_draft(self, draft: Draft) -> str | None:
        """Give the person that a draft is about, found once for all reactions."""
        assert draft.resource is not None  # noqa: S101 - a deletion is about nobody.
        if draft.reference not in self._persons:
            self._persons[draft.reference] = self.person(draft.resource)
        return self._persons[draft.reference]

    def member_of(self, organization: str) -> str | None:
        """Give the member whose directory entry an Organization is."""
        return self.stored.member_of(organization)

    def owner_of(self, type_: str, id_: str) -> str | None:
        """Give the member whose record it is."""
        draft = self.drafts.get(f"{type_}/{id_}")
        return draft.owner if draft else self.stored.owner_of(type_, id_)

    def version_of(self, type_: str, id_: str) -> int:
        """Give the stored version number, 0 when there is none."""
        return self.stored.version_of(type_, id_)

    def person(self, resource: Resource) -> str | None:
        """Name the person by a keyed hash: by ID card, else by the Patient resource itself."""
        if resource["resourceType"] == "Patient":
            for identifier in resource.get("identifier", ()):
                if identifier.get("system") == ID_CARD and identifier.get("value"):
                    return person_id(self.secret, ID_CARD, identifier["value"].upper())
            return person_id(self.secret, "Patient", resource["id"])
        if resource["resourceType"] == "Bundle":
            return self._person_of_document(resource)
        for name in SUBJECTS:
            target = resource.get(name)
            reference = target.get("reference", "") if isinstance(target, dict) else ""
            if reference.startswith("Patient/"):
                return self._person_of_patient(reference.split("/")[1])
        return self._person_of_target(resource)

    def _person_of_patient(self, id_: str) -> str | None:
        key = f"Patient/{id_}"
        if key not in self._persons:
            self._persons[key] = self.person_of("Patient", id_)
        return self._persons[key]

    def _person_of_document(self, bundle: Resource) -> str | None:
        entries = bundle.get("entry") or [{}]
        first = entries[0].get("resource")
        return self.person(first) if bundle.get("type") == "document" and first else None

    def _person_of_target(self, resource: Resource) -> str | None:
        """A Provenance is about the person of its first target that has one."""
        targets = resource.get("target", ())
        # Elsewhere the word means other things: the types of a SearchParameter, a Goal's measure.
        for target in targets if isinstance(targets, list) else ():
            reference = target.get("reference", "") if isinstance(target, dict) else ""
            type_, _, id_ = reference.partition("/")
            if type_ and id_ and (person := self.person_of(type_, id_.split("/")[0])):
                return person
        return None


def _matches(rows: Iterable[IndexRow], type_: str, name: str, text: str) -> bool:
    """Compare exactly, as ``Reading.find`` promises: code, system|code, Type/id or a uri."""
    parameter = f"{type_}.{name.strip('_').replace('_', '-')}"
    return any(row.parameter == parameter and text in _forms(row) for row in rows)


def _forms(row: IndexRow) -> tuple[str, ...]:
    match row.kind:
        case "token":
            system, code = row.values[0], row.values[1]
            return (str(code), f"{system or ''}|{code}")
        case "reference":
            target, id_, literal = row.values[:3]
            return (f"{target}/{id_}", str(literal))
        case "string":
            return tuple(str(value) for value in row.values)
        case "uri":
            return (str(row.values[0]),)
    return ()
