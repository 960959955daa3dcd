"""Terminology over whatever is loaded: value sets expanded, codes looked up, related, translated.

``Terminology(source)`` answers what a value set or code system holds; None says that something is
not loaded, never that a code is wrong. The functions beside it make what the operations of
https://hl7.org/fhir/R4/terminology-service.html answer.
"""

from gateway.fhir.terminology.code_list import CodeList, code_list
from gateway.fhir.terminology.concepts import (
    Relation,
    designations_of,
    display_of,
    is_text_of,
    properties_of,
    relation,
    speaks,
)
from gateway.fhir.terminology.expansion import Expansion
from gateway.fhir.terminology.grammars import GRAMMARS
from gateway.fhir.terminology.listing import Wish, entries
from gateway.fhir.terminology.service import Source, Terminology, is_abstract, is_inactive
from gateway.fhir.terminology.translation import Match, Question, applies, translate

__all__ = [
    "GRAMMARS",
    "CodeList",
    "Expansion",
    "Match",
    "Question",
    "Relation",
    "Source",
    "Terminology",
    "Wish",
    "applies",
    "code_list",
    "designations_of",
    "display_of",
    "entries",
    "is_abstract",
    "is_inactive",
    "is_text_of",
    "properties_of",
    "relation",
    "speaks",
    "translate",
]
