r"""The delimiters of an HL7 v2 message and its escape sequences (HL7 v2.8 section 2.7).

``\Cxxyy\`` and ``\Mxxyyzz\`` switch to another character set until the next of them, by the
escape sequences of ISO 2022: the parts of ISO 8859, and those of Japanese, Chinese (GB 2312) and
Korean.
"""

import re
from dataclasses import dataclass


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


_FORMATTING = re.compile(r"\.(br|sp|sk|fi|nf|in|ti|ce)([+-]?\d*)", re.IGNORECASE)
# Character sets that a text switches to within itself, by the escape sequence of ISO 2022.
_PARTS = {
    "2D41": "iso8859-1",
    "2D42": "iso8859-2",
    "2D43": "iso8859-3",
    "2D44": "iso8859-4",
    "2D4C": "iso8859-5",
    "2D47": "iso8859-6",
    "2D46": "iso8859-7",
    "2D48": "iso8859-8",
    "2D4D": "iso8859-9",
    "2D54": "iso8859-11",
    "2949": "shift_jis",
}
_SWITCHED = frozenset(("2842", "284A", "2440", "2442", "242844", "2441", "242843"))
_HEX = re.compile(r"X((?:[0-9A-Fa-f]{2})+)")


def unescape(text: str, delimiters: Delimiters, codec: str) -> str:
    """Resolve escape sequences (HL7 v2.8 section 2.7); an unknown sequence stays as it is."""
    mark = re.escape(delimiters.escape)
    if f"{delimiters.escape}C" in text or f"{delimiters.escape}M" in text:
        switch = f"{mark}([CM])((?:[0-9A-Fa-f]{{2}}){{2,3}}){mark}"
        first, *others = re.split(switch, text)
        made = [_plain(first, delimiters, codec)]
        for kind, name, run in zip(others[::3], others[1::3], others[2::3], strict=True):
            read = _switched(name.upper(), _plain(run, delimiters, codec), codec)
            sequence = f"{delimiters.escape}{kind}{name}{delimiters.escape}"
            made.append(f"{sequence}{run}" if read is None else read)
        return "".join(made)
    return _plain(text, delimiters, codec)


def _switched(name: str, run: str, codec: str) -> str | None:
    """Read a run in the character set that it was switched to; None where that cannot be."""
    try:
        if name in _PARTS:
            return run.encode(codec).decode(_PARTS[name])
        if name in _SWITCHED:
            raw = b"\x1b" + bytes.fromhex(name) + run.encode(codec)
            return raw.decode("iso2022_jp_2")
    except UnicodeError:
        return None
    return None


def _plain(text: str, delimiters: Delimiters, codec: str) -> str:
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
