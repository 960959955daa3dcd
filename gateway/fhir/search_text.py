"""Running text cut into the terms of our text index, for ``_text`` and ``_content``.

Words stand as they are, folded. A run of Han characters has no words to cut at: every character
begins a term of up to four. Whoever asks for up to four characters is answered by one range of
terms exactly; a longer text by all terms of four that it holds.
"""

import html
import re
from functools import cache, lru_cache
from typing import Any, NamedTuple

from gateway.fhir.elements import shape
from gateway.fhir.search_values import fold
from gateway.records import Json, Resource

GRAM = 4
_LONGEST_WORD = 64
# Names of codes and units come again and again: their terms are kept.
_SHORT = 32
_HAN = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_RUN = re.compile(f"[{_HAN}]+|[^\\W_{_HAN}]+")
_IS_HAN = re.compile(f"[{_HAN}]")
_TAG = re.compile(r"<[^>]*>")
_TEXTS = frozenset({"string", "markdown"})
# Strings by their type, but no text: what they name has parameters of its own.
_NAMES = frozenset({"id", "reference", "versionId"})
_SILENT = frozenset({"Identifier", "Meta", "ContactPoint", "Period", "Quantity", "Attachment"})


def terms(text: str) -> frozenset[str]:
    """Give the terms of a text."""
    return _terms_of_short(text) if len(text) <= _SHORT else _terms(text)


def _terms(text: str) -> frozenset[str]:
    found: set[str] = set()
    for run in _RUN.findall(fold(text)):
        if _IS_HAN.match(run):
            found.update([run[at : at + GRAM] for at in range(len(run))])
        else:
            found.add(run[:_LONGEST_WORD])
    return frozenset(found)


_terms_of_short = lru_cache(maxsize=16_384)(_terms)


class AskedTerm(NamedTuple):
    """One term that must be there; ``is_start``: any term that begins so."""

    text: str
    is_start: bool


def asked_terms(text: str) -> tuple[AskedTerm, ...]:
    """Give what a text to search for asks of the index, the rarest kind first; () for no text."""
    found: dict[AskedTerm, None] = {}
    for run in _RUN.findall(fold(text)):
        if not _IS_HAN.match(run):
            found[AskedTerm(run[:_LONGEST_WORD], False)] = None
        elif len(run) < GRAM:
            found[AskedTerm(run, True)] = None
        else:
            for at in range(len(run) - GRAM + 1):
                found[AskedTerm(run[at : at + GRAM], False)] = None
    return tuple(sorted(found, key=lambda term: (term.is_start, -len(term.text))))


def narrative_terms(resource: Resource) -> frozenset[str]:
    """Give the terms of the narrative."""
    narrative = resource.get("text")
    div = narrative.get("div") if isinstance(narrative, dict) else None
    return terms(_plain(div)) if isinstance(div, str) else frozenset()


def content_terms(resource: Resource) -> set[str]:
    """Give the terms of all strings of a resource but its own narrative."""
    texts: list[str] = []
    told = {key: value for key, value in resource.items() if key != "text"}
    _collect(told, resource["resourceType"], texts)
    found: set[str] = set()
    for text in dict.fromkeys(texts):
        found |= terms(text)
    return found


def _plain(div: str) -> str:
    return html.unescape(_TAG.sub(" ", div))


@cache
def _steps(path: str) -> dict[str, str | None]:
    """Give the keys of a shape that hold texts (None) or further objects (their shape)."""
    try:
        elements = shape(path)
    except KeyError:
        return {}
    steps: dict[str, str | None] = {}
    for key, element in elements.items():
        if element.type in _TEXTS and key not in _NAMES:
            steps[key] = None
        elif element.shape is not None and element.type not in _SILENT:
            steps[key] = element.shape
    return steps


def _collect(value: dict[str, Any], path: str, texts: list[str]) -> None:
    steps = _steps(path)
    for key, member in value.items():
        if key not in steps:
            continue
        step = steps[key]
        for item in member if isinstance(member, list) else (member,):
            if step is None:
                if isinstance(item, str):
                    texts.append(item)
            elif isinstance(item, dict):
                _enter(item, step, texts)


def _enter(item: dict[str, Json], step: str, texts: list[str]) -> None:
    if step == "Narrative":
        div = item.get("div")
        if isinstance(div, str):
            texts.append(_plain(div))
        return
    type_ = item.get("resourceType")
    _collect(item, type_ if step == "Resource" and isinstance(type_, str) else step, texts)
