"""Acknowledge HL7 v2 messages in original and enhanced mode (HL7 v2.8 section 2.9).

The answer is written from what can be read of the sender's MSH, so that an unreadable message
gets its refusal too: same delimiters, version and character set, sender and receiver swapped,
MSH-10 echoed in MSA-2. In enhanced mode (MSH-15 or MSH-16 filled) the accept acknowledgement
CA, CE or CR is given where MSH-15 wants it, else the application acknowledgement where MSH-16
does. Texts come from the error catalogue and never hold a patient's value.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.formats.hl7v2 import declared_charset
from gateway.formats.hl7v2_escapes import Delimiters
from gateway.formats.text import codec_of, form_of
from gateway.records import Issue, Place

_DEFAULT = Delimiters("|", "^", "~", "\\", "&")
_ACCEPT = {"AA": "CA", "AE": "CE", "AR": "CR"}
_PATH = re.compile(
    r"(?P<segment>[A-Z][A-Z0-9]{2})(?:-(?P<field>\d+)(?:\[(?P<repetition>\d+)\])?"
    r"(?:\.(?P<component>\d+)(?:\.(?P<subcomponent>\d+))?)?)?"
)
# HL7 table 0357 by the OperationOutcome code that the catalogue gives an error.
_CONDITIONS = {
    "required": ("101", "Required field missing"),
    "value": ("102", "Data type error"),
    "code-invalid": ("103", "Table value not found"),
    "not-found": ("204", "Unknown key identifier"),
    "duplicate": ("205", "Duplicate key identifier"),
    "conflict": ("206", "Application record locked"),
    "not-supported": ("200", "Unsupported message type"),
    "structure": ("100", "Segment sequence error"),
}
_OTHER = ("207", "Application internal error")
_MAX_ERRORS = 20


@dataclass(frozen=True, slots=True)
class Header:
    """The sender's MSH as far as it can be read; fields are raw, by number."""

    fields: tuple[str, ...]
    delimiters: Delimiters
    codec: str

    def field(self, number: int) -> str:
        """Give a raw field of MSH, empty when absent."""
        return self.fields[number] if number < len(self.fields) else ""

    @property
    def is_enhanced(self) -> bool:
        """Whether the sender asks for enhanced acknowledgement."""
        return bool(self.field(15) or self.field(16))

    @property
    def version(self) -> tuple[int, ...]:
        """The version as numbers, (2, 5, 1); (2, 3) when it is not stated."""
        stated = self.field(12).split(self.delimiters.component)[0]
        if re.fullmatch(r"\d(\.\d{1,2}){1,2}", stated):
            return tuple(int(part) for part in stated.split("."))
        return (2, 3)


def read_header(raw: bytes, charset: str | None = None) -> Header:
    """Read what can be read of the first MSH; never raises.

    ``charset`` is the channel's declaration, None or ``detect`` where there is none.
    """
    codec = _codec(raw, charset)
    text = raw[:16384].decode(codec, errors="replace")
    line = re.split("[\r\n]", text[max(text.find("MSH"), 0) :], maxsplit=1)
    header = line[0] if line[0].startswith("MSH") else ""
    separator = header[3:4]
    marks = header[4:].split(separator, 1)[0] if separator else ""
    if not marks or separator.isalnum() or len(set(separator + marks)) != len(marks) + 1:
        return Header(("MSH",), _DEFAULT, codec)
    fields = ("MSH", separator, *header[4:].split(separator))
    return Header(fields, Delimiters(separator, *marks[:4]), codec)


def _codec(raw: bytes, charset: str | None) -> str:
    """Decide how the sender reads: by the form of its bytes, the channel, MSH-18, else UTF-8."""
    form = form_of(raw, "MSH")
    if form is not None:
        return form
    stated = codec_of(charset or "") or codec_of(declared_charset(raw) or "") or "utf-8"
    # Who sent single bytes does not read two: a declaration of UTF-16 was wrong.
    return "utf-8" if stated.startswith(("utf-16", "utf-32")) else stated


def acknowledge(
    raw: bytes,
    code: str,
    *,
    now: datetime,
    text: str = "",
    errors: Sequence[Issue] = (),
    control_id: str | None = None,
    charset: str | None = None,
) -> bytes | None:
    """Build the acknowledgement of a message, None when the sender wants none for this outcome.

    ``code`` is AA, AE or AR; ``now`` carries a zone; ``control_id`` names the answer itself
    (MSH-10; unless given, the message's own with ``A`` before it).
    """
    header = read_header(raw, charset)
    answer = answer_code(header, code)
    if answer is None:
        return None
    writer = _Writer(header.delimiters)
    echoed = header.field(10)
    segments = [
        _msh(header, writer, now, control_id or f"A{echoed}"[:199]),
        writer.segment("MSA", answer, echoed, writer.escape(text)),
    ]
    findings = errors[:_MAX_ERRORS] if code != "AA" else ()
    segments += [_err(finding, header, writer, raw) for finding in findings]
    return "".join(f"{segment}\r" for segment in segments).encode(header.codec, errors="replace")


