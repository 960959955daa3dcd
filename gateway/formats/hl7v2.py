"""Read HL7 v2 messages (2.1 to 2.8, ER7) lazily: segments first, the rest on access.

Segments end with CR by the standard; LF and CR LF are read too, since files carry them. Within a
message that uses CR, a lone LF is data unless a segment begins after it. Several messages, with
or without batch headers (FHS, BHS), are several records; Z segments and unknown ones stay. The
kind is ``MSH-9.1^MSH-9.2`` (EVN-1 where MSH-9 lacks the trigger), the control id MSH-10.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from functools import partial
from itertools import chain
from typing import NamedTuple

from gateway.errors import GatewayError, issue
from gateway.formats.hl7v2_escapes import Delimiters
from gateway.formats.hl7v2_groups import Tree
from gateway.formats.hl7v2_values import NULL, Segment, Value
from gateway.formats.reading import (
    MAX_VALUES,
    Records,
    demand_size,
    demand_values,
    text_option,
)
from gateway.formats.text import codec_of, decide_charset, decode, form_of, refuse_nulls
from gateway.records import Envelope, Format, Issue, Node, Parsed, Place

MAX_BYTES = 20 * 1024 * 1024
MAX_SEGMENTS = 200_000
_NAME = re.compile(r"[A-Z][A-Z0-9]{2}")
_BATCH = frozenset(("FHS", "BHS", "BTS", "FTS"))


class Message:
    """One message: its segments in order, and their tree once a path asks for it."""

    __slots__ = ("_named", "_tree", "segments")

    def __init__(self, segments: list[Segment]) -> None:
        self.segments = segments
        self._tree: Tree | None = None
        self._named: dict[str, list[Segment]] = {}
        for segment in segments:
            self._named.setdefault(segment.name, []).append(segment)

    @property
    def text(self) -> None:
        """None: a message is a group."""

    @property
    def raw_text(self) -> str:
        """The message as it was sent, one segment a line."""
        return "\r".join(segment.line for segment in self.segments)

    @property
    def place(self) -> Place:
        """The message's first line."""
        return Place("MSH", self.segments[0].number)

    @property
    def tree(self) -> Tree:
        """The segments by owner, grown when first asked for."""
        if self._tree is None:
            self._tree = Tree(self.segments)
        return self._tree

    def named(self, name: str) -> list[Segment]:
        """Give the segments of a name, in order."""
        return self._named.get(name, [])

    def value(self, segment: str, field: int, component: int = 1) -> Value | None:
        """Give the first value at a place of the first such segment."""
        for candidate in self.named(segment):
            values = candidate.values(field)
            return values[0].part(component) if values else None
        return None

    def text_at(self, segment: str, field: int, component: int = 1) -> str | None:
        """Give the text at a place of the first such segment."""
        value = self.value(segment, field, component)
        return value.text if value else None

    def leaves(self) -> Iterator[Value]:
        """Yield every non-empty value of every segment."""
        return chain.from_iterable(segment.leaves() for segment in self.segments)

    def unread(self, read: Set[Place], ignored: Sequence[Node]) -> list[Place]:
        """Give the places of leaves that are neither read nor within an ignored node."""
        left = [place for segment in self.segments for place in segment.unread(read)]
        if not left or not ignored:
            return left
        spots = {(_path_of(node), node.place.line) for node in ignored}
        return [place for place in left if not _is_within(place, spots)]


def _path_of(node: Node) -> str:
    """Give the path of a whole node: of a field, not of its first component."""
    return node.path if isinstance(node, Value) else node.place.path


def _is_within(place: Place, spots: Set[tuple[str, int | None]]) -> bool:
    path, line = place.path, place.line
    if (path, line) in spots:
        return True
    return any((path[:end], line) in spots for end, mark in enumerate(path) if mark in "-.[")


class _Line(NamedTuple):
    text: str
    number: int


class HL7v2Reader:
    """Reads HL7 v2; a channel's option ``kind`` names the records regardless of MSH-9."""

    format: Format = "hl7v2"

    def read(self, envelope: Envelope) -> Iterable[Parsed]:
        """Give the messages in order; raise GW-2101…2107, and GW-26xx for the character set."""
        raw = envelope.raw
        demand_size(raw, MAX_BYTES)
        channel = envelope.channel
        codec = decide_charset(raw, channel.charset, declared_charset(raw), Place("MSH-18", 1))
        lines = split_lines(decode(raw, codec))
        kind = text_option(channel, "kind")
        return Records(_readings(lines, codec, kind))


def declared_charset(raw: bytes) -> str | None:
    """Give the character set of MSH-18 from undecoded bytes.

    Of several the first, unless that is ASCII or empty: what is not ASCII can only be the next.
    A multibyte character of GB 18030 may end in the byte of a delimiter, which shifts the fields;
    so a header that is not ASCII is also read as GB 18030, and believed if it says so itself.
    In UTF-16 the bytes of ``MSH`` declare it, also where MSH-18 is empty.
    """
    form = form_of(raw, "MSH")
    if form is not None and form.startswith("utf-16"):
        return form
    start = raw.find(b"MSH")
    if start < 0:
        return None
    header = re.split(rb"[\r\n]", raw[start : start + 4096], maxsplit=1)[0]
    stated = _field_18(header.decode("latin-1"))
    if not header.isascii() and (stated is None or codec_of(stated) is None):
        shifted = _field_18(header.decode("gb18030", errors="replace"))
        if shifted and codec_of(shifted) == "gb18030":
            return shifted
    return stated


