r"""Segments and values of an HL7 v2 message: split when asked, each with its place.

A value stands at one of four levels: field repetition, component, subcomponent. Where the lower
level is not used, ``PID-8``, ``PID-8.1`` and ``PID-8.1.1`` are the same value and have the same
place (HL7 v2.5.1 section 2.5.3). The text of a value with components is its first part, as a
receiver of an older version would read it, and its place is that part's. ``""`` (delete) reads
as None; ``raw_text`` shows it.
"""

import unicodedata
from collections.abc import Hashable, Iterable, Iterator, Sequence, Set
from functools import lru_cache
from typing import Any

import msgspec

from gateway.formats.hl7v2_escapes import Delimiters, unescape
from gateway.formats.text import normalise
from gateway.records import Place

NULL = '""'
_UNREAD = "\x00"  # Stands for a text not asked for yet; known by identity.


class Segment:
    """One segment of a message; ``number`` is its line in what was received, from 1."""

    __slots__ = (
        "_fields",
        "_is_plain",
        "_places",
        "cells",
        "codec",
        "delimiters",
        "end",
        "index",
        "line",
        "name",
        "number",
        "parent",
    )

    def __init__(
        self, line: str, number: int, index: int, delimiters: Delimiters, codec: str
    ) -> None:
        self.name = line[:3]
        self.line = line
        self.number = number
        self.index = index
        self.delimiters = delimiters
        self.codec = codec
        self.parent: Segment | None = None
        self.end = index
        self._fields: list[str] | None = None
        self._places: dict[tuple[int, ...], Place] = {}
        self._is_plain: bool | None = None
        self.cells: dict[Hashable, Sequence[Any]] = {}

    @property
    def text(self) -> str | None:
        """None: a segment is a group of values."""
        return None

    @property
    def raw_text(self) -> str:
        """The segment as it was sent."""
        return self.line

    @property
    def place(self) -> Place:
        """The segment's name and line."""
        return Place(self.name, self.number)

    @property
    def fields(self) -> list[str]:
        """The raw fields; index 0 is the name, so that the index is the field's number."""
        if self._fields is None:
            parts = self.line.split(self.delimiters.field)
            if self.has_delimiters:
                parts.insert(1, self.delimiters.field)
            self._fields = parts
        return self._fields

    @property
    def is_plain(self) -> bool:
        """Whether nothing repeats, is escaped or has subcomponents, and all is in NFKC."""
        if self._is_plain is None:
            line = self.line
            if self.has_delimiters:
                line = line.split(self.delimiters.field, 2)[-1]
            self._is_plain = self.is_plain_text(line)
        return self._is_plain

    def is_plain_text(self, text: str) -> bool:
        """Say the same of a part."""
        marks = self.delimiters
        return not (
            (marks.repetition and marks.repetition in text)
            or (marks.escape and marks.escape in text)
            or (marks.subcomponent and marks.subcomponent in text)
        ) and (text.isascii() or unicodedata.is_normalized("NFKC", text))

    @property
    def has_delimiters(self) -> bool:
        """Whether fields 1 and 2 declare the delimiters."""
        return self.name in {"MSH", "BHS", "FHS"}

    def values(self, field: int) -> list["Value"]:
        """Give the non-empty repetitions of a field."""
        fields = self.fields
        if field >= len(fields) or not (raw := fields[field]):
            return []
        if self.is_declaration(field):
            return [Value(raw, self, field, 0)]
        return [
            Value(part, self, field, ordinal) for ordinal, part in self._repetitions(raw) if part
        ]

    def at(self, numbers: tuple[int, ...]) -> Sequence["Value"]:
        """Give the values of field, component and subcomponent, one of each repetition."""
        fields = self._fields or self.fields
        field = numbers[0]
        if field >= len(fields) or not (raw := fields[field]):
            return ()
        repetition = self.delimiters.repetition
        is_declaration = field <= 2 and self.has_delimiters
        if len(numbers) == 1:
            if is_declaration or not repetition or repetition not in raw:
                return (Value(raw, self, field, 0),)
            return self.values(field)
        if len(numbers) == 2 and not is_declaration:
            if not repetition or repetition not in raw:
                return self._component(raw, field, 0, numbers[1])
            return self._components(field, numbers[1])
        found = (value.below(numbers[1:]) for value in self.values(field))
        return [part for part in found if part is not None]

    def _components(self, field: int, number: int) -> list["Value"]:
        """Cut one component out of every repetition."""
        found: list[Value] = []
        for repetition, part in self._repetitions(self.fields[field]):
            found += self._component(part, field, repetition, number)
        return found

    def _component(self, raw: str, field: int, repetition: int, number: int) -> tuple["Value", ...]:
        """Cut a component out of a repetition; the first of an uncut one is all of it."""
        delimiters = self.delimiters
        if delimiters.component in raw:
            pieces = raw.split(delimiters.component, number)
            if number <= len(pieces) and (piece := pieces[number - 1]):
                return (Value(piece, self, field, repetition, number),)
        elif raw and number == 1:
            subcomponent = delimiters.subcomponent
            level = 1 if subcomponent and subcomponent in raw else 0
            return (Value(raw, self, field, repetition, level),)
        return ()

    def leaves(self) -> Iterator["Value"]:
        """Yield every value that cannot be split further; delimiters and ``""`` are none."""
        fields = self.fields
        for field in range(3 if self.has_delimiters else 1, len(fields)):
            raw = fields[field]
            for text, repetition, number, sub in self._parts(raw) if raw else ():
                if text and text != NULL and not text.isspace():
                    yield Leaf(text, self, field, repetition, number, sub)

    def _parts(self, raw: str) -> Iterator[tuple[str, int, int, int]]:
        """Cut a field: texts with the numbers of repetition, component and subcomponent."""
        component, subcomponent = self.delimiters.component, self.delimiters.subcomponent
        for repetition, part in self._repetitions(raw):
            if component in part:
                pieces: Iterable[tuple[int, str]] = enumerate(part.split(component), 1)
            elif subcomponent and subcomponent in part:
                pieces = ((1, part),)
            else:
                pieces = ((0, part),)
            for number, piece in pieces:
                if subcomponent and subcomponent in piece:
                    for sub, text in enumerate(piece.split(subcomponent), 1):
                        yield text, repetition, number, sub
                else:
                    yield piece, repetition, number, 0

    def unread(self, read: Set[Place]) -> list[Place]:
        """Give the places of leaves that were not read."""
        places, fields = self._places, self.fields
        marks = [mark for mark in self.delimiters.marks[1:] if mark != self.delimiters.escape]
        left: list[Place] = []
        for field in range(3 if self.has_delimiters else 1, len(fields)):
            raw = fields[field]
            if not raw:
                continue
            # What was never looked at has no place yet.
            known = places.get((field, 0, 0, 0))
            if known in read and not any(mark in raw for mark in marks):
                continue
            for text, repetition, number, sub in self._parts(raw):
                if text and text != NULL and not text.isspace():
                    place = self.place_at(field, repetition, number, sub)
                    if place not in read:
                        left.append(place)
        return left

    def _repetitions(self, raw: str) -> Iterable[tuple[int, str]]:
        repetition = self.delimiters.repetition
        if repetition and repetition in raw:
            return enumerate(raw.split(repetition), 1)
        return ((0, raw),)

    def place_at(self, *numbers: int) -> Place:
        """Give the place of field, repetition, component, subcomponent: always the same object."""
        place = self._places.get(numbers)
        if place is None:
            place = self._places[numbers] = Place(path_of(self.name, *numbers), self.number)
        return place

    def is_declaration(self, field: int) -> bool:
        """Whether a field declares the delimiters, and is therefore not split by them."""
        return field <= 2 and self.has_delimiters


