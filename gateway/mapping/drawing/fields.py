"""What sample records hold: one field for each path, with the shape of its values."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from stdnum.cn import uscc

from gateway.mapping import moments, packaged
from gateway.mapping.conversions import is_id_card
from gateway.records import Format, Parsed

_INDEX = re.compile(r"\[\d+\]")
_HL7 = re.compile(r"([A-Z][A-Z0-9]{2}-\d+)(?:\[\d+\])?((?:\.\d+)*)\Z")
_PHONE = re.compile(r"(?:\+?86)?1[3-9]\d{9}|0\d{2,3}-?\d{7,8}|\d{7,8}")
_NAME = re.compile(r"[\u4e00-\u9fff·]{2,12}|[A-Za-z][A-Za-z .'-]{1,40}")
_NUMBER = re.compile(r"[<>≤≥]?[+-]?\d+(\.\d+)?")
_ENOUGH = 0.8
PLACEHOLDERS = frozenset(
    ("-", "--", "/", "无", "不详", "未知", "N/A", "NA", "null", "NULL", "00000000")
)
"""What is written where nothing is known; it says nothing of what a field holds."""
MAX_RECORDS = 2_000
"""The most records that are looked at: shapes do not change after that."""


@dataclass(slots=True)
class Field:
    """One path of the samples; ``anchor`` is the repeated node it lies in, "" for none."""

    path: str
    name: str
    anchor: str
    records: int = 0
    texts: list[str] = field(default_factory=list)

    def shape(self) -> str:
        """Name the shape that nearly all values have; "" for plain text."""
        texts = [text for text in self.texts if text not in PLACEHOLDERS]
        for name, fits in SHAPES.items():
            if texts and sum(fits(text) for text in texts) >= _ENOUGH * len(texts):
                return name
        return ""


def _is_gender(text: str) -> bool:
    return packaged.tables()["gender"].find(text) is not None


def _is_date(text: str) -> bool:
    parts = moments.parse(text)
    return parts is not None and parts[1] is not None and "1850" <= (parts[0] or "") <= "2200"


SHAPES: dict[str, Callable[[str], bool]] = {
    "card": lambda text: is_id_card(text.upper()),
    "uscc": lambda text: len(text) == 18 and bool(uscc.is_valid(text)),
    "date": lambda text: len(text) >= 6 and _is_date(text),
    "gender": _is_gender,
    "phone": lambda text: _PHONE.fullmatch(text) is not None,
    "number": lambda text: _NUMBER.fullmatch(text) is not None,
    "name": lambda text: _NAME.fullmatch(text) is not None,
}


def collect(records: Iterable[Parsed], format_: Format) -> list[Field]:
    """Collect the fields of sample records, in the order in which they first appear."""
    fields: dict[str, Field] = {}
    for number, parsed in enumerate(records):
        if number >= MAX_RECORDS:
            break
        told: set[str] = set()
        for leaf in parsed.leaves():
            path = leaf.place.path
            text = leaf.text
            if not path or text is None:
                continue
            general, anchor = general_path(path, format_)
            one = fields.setdefault(general, Field(general, _name(general), anchor))
            one.texts.append(text)
            one.records += general not in told
            told.add(general)
    return list(fields.values())


def general_path(path: str, format_: Format) -> tuple[str, str]:
    """Give a path without its repetitions, and the path of the repeated node around it."""
    if format_ == "hl7v2":
        found = _HL7.match(path)
        return (found[1] + found[2], "") if found else (path, "")
    if format_ == "json":
        anchor = "".join(re.findall(r".*\[\d+\]", path)[:1])
        return _INDEX.sub("[*]", path), _INDEX.sub("[*]", anchor)
    if format_ == "xml":
        inner = "".join(re.findall(r".*\[\d+\](?=/)", path)[:1])
        return _INDEX.sub("", path), _INDEX.sub("", inner)
    return path, ""


def _name(path: str) -> str:
    """Give the last name of a path: what its author called the field."""
    steps = [step for step in re.split(r"[/.$]|\[\*\]", path) if step]
    last = steps[-1] if steps else path
    is_plain = last.lstrip("@").lower() in ("value", "extension", "text", "v", "displayname")
    return (steps[-2] if is_plain and len(steps) > 1 else last).lstrip("@")
