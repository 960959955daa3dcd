"""The definitions that every tenant shares: HL7's R4 and what the deployment adds to it.

They are no rows of the store: they come with the gateway, are the same for all, and nobody can
change them through the API. What a member stores under the same url counts before them there.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from gateway.fhir.definitions import Definitions
from gateway.fhir.matching import can_match, matches
from gateway.fhir.search_index import compile_indexer
from gateway.fhir.search_model import Condition, Criterion, TextValue
from gateway.fhir.times import interval
from gateway.records import IndexRow, Resource

TYPES = (
    "CodeSystem",
    "CompartmentDefinition",
    "ConceptMap",
    "OperationDefinition",
    "SearchParameter",
    "StructureDefinition",
    "ValueSet",
)
PUBLISHED_UTC = datetime(2019, 10, 31, 22, 29, 23, tzinfo=UTC)
"""When HL7 published R4 4.0.1."""
SUBSETTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
}


class Conformance:
    """The shared definitions by type, id and canonical."""

    def __init__(self, definitions: Definitions, packages: Iterable[Resource] = ()) -> None:
        self._definitions = definitions
        self._indexer = compile_indexer(definitions)
        self._rows: dict[tuple[str, str], tuple[IndexRow, ...]] = {}
        self._own: dict[str, list[Resource]] = {}
        for resource in packages:
            if resource.get("resourceType") in TYPES and isinstance(resource.get("url"), str):
                self._own.setdefault(resource["resourceType"], []).append(resource)

    def read(self, type_: str, id_: str) -> Resource | None:
        """Give a definition by its id, the deployment's own before HL7's."""
        return self._by_id.get((type_, id_))

    def find(self, type_: str, canonical: str) -> Resource | None:
        """Give a definition by url or ``url|version``."""
        url, _, version = canonical.partition("|")
        listed = [one for one in self.all(type_) if one["url"] == url]
        return next((one for one in listed if not version or one.get("version") == version), None)

    def all(self, type_: str) -> list[Resource]:
        """Give all definitions of a type, the deployment's own first."""
        return self._all.get(type_, [])

    def search(self, type_: str, conditions: Sequence[Condition]) -> list[Resource]:
        """Give the definitions that fulfil all conditions; none where one of these is of a kind
        that definitions are not searched by (chains, dates, numbers).
        """
        asked = [one for one in conditions if isinstance(one, Criterion)]
        if len(asked) < len(conditions) or not all(map(can_match, asked)):
            return []
        # The address comes first: index rows are made of what it leaves only.
        asked.sort(key=lambda one: one.code not in ("_id", "url"))
        return [
            one
            for one in self.all(type_)
            if all(self._fulfils(one, condition) for condition in asked)
        ]

    def _fulfils(self, resource: Resource, condition: Criterion) -> bool:
        if condition.code == "url" and condition.modifier is None and condition.is_missing is None:
            texts = {value.text for value in condition.values if isinstance(value, TextValue)}
            return resource["url"] in texts
        if condition.code == "_id":
            return matches(condition, resource, ())
        key = (resource["resourceType"], resource["url"])
        if key not in self._rows:
            self._rows[key] = self._indexer.rows(resource)
        return matches(condition, resource, self._rows[key])

    def updated_utc(self, resource: Resource) -> datetime:
        """Say since when a definition is as it is: its own date, else the release's."""
        date = resource.get("date")
        if not isinstance(date, str):
            return PUBLISHED_UTC
        return datetime.fromtimestamp(interval(date)[0] / 1_000_000, UTC)

    @cached_property
    def _by_id(self) -> dict[tuple[str, str], Resource]:
        found: dict[tuple[str, str], Resource] = {}
        for type_, listed in self._all.items():
            for one in listed:
                found.setdefault((type_, str(one.get("id"))), one)
        return found

    @cached_property
    def _all(self) -> dict[str, list[Resource]]:
        sections: dict[str, Any] = {
            "CodeSystem": self._definitions.code_systems,
            "ConceptMap": self._definitions.concept_maps,
            "OperationDefinition": self._definitions.operations,
            "StructureDefinition": self._definitions.structures,
            "ValueSet": self._definitions.value_sets,
        }
        found: dict[str, list[Resource]] = {}
        for type_ in TYPES:
            own = self._own.get(type_, [])
            urls = {one["url"] for one in own}
            listed = sections[type_]() if type_ in sections else ()
            found[type_] = own + [_part(one) for one in listed if one["url"] not in urls]
        return found


def _part(resource: Resource) -> Resource:
    """Mark HL7's definitions as the part of them that the gateway carries."""
    first = {key: resource[key] for key in ("resourceType", "id") if key in resource}
    return first | {"meta": {"tag": [SUBSETTED]}} | resource
