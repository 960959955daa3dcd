"""The content of a value set: what is known to be in it, and of what more may be."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from gateway.fhir.terminology.grammars import GRAMMARS
from gateway.records import Resource


@dataclass
class Expansion:
    """The content of a value set.

    ``known`` lists by system each code with its concept as the value set or the code system shows
    it, in their order; ``open`` the systems of which more may be in it than is known; ``grammars``
    the systems all of whose codes are in it and whose codes have a grammar; ``folding`` those whose
    case does not count; ``missing`` the url of the first thing that was not loaded; ``uses`` the
    value sets and code systems that were consulted; ``accepted`` codes beyond ``known`` that were
    found right, remembered by who asks.
    """

    known: dict[str, dict[str, Resource]] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    grammars: set[str] = field(default_factory=set)
    folding: set[str] = field(default_factory=set)
    missing: str | None = None
    uses: set[str] = field(default_factory=set)
    accepted: set[str] = field(default_factory=set)

    @cached_property
    def codes(self) -> frozenset[str]:
        """All codes that are known to be in it, whatever their system."""
        return frozenset(code for codes in self.known.values() for code in codes)

    @cached_property
    def _folded(self) -> dict[str, frozenset[str]]:
        return {
            system: frozenset(code.casefold() for code in self.known.get(system, ()))
            for system in self.folding
        }

    def add(self, other: "Expansion") -> None:
        """Unite with another."""
        for system, codes in other.known.items():
            ours = self.known.setdefault(system, {})
            for code, concept in codes.items():
                ours.setdefault(code, concept)
        self.open |= other.open
        self.grammars |= other.grammars
        self._note(other)

    def keep(self, other: "Expansion") -> None:
        """Intersect with another."""
        kept: dict[str, dict[str, Resource]] = {}
        for system in (*self.known, *(other.known.keys() - self.known.keys())):
            ours, theirs = self.known.get(system, {}), other.known.get(system, {})
            is_ours_whole, is_theirs_whole = system in self.grammars, system in other.grammars
            both = {c: shown for c, shown in ours.items() if is_theirs_whole or c in theirs}
            if is_ours_whole:
                both |= theirs
            if both:
                kept[system] = both
        self.known = kept
        self.open = (self.open & (other.open | other.known.keys() | other.grammars)) | (
            other.open & (self.open | self.known.keys() | self.grammars)
        )
        self.grammars &= other.grammars
        self._note(other)

    def drop(self, other: "Expansion") -> None:
        """Take another's codes out."""
        for system, codes in other.known.items():
            ours = self.known.get(system, {})
            for code in codes:
                ours.pop(code, None)
        self.open |= other.open & self.known.keys()
        self._note(other)

    def _note(self, other: "Expansion") -> None:
        self.folding |= other.folding
        self.uses |= other.uses
        self.missing = self.missing or other.missing

    def contains(self, system: str, code: str) -> bool | None:
        """Say whether a code is in it; None when what is loaded does not tell."""
        codes = self.known.get(system)
        if codes is not None and code in codes:
            return True
        if system in self.folding and code.casefold() in self._folded[system]:
            return True
        if system in self.grammars:
            return GRAMMARS[system](code)
        return None if system in self.open or "*" in self.open else False

    def has_code(self, code: str) -> bool | None:
        """Say the same of a code whose system the element implies."""
        if code in self.codes or self._has_folded(code, self.folding):
            return True
        verdicts = [GRAMMARS[system](code) for system in self.grammars]
        if True in verdicts:
            return True
        return None if self.open or None in verdicts else False

    def _has_folded(self, code: str, systems: Iterable[str]) -> bool:
        return any(code.casefold() in self._folded[system] for system in systems)
