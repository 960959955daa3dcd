"""What a field means: by its data element code, its name (Chinese, pinyin, NHSA), its values."""

import csv
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pypinyin import lazy_pinyin

from gateway.mapping.drawing.fields import Field

_FILE = Path(__file__).parent / "concepts.csv"
_CODE = re.compile(r"DE\d\d\.\d\d\.\d\d\d\.\d\d", re.IGNORECASE)
_JUNK = re.compile(r"[\s_\-()（）\[\]:：*.·,，/]+")
_BY_SHAPE = {"card": "card"}
_FITTING = {"name": {"name", "date", "number"}, "phone": {"phone", "number"}}


@dataclass(frozen=True, slots=True)
class Concept:
    """One thing that hospitals export, with the names it goes by."""

    name: str
    shape: str
    names: tuple[str, ...]
    words: frozenset[str]
    elements: frozenset[str]
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Guess:
    """What a field is taken for, and why."""

    concept: str
    field: Field
    reason_zh: str
    reason_en: str
    weight: int


@cache
def concepts() -> tuple[Concept, ...]:
    """Give the known concepts."""
    made = []
    for row in csv.DictReader(_FILE.read_text(encoding="utf-8").splitlines()):
        names = tuple(name for name in row["names"].split("|") if name)
        words = frozenset(folded(word) for word in row["words"].split("|") if word)
        elements = frozenset(code for code in row["elements"].split("|") if code)
        pattern = re.compile("|".join(_pinyin(name) for name in names) or r"(?!)")
        made.append(Concept(row["concept"], row["shape"], names, words, elements, pattern))
    return tuple(made)


def _pinyin(name: str) -> str:
    """Let every syllable be written whole or by its first letter: bingrenxm, brxm."""
    parts = [part for part in lazy_pinyin(name) if part]
    return "".join(f"(?:{re.escape(p.lower())}|{re.escape(p[0].lower())})" for p in parts)


def folded(name: str) -> str:
    """Give a name without case, width and punctuation."""
    return _JUNK.sub("", unicodedata.normalize("NFKC", name)).casefold()


def guess(fields: Iterable[Field]) -> list[Guess]:
    """Guess what fields mean: each concept goes to its best field, each field to one concept."""
    found = [one for field in fields for one in _of(field)]
    found.sort(key=lambda one: -one.weight)
    taken: set[str] = set()
    chosen: dict[str, Guess] = {}
    for one in found:
        if one.concept not in chosen and one.field.path not in taken:
            chosen[one.concept] = one
            taken.add(one.field.path)
    return list(chosen.values())


def _of(field: Field) -> list[Guess]:
    shape = field.shape()
    name = folded(field.name)
    stated = _CODE.search(field.path)
    made: list[Guess] = []
    for concept in concepts():
        said: tuple[str, str, int] | None = None
        if stated and stated[0].upper() in concept.elements:
            said = f"数据元 {stated[0]}", f"data element {stated[0]}", 50
        elif name in {folded(known) for known in concept.names}:
            said = f"名称“{field.name}”", f"the name {field.name}", 40
        elif name in concept.words:
            said = f"名称 {field.name}", f"the name {field.name}", 35
        elif len(name) > 1 and name.isascii() and concept.pattern.fullmatch(name):
            said = f"拼音 {field.name}", f"pinyin {field.name}", 20 + min(len(name), 9)
        if said is not None and _fits(concept, shape):
            extra = 5 if concept.shape and concept.shape == shape else 0
            tail = (f"，值的形状 {shape}", f", values of shape {shape}") if extra else ("", "")
            made.append(
                Guess(concept.name, field, said[0] + tail[0], said[1] + tail[1], said[2] + extra)
            )
    if not made and shape in _BY_SHAPE:
        made.append(Guess(_BY_SHAPE[shape], field, "值的校验位", "check digits of its values", 10))
    return made


def _fits(concept: Concept, shape: str) -> bool:
    """Refuse a name that its values contradict: a birth date that holds no dates."""
    if not concept.shape or not shape:
        return concept.shape not in ("card", "date", "gender", "uscc") or bool(shape)
    allowed = {concept.shape} | (_FITTING.get(concept.shape, set()) - {"date", "number"})
    if concept.shape == "phone":
        allowed |= {"number"}
    if concept.shape == "name":
        allowed |= {"gender"}
    return shape in allowed