def answer_code(header: Header, code: str) -> str | None:
    """Give the code to answer with (AA…, or CA… in enhanced mode), None for no answer at all."""
    if not header.is_enhanced:
        return code
    if _is_wanted(header.field(15), code):
        return _ACCEPT[code]
    return code if _is_wanted(header.field(16), code) else None


def _is_wanted(condition: str, code: str) -> bool:
    """Apply HL7 table 0155."""
    if condition == "AL":
        return True
    return condition == ("SU" if code == "AA" else "ER")


class _Writer:
    def __init__(self, delimiters: Delimiters) -> None:
        self.delimiters = delimiters
        marks = {
            delimiters.escape: "E",
            delimiters.field: "F",
            delimiters.component: "S",
            delimiters.repetition: "R",
            delimiters.subcomponent: "T",
        }
        escape = delimiters.escape
        self._table = str.maketrans(
            {
                mark: f"{escape}{letter}{escape}" if escape else " "
                for mark, letter in marks.items()
                if mark
            }
            | {"\r": " ", "\n": " "}
        )

    def escape(self, text: str) -> str:
        """Write text so that no delimiter of the sender stands in it."""
        return text.translate(self._table)

    def segment(self, *fields: str) -> str:
        """Join fields that are already escaped, without empty ones at the end."""
        return self.delimiters.field.join(fields).rstrip(self.delimiters.field)

    def components(self, *parts: str) -> str:
        """Escape and join components, without empty ones at the end."""
        separator = self.delimiters.component
        return separator.join(self.escape(part) for part in parts).rstrip(separator)


def _msh(header: Header, writer: _Writer, now: datetime, control_id: str) -> str:
    component = header.delimiters.component
    marks = header.delimiters
    encoding = header.field(2) or (
        marks.component + marks.repetition + marks.escape + marks.subcomponent
    )
    trigger = header.field(9).split(component)[1:2]
    kind = "ACK"
    if header.version >= (2, 3, 1) and trigger and trigger[0]:
        kind = component.join(("ACK", trigger[0], "ACK"))
    offset = now.strftime("%z")[:5] if header.version >= (2, 3) else ""
    return writer.segment(
        "MSH",
        encoding,
        header.field(5),
        header.field(6),
        header.field(3),
        header.field(4),
        now.strftime("%Y%m%d%H%M%S") + offset,
        "",
        kind,
        control_id,
        header.field(11) or "P",
        header.field(12) or "2.3",
        *("",) * 4,
        header.field(17),
        header.field(18),
    )


def _err(finding: Issue, header: Header, writer: _Writer, raw: bytes) -> str:
    number, condition = _CONDITIONS.get(finding.code, _OTHER)
    if finding.code == "structure" and not finding.number.startswith("GW-21"):
        number, condition = _OTHER
    location = _location(finding.place, header, raw)
    if header.version < (2, 5):
        # ERR-1 is an ELD: segment, sequence, field position, code identifying error (CE).
        parts = location[:3] + ("",) * (3 - len(location))
        sub = header.delimiters.subcomponent or " "
        code = sub.join((number, writer.escape(condition), "HL70357"))
        return writer.segment("ERR", header.delimiters.component.join((*parts, code)))
    severity = {"warning": "W", "information": "I"}.get(finding.severity, "E")
    return writer.segment(
        "ERR",
        "",
        writer.components(*location),
        writer.components(number, condition, "HL70357"),
        severity,
        writer.components(finding.number, finding.text_en, "L"),
        "",
        "",
        writer.escape(finding.text_zh),
    )


def _location(place: Place | None, header: Header, raw: bytes) -> tuple[str, ...]:
    """Give an ERL: segment, its occurrence, field, repetition, component, subcomponent.

    In an older version only the first three, of an ELD.
    """
    found = _PATH.match(place.path) if place else None
    if place is None or found is None:
        return ()
    segment = found["segment"]
    parts: tuple[str, ...] = (segment, str(_occurrence(raw, segment, place.line)))
    if found["field"]:
        parts += (
            found["field"],
            found["repetition"] or "1",
            found["component"] or "",
            found["subcomponent"] or "",
        )
    return parts[:3] if header.version < (2, 5) else parts


def _occurrence(raw: bytes, segment: str, line: int | None) -> int:
    """Count the segments of a name up to a line of the message."""
    lines = re.split(rb"\r\n|\r|\n", raw)[: line or 1]
    return max(1, len([one for one in lines if one.startswith(segment.encode())]))
