"""The loaded terminology as searches ask it (``records.CodeSets``)."""

from collections.abc import Collection, Mapping
from typing import Literal

from gateway.fhir.terminology import Terminology


class LoadedCodeSets:
    """Answers from what is loaded: HL7's definitions and the deployment's own."""

    def __init__(self, terminology: Terminology) -> None:
        self._terminology = terminology

    def members(self, value_set: str) -> Mapping[str, Collection[str]] | None:
        """Give a value set's codes by system; None when not loaded or not to be listed."""
        found = self._terminology.expansion(value_set)
        if found is None or found.open or found.grammars:
            return None
        return found.known

    def related(
        self, system: str, code: str, direction: Literal["above", "below"]
    ) -> Collection[str] | None:
        """Give a code and its ancestors or descendants; None when the system is not loaded."""
        codes = self._terminology.codes(system)
        if codes is None:
            return None
        if direction == "below":
            return codes.below(code) | {code}
        return {one for one in codes.concepts if codes.is_below(code, one)} | {code}
