"""Value sets expanded from what is loaded; a code system that is not loaded answers None."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property, partial
from threading import RLock
from typing import Any

from gateway.fhir.fhirpath.ucum import is_valid as is_ucum
from gateway.records import Resource
from gateway.validation.artefacts import Artefacts
from gateway.validation.countries import COUNTRY_CODES, CURRENCY_CODES

LANGUAGE = re.compile(
    r"(?:[A-Za-z]{2,3}(?:-[A-Za-z]{3}){0,3}|[A-Za-z]{4,8})(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|\d{3}))?"
    r"(?:-(?:[A-Za-z0-9]{5,8}|\d[A-Za-z0-9]{3}))*(?:-[0-9A-WY-Za-wy-z](?:-[A-Za-z0-9]{2,8})+)*"
    r"(?:-x(?:-[A-Za-z0-9]{1,8})+)?|x(?:-[A-Za-z0-9]{1,8})+"
)
_MIME = re.compile(
    r"[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+*-]{1,127}(?:\s*;\s*[\w!#$&^.+-]+=(?:[^\s;\"]+|\"[^\"]*\"))*"
)


def _has_form(form: re.Pattern[str], code: str) -> bool | None:
    return form.fullmatch(code) is not None


Grammar = Callable[[str], bool | None]
GRAMMARS: dict[str, Grammar] = {
    "http://unitsofmeasure.org": is_ucum,
    "urn:ietf:bcp:47": partial(_has_form, LANGUAGE),
    "urn:ietf:bcp:13": partial(_has_form, _MIME),
    "urn:iso:std:iso:3166": COUNTRY_CODES.__contains__,
    "urn:iso:std:iso:4217": CURRENCY_CODES.__contains__,
}


@dataclass(frozen=True, slots=True)
class CodeList:
    """A loaded code system: its codes (folded where case does not count), displays, parents."""

    codes: frozenset[str]
    displays: dict[str, frozenset[str]]
    concepts: dict[str, Resource]
    parents: dict[str, frozenset[str]]
    ignores_case: bool

    def has(self, code: str) -> bool:
        """Say whether the code is one of the system."""
        return code in self.codes or (self.ignores_case and code.casefold() in self.codes)

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


@dataclass
class Expansion:
    """The content of a value set.

    ``known`` lists codes by system; ``open`` the systems of which more may be in it than is known;
    ``grammars`` the systems all of whose codes are in it and whose codes have a grammar;
    ``missing`` the url of the first thing that was not loaded.
    """

    known: dict[str, set[str]] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    grammars: set[str] = field(default_factory=set)
    missing: str | None = None

    @cached_property
    def codes(self) -> frozenset[str]:
        """All codes that are known to be in it, whatever their system."""
        return frozenset(code for codes in self.known.values() for code in codes)

    def add(self, other: "Expansion") -> None:
        """Unite with another."""
        for system, codes in other.known.items():
            self.known.setdefault(system, set()).update(codes)
        self.open |= other.open
        self.grammars |= other.grammars
        self.missing = self.missing or other.missing

    def keep(self, other: "Expansion") -> None:
        """Intersect with another."""
        kept: dict[str, set[str]] = {}
        for system in self.known.keys() | other.known.keys():
            ours, theirs = self.known.get(system, set()), other.known.get(system, set())
            both = ours & theirs
            both |= {code for code in ours if system in other.grammars}
            both |= {code for code in theirs if system in self.grammars}
            if both:
                kept[system] = both
        self.known = kept
        self.open = (self.open & (other.open | other.known.keys() | other.grammars)) | (
            other.open & (self.open | self.known.keys() | self.grammars)
        )
        self.grammars &= other.grammars
        self.missing = self.missing or other.missing

    def drop(self, other: "Expansion") -> None:
        """Take another's codes out."""
        for system, codes in other.known.items():
            self.known.get(system, set()).difference_update(codes)
        self.open |= other.open & self.known.keys()

    def contains(self, system: str, code: str) -> bool | None:
        """Say whether a code is in it; None when what is loaded does not tell."""
        codes = self.known.get(system)
        if codes is not None and code in codes:
            return True
        if system in self.grammars:
            return GRAMMARS[system](code)
        return None if system in self.open or "*" in self.open else False

    def has_code(self, code: str) -> bool | None:
        """Say the same of a code whose system the element implies."""
        if any(code in codes for codes in self.known.values()):
            return True
        verdicts = [GRAMMARS[system](code) for system in self.grammars]
        if True in verdicts:
            return True
        return None if self.open or None in verdicts else False


