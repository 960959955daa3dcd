r"""Segments and values of an HL7 v2 message: split when asked, each with its place.

A value stands at one of four levels: field repetition, component, subcomponent. Where the lower
level is not used, ``PID-8``, ``PID-8.1`` and ``PID-8.1.1`` are the same value and have the same
place (HL7 v2.5.1 section 2.5.3). The text of a value with components is its first part, as a
receiver of an older version would read it, and its place is that part's. ``""`` (delete) reads
as None; ``raw_text`` shows it.
"""

import re
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass

from gateway.formats.text import normalise
from gateway.records import Place

NULL = '""'
_UNREAD = "\x00"  # Stands for a text not asked for yet; known by identity.


@dataclass(frozen=True, slots=True)
class Delimiters:
    """MSH-1 and MSH-2; a delimiter that MSH-2 leaves out never occurs and is an empty string."""

    field: str
    component: str
    repetition: str = ""
    escape: str = ""
    subcomponent: str = ""

    @property
    def marks(self) -> tuple[str, ...]:
        """Those that are declared."""
        declared = (self.component, self.repetition, self.escape, self.subcomponent)
        return (self.field, *(mark for mark in declared if mark))


class Segment:
    """One segment of a message; ``number`` is its line in what was received, from 1."""

    __slots__ = (
        "_fields",
        "_places",
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
        self._places: dict[tuple[int, int, int, int], Place] = {}

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

    def at(self, numbers: tuple[int, ...]) -> list["Value"]:
        """Give the values of field, component and subcomponent, one of each repetition."""
        field = numbers[0]
        fields = self._fields or self.fields
        if field >= len(fields) or not fields[field]:
            return []
        if len(numbers) == 1:
            return self.values(field)
        if len(numbers) == 2 and not self.is_declaration(field):
            return self._components(field, numbers[1])
        found = (value.below(numbers[1:]) for value in self.values(field))
        return [part for part in found if part is not None]

    def _components(self, field: int, number: int) -> list["Value"]:
        """Cut one component out of every repetition; the first of an uncut one is all of it."""
        component, subcomponent = self.delimiters.component, self.delimiters.subcomponent
        found: list[Value] = []
        for repetition, part in self._repetitions(self.fields[field]):
            if component in part:
                pieces = part.split(component, number)
                if number <= len(pieces) and (piece := pieces[number - 1]):
                    found.append(Value(piece, self, field, repetition, number))
            elif part and number == 1:
                level = 1 if subcomponent and subcomponent in part else 0
                found.append(Value(part, self, field, repetition, level))
        return found

    def leaves(self) -> Iterator["Value"]:
        """Yield every value that cannot be split further; delimiters and ``""`` are none."""
        component, subcomponent = self.delimiters.component, self.delimiters.subcomponent
        fields = self.fields
        for field in range(3 if self.has_delimiters else 1, len(fields)):
            raw = fields[field]
            if not raw:
                continue
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
                            if text and text != NULL and not text.isspace():
                                yield Leaf(text, self, field, repetition, number, sub)
                    elif piece and piece != NULL and not piece.isspace():
                        yield Leaf(piece, self, field, repetition, number)

    def unread(self, read: Set[Place]) -> Iterator[Place]:
        """Yield the places of leaves that were not read."""
        places = self._places
        for leaf in self.leaves():
            place = places.get((leaf.field, leaf.repetition, leaf.component, leaf.subcomponent))
            if place is None:
                yield self.place_of(leaf)
            elif place not in read:
                yield place

    def _repetitions(self, raw: str) -> Iterable[tuple[int, str]]:
        repetition = self.delimiters.repetition
        if repetition and repetition in raw:
            return enumerate(raw.split(repetition), 1)
        return ((0, raw),)

    def place_of(self, value: "Value") -> Place:
        """Give the place of a value of this segment, the same object whenever it is asked for."""
        key = (value.field, value.repetition, value.component, value.subcomponent)
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = Place(value.path, self.number)
        return place

    def is_declaration(self, field: int) -> bool:
        """Whether a field declares the delimiters, and is therefore not split by them."""
        return field <= 2 and self.has_delimiters


class Value:
    """A field repetition, component or subcomponent, with the raw text it was cut from.

    ``repetition`` is 0 where the field does not repeat; ``component`` and ``subcomponent`` are 0
    at the levels above.
    """

    __slots__ = (
        "_text",
        "component",
        "field",
        "raw_text",
        "repetition",
        "segment",
        "subcomponent",
    )

    def __init__(
        self,
        raw: str,
        segment: Segment,
        field: int,
        repetition: int,
        component: int = 0,
        subcomponent: int = 0,
    ) -> None:
        self.raw_text = raw
        self.segment = segment
        self.field = field
        self.repetition = repetition
        self.component = component
        self.subcomponent = subcomponent
        self._text: str | None = _UNREAD

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
        text = self._text
        if text is _UNREAD:
            text = self._text = self._read()
        return text

    def _read(self) -> str | None:
        raw = self._first().raw_text
        if raw == NULL:
            return None
        delimiters = self.segment.delimiters
        if delimiters.escape and delimiters.escape in raw and not self._is_declaration:
            raw = unescape(raw, delimiters, self.segment.codec)
        return normalise(raw)

    @property
    def place(self) -> Place:
        """The path of the first part, with as few levels as name it, and the segment's line."""
        return self.segment.place_of(self._first())

    @property
    def path(self) -> str:
        """The path as written in mappings: ``PID-3[2].4.1``, levels that are not used left out."""
        path = f"{self.segment.name}-{self.field}"
        if self.repetition:
            path += f"[{self.repetition}]"
        if self.component:
            path += f".{self.component}"
            if self.subcomponent:
                path += f".{self.subcomponent}"
        return path

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

    __slots__ = ()

    def _first(self) -> Value:
        return self

    @property
    def place(self) -> Place:
        """The path and the segment's line."""
        return self.segment.place_of(self)


_FORMATTING = re.compile(r"\.(br|sp|sk|fi|nf|in|ti|ce)([+-]?\d*)", re.IGNORECASE)
_HEX = re.compile(r"X((?:[0-9A-Fa-f]{2})+)")


def unescape(text: str, delimiters: Delimiters, codec: str) -> str:
    """Resolve escape sequences (HL7 v2.8 section 2.7); an unknown sequence stays as it is."""
    mark = re.escape(delimiters.escape)
    return re.sub(
        f"{mark}([^{mark}]*){mark}",
        lambda found: _resolve(found.group(1), found.group(), delimiters, codec),
        text,
    )


def _resolve(sequence: str, whole: str, delimiters: Delimiters, codec: str) -> str:
    plain = {
        "F": delimiters.field,
        "S": delimiters.component,
        "T": delimiters.subcomponent,
        "R": delimiters.repetition,
        "E": delimiters.escape,
        "H": "",
        "N": "",
    }
    if sequence in plain:
        return plain[sequence]
    if found := _FORMATTING.fullmatch(sequence):
        return _format(found.group(1).lower(), found.group(2))
    if found := _HEX.fullmatch(sequence):
        try:
            return bytes.fromhex(found.group(1)).decode(codec)
        except UnicodeDecodeError:
            return whole
    return whole


def _format(command: str, count: str) -> str:
    if command in {"br", "sp", "ce"}:
        # The count comes from the message: a thousand blank lines are nobody's report.
        return "\n" * min(int(count), 100) if count.isdigit() and command == "sp" else "\n"
    if command == "sk":
        return " " * min(int(count), 100) if count.isdigit() else " "
    return ""
