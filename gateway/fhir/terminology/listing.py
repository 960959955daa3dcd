"""An expansion written down: the codes of a value set as ``ValueSet.expansion.contains``.

https://hl7.org/fhir/R4/valueset-operation-expand.html
"""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.fhir.search_values import fold
from gateway.fhir.terminology.concepts import designations_of, display_of, speaks, texts_of
from gateway.fhir.terminology.expansion import Expansion
from gateway.fhir.terminology.service import Terminology, is_abstract, is_inactive
from gateway.records import Resource


@dataclass(frozen=True, slots=True)
class Wish:
    """What an expansion is to show.

    Every word of ``text`` has to stand in the code or in one of the texts of a concept, in any
    language. ``designations``: None for none, empty for all, else languages or ``system|code`` of
    uses.
    """

    text: str = ""
    language: str | None = None
    is_active_only: bool = False
    designations: tuple[str, ...] | None = None
    has_definition: bool = False
    without_systems: frozenset[str] = frozenset()
    without_abstract: bool = False


def entries(terminology: Terminology, expansion: Expansion, wish: Wish) -> list[Resource]:
    """List what is known to be in the value set, flat, in the order of its definition."""
    words = fold(wish.text).split()
    found = []
    for system, code, shown in _codes(expansion):
        if system in wish.without_systems:
            continue
        content = terminology.content(system)
        concept = content.concepts.get(code, {}) if content else {}
        has_retired = is_inactive(concept) or shown.get("inactive") is True
        if (wish.is_active_only and has_retired) or (
            wish.without_abstract and is_abstract(concept)
        ):
            continue
        if words and not _matches(words, code, (shown, concept)):
            continue
        entry: Resource = {"system": system} if system else {}
        if is_abstract(concept):
            entry["abstract"] = True
        if has_retired:
            entry["inactive"] = True
        found.append(_with_texts(entry | {"code": code}, shown, concept, wish))
    return found


def _codes(expansion: Expansion) -> Iterator[tuple[str, str, Resource]]:
    for system, codes in expansion.known.items():
        for code, shown in codes.items():
            yield system, code, shown


def _with_texts(entry: Resource, shown: Resource, concept: Resource, wish: Wish) -> Resource:
    both = (shown,) if shown is concept else (shown, concept)
    display = display_of(both, wish.language)
    if display is not None:
        entry["display"] = display
    told = [
        {key: one[key] for key in ("language", "use", "value") if key in one}
        for one in designations_of(both)
        if wish.designations is not None and _is_wanted(one, wish.designations)
    ]
    if told:
        entry["designation"] = told
    if wish.has_definition and isinstance(concept.get("definition"), str):
        # R4 has no element for it; R5 reads it from the property's extension.
        entry["extension"] = [{"url": DEFINITION, "valueString": concept["definition"]}]
    return entry


DEFINITION = "http://hl7.org/fhir/StructureDefinition/valueset-concept-definition"


def _is_wanted(designation: Resource, wanted: tuple[str, ...]) -> bool:
    if not wanted:
        return True
    use = designation.get("use") or {}
    return any(
        one == f"{use.get('system', '')}|{use.get('code')}"
        or speaks(designation.get("language"), one.removeprefix("urn:ietf:bcp:47|"))
        for one in wanted
    )


def _matches(words: list[str], code: str, concepts: tuple[Resource, Resource]) -> bool:
    texts = [fold(code), *(fold(text) for text in texts_of(concepts))]
    return any(all(word in text for word in words) for text in texts)
