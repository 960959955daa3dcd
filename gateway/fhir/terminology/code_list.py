"""A code system as a list of concepts with their hierarchy, and the filters over it.

https://hl7.org/fhir/R4/codesystem.html
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gateway.records import Resource

# A pattern that can take exponential time is not run; every text here may come from a client.
_REPEATED_GROUP = re.compile(r"\)\s*[+*{]")
_QUANTIFIER = re.compile(r"[+*{]")
_LONGEST_PATTERN = 200
_MOST_QUANTIFIERS = 6


@dataclass(frozen=True)
class CodeList:
    """A loaded code system: its codes (folded where case does not count), displays, parents.

    ``concepts`` keeps the order of the definition, the parent before its children.
    """

    definition: Resource
    codes: frozenset[str]
    displays: dict[str, frozenset[str]]
    concepts: dict[str, Resource]
    parents: dict[str, frozenset[str]]
    ignores_case: bool

    @property
    def is_complete(self) -> bool:
        """Whether a code that is not listed is wrong (and not only unknown here)."""
        return self.definition.get("content") == "complete"

    def has(self, code: str) -> bool:
        """Say whether the code is one of the system."""
        return code in self.codes or (self.ignores_case and code.casefold() in self.codes)

    def written(self, code: str) -> str | None:
        """Give the code as the system writes it; None when it has none such."""
        if code in self.concepts:
            return code
        return self._by_folded.get(code.casefold()) if self.ignores_case else None

    def is_below(self, code: str, ancestor: str) -> bool:
        """Say whether a code lies under another in the hierarchy."""
        waiting, seen = [code], {code}
        while waiting:
            for parent in self.parents.get(waiting.pop(), frozenset()) - seen:
                if parent == ancestor:
                    return True
                seen.add(parent)
                waiting.append(parent)
        return False

    def below(self, ancestor: str) -> set[str]:
        """Give all codes under one."""
        found: set[str] = set()
        waiting = [ancestor]
        while waiting:
            for child in self.children.get(waiting.pop(), ()):
                if child not in found:
                    found.add(child)
                    waiting.append(child)
        return found

    @cached_property
    def children(self) -> dict[str, list[str]]:
        """The codes right under each code, in the order of the definition."""
        listed: dict[str, list[str]] = {}
        for code in self.concepts:
            for parent in self.parents.get(code, ()):
                listed.setdefault(parent, []).append(code)
        return listed

    @cached_property
    def _by_folded(self) -> dict[str, str]:
        return {code.casefold(): code for code in self.concepts}

    def filtered(self, one: Resource) -> set[str] | None:
        """Apply one filter of a compose; None for one that cannot be computed."""
        wanted, name = str(one.get("value")), one.get("property")
        match one.get("op"):
            case "is-a":
                return self.below(wanted) | {wanted}
            case "descendent-of":
                return self.below(wanted)
            case "is-not-a":
                return set(self.concepts) - self.below(wanted) - {wanted}
            case "generalizes":
                return {code for code in self.concepts if self.is_below(wanted, code)} | {wanted}
            case "regex" if not is_safe(wanted):
                return None
            case "=" | "in" | "not-in" | "exists" | "regex" as operator:
                return {
                    code
                    for code, concept in self.concepts.items()
                    if _meets(operator, wanted, self._values(code, concept, name))
                }
            case _:
                return None

    def _values(self, code: str, concept: Resource, name: Any) -> set[str]:
        if name in ("code", "concept"):
            return {code}
        if name == "display":
            return {str(concept.get("display"))}
        if name == "parent":
            return set(self.parents.get(code, ()))
        if name == "child":
            return set(self.children.get(code, ()))
        return {
            str(value).lower() if isinstance(value, bool) else str(value)
            for one in dicts(concept.get("property"))
            if one.get("code") == name
            for key, value in one.items()
            if key.startswith("value")
        }


def code_list(definition: Resource) -> CodeList:
    """Read a CodeSystem; hierarchy by nesting and by the properties parent, child, subsumedBy."""
    concepts: dict[str, Resource] = {}
    parents: dict[str, set[str]] = {}
    for concept, parent in _walk(definition):
        code = concept["code"]
        concepts[code] = concept
        above = parents.setdefault(code, set())
        if parent is not None:
            above.add(parent)
        for one in dicts(concept.get("property")):
            other = one.get("valueCode")
            if not isinstance(other, str):
                continue
            if one.get("code") in ("parent", "subsumedBy"):
                above.add(other)
            elif one.get("code") == "child":
                parents.setdefault(other, set()).add(code)
    ignores_case = definition.get("caseSensitive") is False
    codes: Iterable[str] = concepts
    if ignores_case:
        codes = [*concepts, *(code.casefold() for code in concepts)]
    return CodeList(
        definition=definition,
        codes=frozenset(codes),
        displays={code: _displays(concept) for code, concept in concepts.items()},
        concepts=concepts,
        parents={code: frozenset(above) for code, above in parents.items()},
        ignores_case=ignores_case,
    )


def dicts(value: Any) -> list[Resource]:
    """Give the objects of a list; nothing for anything else."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def is_safe(pattern: str) -> bool:
    """Say whether a regular expression may be run: valid, short, no group repeated."""
    if len(pattern) > _LONGEST_PATTERN or _REPEATED_GROUP.search(pattern):
        return False
    if len(_QUANTIFIER.findall(pattern)) > _MOST_QUANTIFIERS:
        return False
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def _walk(definition: Resource) -> Iterator[tuple[Resource, str | None]]:
    """Yield (concept, code of the concept around it) in the order of the definition."""
    waiting: list[tuple[Resource, str | None]] = [
        (one, None) for one in reversed(dicts(definition.get("concept")))
    ]
    while waiting:
        concept, parent = waiting.pop()
        code = concept.get("code")
        if isinstance(code, str):
            yield concept, parent
            waiting.extend((one, code) for one in reversed(dicts(concept.get("concept"))))


def _displays(concept: Resource) -> frozenset[str]:
    texts = [concept.get("display")]
    texts += [one.get("value") for one in dicts(concept.get("designation"))]
    return frozenset(text for text in texts if isinstance(text, str))


def _meets(operator: str, wanted: str, values: set[str]) -> bool:
    if operator == "exists":
        return bool(values) == (wanted == "true")
    if operator == "regex":
        return any(re.fullmatch(wanted, value) for value in values)
    listed = {part.strip() for part in wanted.split(",")}
    if operator == "not-in":
        return not values & listed
    return bool(values & (listed if operator == "in" else {wanted}))
