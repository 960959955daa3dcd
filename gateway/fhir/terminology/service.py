"""Value sets expanded from what is loaded; a code system that is not loaded answers None."""

from collections.abc import Callable
from threading import RLock
from typing import Protocol

from gateway.fhir.terminology.code_list import CodeList, code_list, dicts, is_safe
from gateway.fhir.terminology.expansion import Expansion
from gateway.fhir.terminology.grammars import GRAMMARS, LISTED
from gateway.records import Resource


class Source(Protocol):
    """Gives value sets and code systems by canonical url or ``url|version``."""

    def value_set(self, url: str, /) -> Resource | None:
        """Give a ValueSet, or None."""

    def code_system(self, url: str, /) -> Resource | None:
        """Give a CodeSystem, or None."""


class Terminology:
    """Expands value sets of one source, once each.

    ``below`` answers for what the source does not have; its expansions are taken over unless the
    source has something that they were made of. ``read`` may remember the code systems it has read.
    """

    def __init__(
        self,
        source: Source,
        below: "Terminology | None" = None,
        read: Callable[[Resource], CodeList] = code_list,
    ) -> None:
        self._source = source
        self._below = below
        self._read = read
        self._expansions: dict[str, Expansion | None] = {}
        self._lists: dict[str, CodeList | None] = {}
        self._expanding: set[str] = set()
        self._lock = RLock()

    def value_set(self, url: str) -> Resource | None:
        """Give a ValueSet, or None."""
        found = self._source.value_set(url)
        return self._below.value_set(url) if found is None and self._below else found

    def code_system(self, url: str) -> Resource | None:
        """Give a CodeSystem, or None."""
        found = self._source.code_system(url)
        return self._below.code_system(url) if found is None and self._below else found

    def expansion(self, url: str) -> Expansion | None:
        """Give the content of a value set; None when the value set itself is not loaded."""
        if url not in self._expansions:
            with self._lock:
                if url not in self._expanding and url not in self._expansions:
                    self._expanding.add(url)
                    self._expansions[url] = self._expansion(url)
                    self._expanding.discard(url)
        # A value set that includes itself has nothing more to say while it is expanded.
        return self._expansions.get(url)

    def _expansion(self, url: str) -> Expansion | None:
        if self._below is not None and self._source.value_set(url) is None:
            found = self._below.expansion(url)
            if found is None or not any(self._has(one) for one in found.uses):
                return found
        value_set = self.value_set(url)
        return None if value_set is None else self.expand(value_set)

    def _has(self, url: str) -> bool:
        return self._source.code_system(url) is not None or self._source.value_set(url) is not None

    def content(self, system: str) -> CodeList | None:
        """Give a code system with any concepts, all of them or some; None otherwise."""
        if system not in self._lists:
            self._lists[system] = self._content(system)
        return self._lists[system]

    def _content(self, system: str) -> CodeList | None:
        definition = self._source.code_system(system)
        if definition is None:
            return None if self._below is None else self._below.content(system)
        is_present = definition.get("content") in ("complete", "fragment", "example")
        return self._read(definition) if is_present else None

    def codes(self, system: str) -> CodeList | None:
        """Give a code system whose content is complete; None otherwise."""
        found = self.content(system)
        return found if found is not None and found.is_complete else None

    def is_value_set(self, url: str) -> bool:
        """Say whether a url names a value set (and so cannot be a code system)."""
        return self.value_set(url) is not None and self.code_system(url) is None

    def title(self, url: str) -> str:
        """Name a value set as people do."""
        value_set = self.value_set(url)
        named = (value_set or {}).get("title") or (value_set or {}).get("name")
        return f"{named} ({url})" if isinstance(named, str) else url

    def expand(self, value_set: Resource) -> Expansion:
        """Compute the content of a value set that need not be loaded itself."""
        compose = value_set.get("compose")
        if not isinstance(compose, dict) or not dicts(compose.get("include")):
            return _stated(value_set)
        total = Expansion()
        for include in dicts(compose.get("include")):
            total.add(self._part(include))
        for exclude in dicts(compose.get("exclude")):
            total.drop(self._part(exclude))
        if compose.get("inactive") is False:
            for system, codes in total.known.items():
                content = self.content(system)
                if content is not None:
                    for code in [c for c in codes if is_inactive(content.concepts.get(c, {}))]:
                        del codes[code]
        return total

    def _part(self, part: Resource) -> Expansion:
        found: Expansion | None = None
        system = part.get("system")
        if isinstance(system, str):
            version = part.get("version")
            name = f"{system}|{version}" if isinstance(version, str) else system
            found = self._of_system(system, name, part)
            found.uses.add(system)
        for url in part.get("valueSet", ()):
            other = self.expansion(url) if isinstance(url, str) else None
            if other is None:
                other = Expansion(open={"*"}, missing=str(url))
            if found is None:
                found = Expansion()
                found.add(other)
            else:
                found.keep(other)
            found.uses.add(str(url))
        return found or Expansion()

    def _of_system(self, system: str, name: str, part: Resource) -> Expansion:
        listed = dicts(part.get("concept"))
        if listed:
            return Expansion(
                known={system: {c["code"]: c for c in listed if isinstance(c.get("code"), str)}}
            )
        filters = dicts(part.get("filter"))
        content = self.content(name) or self.content(system)
        if content is None and system in GRAMMARS and not filters:
            return Expansion(grammars={system})
        if content is None and system in LISTED and all(_is_of_codes(one) for one in filters):
            content = code_list({"concept": [{"code": code} for code in sorted(LISTED[system])]})
        elif content is None:
            return Expansion(open={system}, missing=system)
        codes = set(content.concepts)
        for one in filters:
            kept = content.filtered(one)
            if kept is None:
                return Expansion(open={system}, missing=f"{system} ({one.get('property')})")
            codes &= kept
        found = Expansion(
            known={system: {c: content.concepts[c] for c in content.concepts if c in codes}}
        )
        if content.ignores_case:
            found.folding = {system}
        if content.definition.get("content") in ("fragment", "example"):
            found.open, found.missing = {system}, system
        return found


def is_inactive(concept: Resource) -> bool:
    """Say whether a concept of a code system is no longer to be used."""
    return any(
        (one.get("code") == "inactive" and one.get("valueBoolean") is True)
        or (one.get("code") == "status" and one.get("valueCode") in ("retired", "inactive"))
        for one in dicts(concept.get("property"))
    )


def is_abstract(concept: Resource) -> bool:
    """Say whether a concept only groups others."""
    return any(
        one.get("code") in ("notSelectable", "abstract") and one.get("valueBoolean") is True
        for one in dicts(concept.get("property"))
    )


def _is_of_codes(one: Resource) -> bool:
    return (
        one.get("property") == "code"
        and one.get("op") == "regex"
        and is_safe(str(one.get("value")))
    )


def _stated(value_set: Resource) -> Expansion:
    """Read an expansion that the value set brings itself."""
    found = Expansion()
    waiting = dicts((value_set.get("expansion") or {}).get("contains"))[::-1]
    if not waiting:
        return Expansion(open={"*"}, missing=value_set.get("url"))
    while waiting:
        one = waiting.pop()
        waiting.extend(dicts(one.get("contains"))[::-1])
        if isinstance(one.get("code"), str) and not one.get("abstract"):
            found.known.setdefault(one.get("system", ""), {})[one["code"]] = one
    return found
