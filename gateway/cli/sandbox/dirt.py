"""What is wrong with real records, put into a share of the sandbox's messages.

Harmless dirt changes how a message looks and nothing of what it says: it must arrive. Of a broken
one a copy goes first and has to be parked for the right reason; the right one follows, as it does
when somebody mended the source.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random

from gateway.cli.sandbox.message import Message

Change = Callable[[bytes], bytes]
XML, HL7, CSV, VIEW = "xml", "hl7", "csv", "json"


@dataclass(frozen=True, slots=True)
class Dirt:
    """One way to be wrong: in which shapes, how, and which error has to answer (None: none)."""

    name: str
    suffixes: tuple[str, ...]
    change: Change
    parks: str | None = None
    kinds: tuple[str, ...] = ()

    def fits(self, message: Message) -> bool:
        """Say whether the message can be wrong in this way."""
        if message.suffix not in self.suffixes or (self.kinds and message.kind not in self.kinds):
            return False
        return self.change(message.raw) != message.raw


def soiled(messages: Iterable[Message], share: float, random: Random) -> Iterator[Message]:
    """Give the messages, a share of them dirty; every kind of dirt has its turn."""
    used: Counter[int] = Counter()
    for message in messages:
        fitting: list[int] = []
        if random.random() < share:
            fitting = [place for place, one in enumerate(DIRT) if one.fits(message)]
        if fitting:
            rarest = min(fitting, key=used.__getitem__)
            used[rarest] += 1
            yield from _dirty(message, DIRT[rarest])
        else:
            yield message


def _dirty(message: Message, dirt: Dirt) -> Iterator[Message]:
    changed = replace(message, raw=dirt.change(message.raw), dirt=dirt.name, parks=dirt.parks)
    if dirt.parks is not None or dirt.name == "twice":
        yield changed
        yield message
    else:
        yield changed


# ---------------------------------------------------------------- changes of bytes


def _replaced(old: bytes, new: bytes, raw: bytes) -> bytes:
    return raw.replace(old, new)


def _once(pattern: bytes, new: bytes, raw: bytes) -> bytes:
    return re.sub(pattern, new, raw, count=1)


def _torn(raw: bytes) -> bytes:
    return raw[: len(raw) * 2 // 3]


def _with_bom(raw: bytes) -> bytes:
    return b"\xef\xbb\xbf" + raw


def _again(raw: bytes) -> bytes:
    return raw + b"\r" if raw.endswith(b"\r") else raw + b"\n"


def _full_width(raw: bytes) -> bytes:
    """Write the first result's digits as full-width ones."""
    found = re.search(rb"<itemResult>([0-9.]+)</itemResult>", raw)
    if found is None:
        return raw
    wide = found[1].decode().translate({ord(one): ord(one) + 0xFEE0 for one in "0123456789."})
    return raw.replace(found[0], f"<itemResult>{wide}</itemResult>".encode(), 1)


def _small_x(raw: bytes) -> bytes:
    return re.sub(rb"(?<![0-9A-Za-z])(\d{17})X", rb"\1x", raw)


def _in_first_row(changes: Sequence[tuple[str, str]], raw: bytes) -> bytes:
    """Put other texts into columns of the first row of a file."""
    header, first, *rest = raw.decode("gb18030").split("\r\n")
    cells = dict(zip(header.split(","), first.split(","), strict=True))
    for column, text in changes:
        if column not in cells:
            return raw
        cells[column] = text.format(cells[column])
    return "\r\n".join([header, ",".join(cells.values()), *rest]).encode("gb18030")


def _only_first_row(ending: str, raw: bytes) -> bytes:
    header, first, *_ = raw.decode("gb18030").split("\r\n")
    return f"{header}\r\n{first}{ending}\r\n".encode("gb18030")


def _nobody_in_row(raw: bytes) -> bytes:
    return _in_first_row((("SFZH", ""), ("BRID", "-")), _only_first_row("", raw))


def _in_view(changes: Sequence[tuple[str, str]], raw: bytes) -> bytes:
    row = json.loads(raw)
    row.update({column: text for column, text in changes if column in row})
    return json.dumps(row, ensure_ascii=False).encode()


_FIELD = rb"[^|]*\|"
_HL7_NOBODY = rb"PID\|1\|\|[^|]*(\|" + _FIELD * 15 + rb")[^|]*"
_FLAT_NOBODY = rb"(?s)<patId>[^<]*</patId>(.*?)<idCard>[^<]*</idCard>"
_NO_NUMBER = (("SFZH", ""), ("BRID", "-"))
_EVENT = rb"ADT\^A\d\d\^ADT_A\d\d"
_BRACKET = "</row〉".encode()

DIRT: tuple[Dirt, ...] = (
    # Harmless.
    Dirt("placeholder-phone", (XML,), partial(_once, rb"1390000\d{4}|139\d{8}", b"-")),
    Dirt("byte-order-mark", (XML,), _with_bom),
    Dirt("line-feeds", (HL7,), partial(_replaced, b"\r", b"\n")),
    Dirt("z-segment", (HL7,), lambda raw: raw + "ZPD|1|院内扩展\r".encode("gb18030")),
    Dirt("given-name-only", (HL7,), partial(_once, rb"(NI\|\|)([^^|]*)\^[^|]*", rb"\1^\2")),
    Dirt("dash-for-nothing", (CSV,), partial(_in_first_row, (("LXDH", "-"), ("LXRXM", "无")))),
    Dirt("blanks-around", (CSV,), partial(_in_first_row, (("XM", "{0} "), ("ZDDM", " {0} ")))),
    Dirt("nothing-spelled-out", (CSV,), partial(_in_first_row, (("MZH", "N/A"), ("YCBZ", "--")))),
    Dirt("nothing-in-view", (VIEW,), partial(_in_view, (("LXDH", "无"), ("MZH", "-")))),
    Dirt("full-width-digits", (XML,), _full_width),
    Dirt("small-x", (XML, HL7), _small_x),
    Dirt("twice", (XML, HL7), _again),
    # Broken.
    Dirt("torn", (XML,), _torn, "GW-2301"),
    Dirt("full-width-bracket", (XML,), partial(_once, rb"</row>|</name>", _BRACKET), "GW-2301"),
    Dirt("no-mapping", (HL7,), partial(_once, _EVENT, b"QRY^A19^QRY_A19"), "GW-3002"),
    Dirt("nobody", (HL7,), partial(_once, _HL7_NOBODY, rb"PID|1||\1"), "GW-3101"),
    Dirt("nobody", (XML,), partial(_once, _FLAT_NOBODY, rb"\1"), "GW-3101"),
    Dirt("unknown-gender", (HL7,), partial(_once, rb"\|[MF]\|\|\|", b"|Q|||"), "GW-3102"),
    Dirt("wrong-octets", (HL7,), partial(_once, rb"\^PI~", b"\xff\xff^PI~"), "GW-2602"),
    Dirt("extra-cell", (CSV,), partial(_only_first_row, ",,,9"), "GW-2501"),
    Dirt("nobody", (CSV,), _nobody_in_row, "GW-3101", ("visits", "lab")),
    Dirt("nobody", (VIEW,), partial(_in_view, _NO_NUMBER), "GW-3101", ("visits",)),
)  # fmt: skip