class Terminology:
    """Expands value sets of one set of artefacts, once each."""

    def __init__(self, artefacts: Artefacts) -> None:
        self._artefacts = artefacts
        self._expansions: dict[str, Expansion | None] = {}
        self._lists: dict[str, CodeList | None] = {}
        self._expanding: set[str] = set()
        self._lock = RLock()

    def expansion(self, url: str) -> Expansion | None:
        """Give the content of a value set; None when the value set itself is not loaded."""
        if url not in self._expansions:
            with self._lock:
                if url not in self._expanding and url not in self._expansions:
                    self._expanding.add(url)
                    value_set = self._artefacts.value_set(url)
                    found = None if value_set is None else self._expand(value_set)
                    self._expansions[url] = found
                    self._expanding.discard(url)
        # A value set that includes itself has nothing more to say while it is expanded.
        return self._expansions.get(url)

    def codes(self, system: str) -> CodeList | None:
        """Give a code system whose content is complete; None otherwise."""
        if system not in self._lists:
            definition = self._artefacts.code_system(system)
            is_complete = definition is not None and definition.get("content") == "complete"
            self._lists[system] = _code_list(definition) if definition and is_complete else None
        return self._lists[system]

    def is_value_set(self, url: str) -> bool:
        """Say whether a url names a value set (and so cannot be a code system)."""
        return self._artefacts.value_set(url) is not None and (
            self._artefacts.code_system(url) is None
        )

    def title(self, url: str) -> str:
        """Name a value set as people do."""
        value_set = self._artefacts.value_set(url)
        return f"{value_set.get('title') or value_set.get('name')} ({url})" if value_set else url

    def _expand(self, value_set: Resource) -> Expansion:
        compose = value_set.get("compose")
        if not isinstance(compose, dict):
            return _stated(value_set)
        total = Expansion()
        for include in _dicts(compose.get("include")):
            total.add(self._part(include))
        for exclude in _dicts(compose.get("exclude")):
            total.drop(self._part(exclude))
        return total

    def _part(self, part: Resource) -> Expansion:
        found: Expansion | None = None
        system = part.get("system")
        if isinstance(system, str):
            found = self._of_system(system, part)
        for url in part.get("valueSet", ()):
            other = self.expansion(url)
            if other is None:
                other = Expansion(open={"*"}, missing=url)
            if found is None:
                found = Expansion()
                found.add(other)
            else:
                found.keep(other)
        return found or Expansion()

    def _of_system(self, system: str, part: Resource) -> Expansion:
        listed = _dicts(part.get("concept"))
        if listed:
            codes = {concept["code"] for concept in listed if isinstance(concept.get("code"), str)}
            return Expansion(known={system: codes})
        filters = _dicts(part.get("filter"))
        content = self.codes(system)
        if content is None:
            if system in GRAMMARS and not filters:
                return Expansion(grammars={system})
            return Expansion(open={system}, missing=system)
        codes = set(content.codes)
        for one in filters:
            kept = _filtered(content, one)
            if kept is None:
                return Expansion(open={system}, missing=f"{system} ({one.get('property')})")
            codes &= kept
        return Expansion(known={system: codes})


def _dicts(value: Any) -> list[Resource]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _stated(value_set: Resource) -> Expansion:
    """Read an expansion that the value set brings itself."""
    found = Expansion()
    waiting = _dicts((value_set.get("expansion") or {}).get("contains"))
    if not waiting:
        return Expansion(open={"*"}, missing=value_set.get("url"))
    while waiting:
        one = waiting.pop()
        waiting.extend(_dicts(one.get("contains")))
        if isinstance(one.get("code"), str) and not one.get("abstract"):
            found.known.setdefault(one.get("system", ""), set()).add(one["code"])
    return found


def _code_list(definition: Resource) -> CodeList:
    concepts: dict[str, Resource] = {}
    parents: dict[str, set[str]] = {}
    waiting: list[tuple[Resource, str | None]] = [
        (one, None) for one in _dicts(definition.get("concept"))
    ]
    while waiting:
        concept, parent = waiting.pop()
        code = concept.get("code")
        if not isinstance(code, str):
            continue
        concepts[code] = concept
        above = parents.setdefault(code, set())
        if parent is not None:
            above.add(parent)
        for one in _dicts(concept.get("property")):
            if one.get("code") in ("parent", "subsumedBy") and isinstance(
                one.get("valueCode"), str
            ):
                above.add(one["valueCode"])
        waiting.extend((inner, code) for inner in _dicts(concept.get("concept")))
    ignores_case = definition.get("caseSensitive") is False
    codes: Iterable[str] = concepts
    if ignores_case:
        codes = [*concepts, *(code.casefold() for code in concepts)]
    return CodeList(
        codes=frozenset(codes),
        displays={code: _displays(concept) for code, concept in concepts.items()},
        concepts=concepts,
        parents={code: frozenset(above) for code, above in parents.items()},
        ignores_case=ignores_case,
    )


def _displays(concept: Resource) -> frozenset[str]:
    texts = [concept.get("display")]
    texts += [one.get("value") for one in _dicts(concept.get("designation"))]
    return frozenset(text for text in texts if isinstance(text, str))


def _filtered(content: CodeList, one: Resource) -> set[str] | None:
    """Apply one filter of a compose; None for an operator that is not known."""
    wanted, name = str(one.get("value")), one.get("property")
    match one.get("op"):
        case "is-a":
            return {code for code in content.concepts if content.is_below(code, wanted)} | {wanted}
        case "descendent-of":
            return {code for code in content.concepts if content.is_below(code, wanted)}
        case "is-not-a":
            below = {code for code in content.concepts if content.is_below(code, wanted)}
            return set(content.concepts) - below - {wanted}
        case "=" | "in" | "not-in" | "exists" | "regex":
            return {
                code
                for code, concept in content.concepts.items()
                if _meets(str(one.get("op")), wanted, _property(code, concept, name))
            }
        case _:
            return None


def _property(code: str, concept: Resource, name: Any) -> set[str]:
    if name in ("code", "concept"):
        return {code}
    if name == "display":
        return {str(concept.get("display"))}
    return {
        str(value).lower() if isinstance(value, bool) else str(value)
        for one in _dicts(concept.get("property"))
        if one.get("code") == name
        for key, value in one.items()
        if key.startswith("value")
    }


def _meets(operator: str, wanted: str, values: set[str]) -> bool:
    if operator == "exists":
        return bool(values) == (wanted == "true")
    if operator == "regex":
        try:
            return any(re.fullmatch(wanted, value) for value in values)
        except re.error:
            return False
    listed = {part.strip() for part in wanted.split(",")}
    if operator == "not-in":
        return not values & listed
    return bool(values & (listed if operator == "in" else {wanted}))