class Value(msgspec.Struct, eq=False, gc=False):
    """A field repetition, component or subcomponent, with the raw text it was cut from.

    ``repetition`` is 0 where the field does not repeat; ``component`` and ``subcomponent`` are 0
    at the levels above. ``known`` is the text once it was asked for. A Struct, since a record makes
    hundreds of them.
    """

    raw_text: str
    segment: Segment
    field: int
    repetition: int
    component: int = 0
    subcomponent: int = 0
    known: str | None = _UNREAD

    def part(self, number: int) -> "Value | None":
        """Give the component of a field or the subcomponent of a component, None when empty."""
        separator = self._separator
        if not separator or separator not in self.raw_text:
            if number != 1:
                return None
            return (
                self
                if self.component or not self._holds_subcomponents
                else self._cut(self.raw_text, 1)
            )
        parts = self.raw_text.split(separator)
        if number > len(parts) or not (raw := parts[number - 1]):
            return None
        return self._cut(raw, number)

    def below(self, numbers: tuple[int, ...]) -> "Value | None":
        """Give the part of a part, None when there is none."""
        value: Value | None = self
        for number in numbers:
            if value is None:
                return None
            value = value.part(number)
        return value

    @property
    def text(self) -> str | None:
        """The first part, its escape sequences resolved, in NFKC and trimmed."""
        text = self.known
        if text is _UNREAD:
            text = self.known = self._read()
        return text

    def _read(self) -> str | None:
        raw = self.raw_text
        delimiters = self.segment.delimiters
        if delimiters.component in raw or (
            delimiters.subcomponent and delimiters.subcomponent in raw
        ):
            raw = self._first().raw_text
        if raw == NULL:
            return None
        if delimiters.escape and delimiters.escape in raw and not self._is_declaration:
            raw = unescape(raw, delimiters, self.segment.codec)
        return normalise(raw)

    @property
    def numbers(self) -> tuple[int, int, int, int]:
        """Field, repetition, component, subcomponent of the first part, as few as name it."""
        first = self._first()
        return first.field, first.repetition, first.component, first.subcomponent

    @property
    def place(self) -> Place:
        """The path of the first part and the segment's line."""
        return self.segment.place_at(*self.numbers)

    @property
    def path(self) -> str:
        """The path as written in mappings: ``PID-3[2].4.1``, levels that are not used left out."""
        return path_of(
            self.segment.name, self.field, self.repetition, self.component, self.subcomponent
        )

    def _first(self) -> "Value":
        """Descend to the part whose text this value has; stay where a level is not used."""
        delimiters, raw = self.segment.delimiters, self.raw_text
        if delimiters.component not in raw and (
            not delimiters.subcomponent or delimiters.subcomponent not in raw
        ):
            return self
        value = self
        while (separator := value._separator) and separator in value.raw_text:
            value = value._cut(value.raw_text.split(separator, 1)[0], 1)
        if not value.component and value._holds_subcomponents:
            return value._cut(value.raw_text, 1)._first()
        return value

    @property
    def _is_declaration(self) -> bool:
        return self.segment.is_declaration(self.field)

    @property
    def _holds_subcomponents(self) -> bool:
        separator = self.segment.delimiters.subcomponent
        return bool(separator) and separator in self.raw_text and not self._is_declaration

    @property
    def _separator(self) -> str:
        if self.subcomponent or self._is_declaration:
            return ""
        delimiters = self.segment.delimiters
        return delimiters.subcomponent if self.component else delimiters.component

    def _cut(self, raw: str, number: int) -> "Value":
        if self._is_declaration or self.subcomponent:
            return self
        if self.component:
            return Value(raw, self.segment, self.field, self.repetition, self.component, number)
        return Value(raw, self.segment, self.field, self.repetition, number)


class Leaf(Value):
    """A value known to have no parts."""

    def _first(self) -> Value:
        return self


@lru_cache(maxsize=16384)
def path_of(name: str, field: int, repetition: int, component: int, subcomponent: int) -> str:
    """Write a path as mappings do: ``PID-3[2].4.1``, levels that are not used left out."""
    path = f"{name}-{field}"
    if repetition:
        path += f"[{repetition}]"
    if component:
        path += f".{component}"
        if subcomponent:
            path += f".{subcomponent}"
    return path
