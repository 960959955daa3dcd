"""Codes translated through ConceptMaps, forth and back.

https://hl7.org/fhir/R4/conceptmap-operation-translate.html
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from gateway.fhir.terminology.code_list import dicts
from gateway.records import Resource

_NO_MATCH = frozenset({"unmatched", "disjoint"})
_INVERSE = {
    "wider": "narrower",
    "narrower": "wider",
    "subsumes": "specializes",
    "specializes": "subsumes",
}
_DEEPEST = 8

Maps = Callable[[str], Resource | None]


@dataclass(frozen=True, slots=True)
class Match:
    """One answer: how it stands to what was asked (None: the map does not say), and from where.

    ``products`` are further codes that belong to the translation.
    """

    equivalence: str | None
    system: str | None
    code: str
    display: str | None
    version: str | None
    map: str | None
    products: tuple[Resource, ...] = ()

    @property
    def is_positive(self) -> bool:
        """Whether something was found, and not that there is nothing."""
        return self.equivalence not in _NO_MATCH


@dataclass(frozen=True, slots=True)
class Question:
    """What is translated: the code, its system, and what narrows the answer.

    ``dependencies`` are the values that a map may ask for, by property.
    """

    system: str
    code: str
    target_system: str | None = None
    is_reverse: bool = False
    dependencies: Mapping[str, str] | None = None


def translate(concept_map: Resource, question: Question, maps: Maps, depth: int = 0) -> list[Match]:
    """Give the translations of one map; ``maps`` finds those that it leads on to."""
    found: list[Match] = []
    for group in dicts(concept_map.get("group")):
        source, target = group.get("source"), group.get("target")
        if question.is_reverse:
            source, target = target, source
        if source is not None and source != question.system:
            continue
        if question.target_system is not None and target != question.target_system:
            continue
        listed = list(_listed(group, question))
        if not listed and not question.is_reverse:
            found.extend(_unmapped(concept_map, group, question, maps, depth))
        for equivalence, told, products in listed:
            if not isinstance(told.get("code"), str):
                continue
            version = group.get("sourceVersion" if question.is_reverse else "targetVersion")
            found.append(
                Match(
                    equivalence,
                    target,
                    told["code"],
                    told.get("display"),
                    version,
                    concept_map.get("url"),
                    products,
                )
            )
    return found


def _listed(
    group: Resource, question: Question
) -> Iterator[tuple[str | None, Resource, tuple[Resource, ...]]]:
    """Yield (equivalence, the concept on the other side, products)."""
    for element in dicts(group.get("element")):
        if not question.is_reverse and element.get("code") != question.code:
            continue
        for target in dicts(element.get("target")):
            if not _is_met(target, question.dependencies or {}):
                continue
            equivalence = target.get("equivalence")
            if not question.is_reverse:
                yield equivalence, target, tuple(dicts(target.get("product")))
            elif target.get("code") == question.code:
                yield _INVERSE.get(str(equivalence), equivalence), element, ()


def _is_met(target: Resource, dependencies: Mapping[str, str]) -> bool:
    return all(
        dependencies.get(str(one.get("property"))) == one.get("value")
        for one in dicts(target.get("dependsOn"))
    )


def _unmapped(
    concept_map: Resource, group: Resource, question: Question, maps: Maps, depth: int
) -> list[Match]:
    rule = group.get("unmapped") or {}
    url, target = concept_map.get("url"), group.get("target")
    match rule.get("mode"):
        case "provided":
            return [Match("equal", target, question.code, None, group.get("targetVersion"), url)]
        case "fixed" if isinstance(rule.get("code"), str):
            shown = rule.get("display")
            return [Match(None, target, rule["code"], shown, group.get("targetVersion"), url)]
        case "other-map" if depth < _DEEPEST:
            other = maps(str(rule.get("url")))
            return translate(other, question, maps, depth + 1) if other else []
    return []


def applies(concept_map: Resource, source: str | None, target: str | None) -> bool:
    """Say whether a map goes from one value set to the other; None asks nothing of its side."""
    sides: Iterable[tuple[str, str | None]] = (("source", source), ("target", target))
    for side, wanted in sides:
        stated = concept_map.get(f"{side}Uri") or concept_map.get(f"{side}Canonical")
        if wanted is not None and str(stated).partition("|")[0] != wanted.partition("|")[0]:
            return False
    return True
