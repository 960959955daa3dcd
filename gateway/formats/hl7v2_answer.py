"""Read what a receiver answers to an HL7 v2 message: MSA and the code of its error.

Texts of the answer are left out: they may quote a patient's value.
"""

import re
from dataclasses import dataclass

from gateway.formats.hl7v2_ack import read_header

_CODE = re.compile(r"[A-Za-z0-9_.-]{1,20}\Z")


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """MSA-1, MSA-2 and, where the receiver tells it, the code of its error (ERR-3)."""

    code: str
    control_id: str
    condition: str = ""


def read_acknowledgement(raw: bytes, charset: str | None = None) -> Acknowledgement | None:
    """Read an acknowledgement; None for what is none."""
    header = read_header(raw, charset)
    if not raw.lstrip().startswith(b"MSH") or len(header.fields) < 2:
        return None
    found: dict[str, list[str]] = {}
    for line in re.split("[\r\n]+", raw.decode(header.codec, errors="replace")):
        name, *fields = line.split(header.delimiters.field)
        found.setdefault(name.strip(), fields)
    stated = found.get("MSA", [])
    if len(stated) < 2:
        return None
    told = found.get("ERR", [])
    condition = told[2].split(header.delimiters.component)[0] if len(told) > 2 else ""
    return Acknowledgement(
        stated[0].strip().upper()[:2],
        stated[1].strip(),
        condition if _CODE.match(condition) else "",
    )
