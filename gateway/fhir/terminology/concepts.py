"""What is told about one concept: its texts in a language, its properties, its relations.

https://hl7.org/fhir/R4/codesystem-operation-lookup.html
"""

from collections.abc import Iterable, Iterator
from typing import Literal

from gateway.fhir.terminology.code_list import CodeList, dicts
from gateway.records import Resource

Relation = Literal["equivalent", "subsumes", "subsumed-by", "not-subsumed"]


def display_of(concepts: Iterable[Resource], language: str | None = None) -> str | None:
    """Give the text of a concept in a language, else its own; the first that shows one counts."""
    concepts = tuple(concepts)
    if language:
        for one in designations_of(concepts):
            if speaks(one.get("language"), language):
                return str(one["value"])
    for concept in concepts:
        if isinstance(concept.get("display"), str):
            return str(concept["display"])
    return None


def speaks(language: object, wanted: str) -> bool:
    """Say whether a text's language serves who asks for another: zh-CN serves zh and zh-TW not."""
    if not isinstance(language, str):
        return False
    ours, theirs = language.casefold(), wanted.casefold()
    return ours == theirs or ours.startswith(f"{theirs}-") or theirs.startswith(f"{ours}-")


def designations_of(concepts: Iterable[Resource]) -> list[Resource]:
    """Give the designations of all, each language, use and text once."""
    found: list[Resource] = []
    for concept in concepts:
        for one in dicts(concept.get("designation")):
            if isinstance(one.get("value"), str) and one not in found:
                found.append(one)
    return found


def texts_of(concepts: Iterable[Resource]) -> Iterator[str]:
    """Yield every text that names a concept."""
    for concept in concepts:
        if isinstance(concept.get("display"), str):
            yield concept["display"]
        for one in dicts(concept.get("designation")):
            if isinstance(one.get("value"), str):
                yield one["value"]


def is_text_of(text: str, concepts: Iterable[Resource]) -> bool:
    """Say whether a display names the concept; case and runs of spaces do not count."""
    wanted = " ".join(text.split()).casefold()
    return any(" ".join(one.split()).casefold() == wanted for one in texts_of(concepts))


def properties_of(content: CodeList, code: str) -> Iterator[tuple[str, str, object, str | None]]:
    """Yield (property, value element, value, description), the hierarchy and definition first."""
    concept = content.concepts[code]
    if isinstance(concept.get("definition"), str):
        yield "definition", "valueString", concept["definition"], None
    for name, others in (
        ("parent", sorted(content.parents.get(code, ()))),
        ("child", content.children.get(code, [])),
    ):
        for other in others:
            yield name, "valueCode", other, display_of([content.concepts.get(other, {})])
    for one in dicts(concept.get("property")):
        stated = one.get("code")
        if isinstance(stated, str) and stated not in ("parent", "child", "subsumedBy"):
            for element, value in one.items():
                if element.startswith("value"):
                    yield stated, element, value, None


def relation(content: CodeList, first: str, second: str) -> Relation:
    """Say how two codes of one system stand to each other.

    A hierarchy that means something else than is-a (parts, groups) subsumes nothing.
    https://hl7.org/fhir/R4/codesystem-operation-subsumes.html
    """
    if first == second:
        return "equivalent"
    if content.definition.get("hierarchyMeaning", "is-a") != "is-a":
        return "not-subsumed"
    if content.is_below(second, first):
        return "subsumes"
    return "subsumed-by" if content.is_below(first, second) else "not-subsumed"