def _field_18(header: str) -> str | None:
    fields = header.split(header[3]) if len(header) > 8 else []
    if len(fields) < 18:
        return None
    repetition = fields[1][1:2]
    stated = fields[17].split(repetition) if repetition else [fields[17]]
    names = [name for one in stated if (name := one.strip().strip('"'))]
    wider = [name for name in names if codec_of(name) != "ascii"]
    return next(iter(wider or names), None)


def split_lines(text: str) -> list[_Line]:
    """Split a message into its segments with their line numbers; blank lines are left out.

    Raises GW-2103 where a line does not begin with a segment name, GW-2107 for too many, GW-2607.
    """
    text = text.lstrip("\x0b\x00").rstrip("\x1c\x1a\x00\r\n ")
    refuse_nulls(text)
    if "\r" in text:
        text = text.replace("\r\n", "\r")
        text = re.sub(r"\n(?=[A-Z][A-Z0-9]{2}[^A-Za-z0-9\s])", "\r", text)
        pieces = text.split("\r")
    else:
        pieces = text.split("\n")
    if len(pieces) > MAX_SEGMENTS:
        raise GatewayError("GW-2107", where=Place("", MAX_SEGMENTS), limit=MAX_SEGMENTS)
    lines: list[_Line] = []
    for number, piece in enumerate(pieces, 1):
        line = piece.lstrip()
        if not line:
            continue
        if not _NAME.match(line):
            raise _misplaced(number, is_first=not lines)
        lines.append(_Line(line, number))
    return lines


def _misplaced(number: int, *, is_first: bool) -> GatewayError:
    return GatewayError("GW-2101" if is_first else "GW-2103", where=Place("", number, 1))


def _readings(lines: list[_Line], codec: str, kind: str | None) -> Iterator[Callable[[], Parsed]]:
    """Cut the lines into messages; the finding of a trailer goes with the last message."""
    messages: list[list[_Line]] = []
    findings: list[Issue] = []
    batched = batches = 0
    for line in lines:
        name = line.text[:3]
        if name == "MSH":
            messages.append([line])
        elif name in _BATCH:
            batches += name == "BHS"
            if name == "BTS":
                findings += _count(line, len(messages) - batched)
            elif name == "FTS" and batches:
                findings += _count(line, batches)
            batched = len(messages) if name in {"BHS", "BTS"} else batched
        elif not messages:
            raise GatewayError("GW-2101", where=Place(name, line.number, 1))
        else:
            messages[-1].append(line)
    if not messages:
        raise GatewayError("GW-2106", where=Place("", 1))
    for ordinal, message in enumerate(messages):
        issues = tuple(findings) if ordinal == len(messages) - 1 else ()
        yield partial(_parse, message, codec, kind, ordinal, issues)


def _count(line: _Line, found: int) -> list[Issue]:
    fields = line.text.split(line.text[3:4]) if len(line.text) > 3 else []
    declared = fields[1].strip() if len(fields) > 1 else ""
    if not declared.isdecimal() or int(declared) == found:
        return []
    name = line.text[:3]
    place = Place(f"{name}-1", line.number)
    count = min(int(declared), 10**9)
    return [issue("GW-2105", "warning", place=place, segment=name, declared=count, found=found)]


def _parse(
    lines: list[_Line], codec: str, kind: str | None, ordinal: int, issues: tuple[Issue, ...]
) -> Parsed:
    header = lines[0]
    delimiters = read_delimiters(header.text, header.number)
    if sum(len(line.text) for line in lines) > MAX_VALUES:
        marks = sum(_marks(line.text, delimiters) for line in lines)
        demand_values(marks, Place("MSH", header.number))
    message = Message(
        [
            Segment(line.text, line.number, index, delimiters, codec)
            for index, line in enumerate(lines)
        ]
    )
    return Parsed(
        format="hl7v2",
        kind=kind or kind_of(message),
        root=message,
        charset=codec,
        leaves=message.leaves,
        unread=message.unread,
        ordinal=ordinal,
        control_id=message.text_at("MSH", 10),
        issues=issues,
        deletion=NULL if any(NULL in line.text for line in lines) else None,
    )


def _marks(line: str, delimiters: Delimiters) -> int:
    """Count what cuts a line into values, and the marks of escapes."""
    return sum(line.count(mark) for mark in delimiters.marks)


def read_delimiters(header: str, number: int) -> Delimiters:
    """Read MSH-1 and MSH-2; raise GW-2102 when they cannot delimit."""
    field = header[3:4]
    encoding = header[4:].split(field, 1)[0] if field else ""
    marks = field + encoding
    if (
        not 1 <= len(encoding) <= 5
        or len(set(marks)) != len(marks)
        or any(mark.isalnum() or mark.isspace() or mark == '"' for mark in marks)
    ):
        raise GatewayError("GW-2102", where=Place("MSH-2", number, 4))
    return Delimiters(field, *encoding[:4])


def kind_of(message: Message) -> str:
    """Give ``ORU^R01``; raise GW-2104 when MSH-9 is empty."""
    code = message.text_at("MSH", 9)
    if code is None:
        raise GatewayError("GW-2104", where=Place("MSH-9", message.segments[0].number))
    trigger = message.text_at("MSH", 9, 2) or message.text_at("EVN", 1)
    return f"{code}^{trigger}" if trigger else code
