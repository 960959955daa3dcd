"""Character sets and text: bytes become text once, at the door, and never by guessing.

The order is fixed: the channel's declaration, the format's own (MSH-18, XML declaration, byte
order mark), strict UTF-8. Detection happens only where the channel says ``detect``.
"""

import codecs
import re
import unicodedata

from gateway.errors import GatewayError
from gateway.records import Place

DETECT = "detect"
CANDIDATES = ("utf-8", "gb18030")
"""What ``detect`` chooses between; anything else must be declared."""

# GB 2312 and GBK are subsets of GB 18030, and systems that declare the former send the latter.
_NAMES = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "cp936": "gb18030",
    "gb18030": "gb18030",
    "gb18030-2000": "gb18030",
    "gb18030-2005": "gb18030",
    "gb18030-2022": "gb18030",
    "unicode": "utf-8",
    "unicodeutf-8": "utf-8",
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "unicodeutf-16": "utf-16",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "utf-16be": "utf-16-be",
    "unicodeutf-32": "utf-32",
    "ascii": "ascii",
    "us-ascii": "ascii",
    "isoir6": "ascii",
    "ksx1001": "euc-kr",
    "big-5": "big5",
    "big5": "big5",
    "cns11643-1992": "big5",
    "isoir87": "iso2022_jp_2",
    "isoir159": "iso2022_jp_2",
    "windows-1252": "cp1252",
    **{f"8859/{part}": f"iso8859-{part}" for part in (*range(1, 12), *range(13, 17))},
}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Without a byte order mark these do not say which byte comes first.
_ENDIAN = frozenset(("utf-16", "utf-32"))
# NFKC would turn 10⁹ into 109 and ½ into 1⁄2: superscripts, subscripts, fractions and circled
# numbers carry meaning and stay.
_KEPT = re.compile(
    "["
    + "".join(
        re.escape(chr(point))
        for point in range(0x80, 0x10000)
        if unicodedata.decomposition(chr(point)).startswith(
            ("<super>", "<sub>", "<fraction>", "<circle>")
        )
    )
    + "]+"
)
_UNASSIGNED = frozenset(("Cn", "Co", "Cs"))
_CHUNK_BYTES = 1 << 20
_WIDE = ("utf-16", "utf-32")
# What is declared otherwise and yet reads as UTF-8 all along is UTF-8, once it holds sixteen
# different characters of two bytes, or four of more: in GB 18030 the first bytes of the latter are
# those of rare characters, and chance makes such a text once in 10^8.
_CERTAIN = 16
_SAMPLE_BYTES = 1 << 18


def codec_of(name: str) -> str | None:
    """Give the Python codec of a name from HL7 table 0211, an XML declaration or a channel."""
    key = name.strip().lower().replace("_", "-").replace(" ", "")
    if known := _NAMES.get(key):
        return known
    try:
        found = codecs.lookup(key)
        "".encode(found.name)
    except (LookupError, TypeError, ValueError):
        return None
    return found.name if found.name.startswith(("iso8859", "cp", "koi8", "big5", "euc")) else None


def required_codec(name: str, where: Place) -> str:
    """Give the codec of a declared name; raise GW-2601 when it is not known."""
    if codec := codec_of(name):
        return codec
    raise GatewayError("GW-2601", where=where, charset=name[:40])


def mark_of(raw: bytes) -> str | None:
    """Give the codec that a byte order mark declares."""
    return next((codec for mark, codec in _MARKS if raw.startswith(mark)), None)


def form_of(raw: bytes, opening: str) -> str | None:
    """Give the codec that a byte order mark or the bytes of a format's own opening declare.

    A format that must begin with ``opening`` tells UTF-16 and its byte order by how these
    characters stand in bytes; single-byte and multibyte character sets are not told apart so.
    """
    if mark := mark_of(raw):
        return mark
    wide = ("utf-16-le", "utf-16-be")
    return next((codec for codec in wide if raw.startswith(opening.encode(codec))), None)


def decide_charset(raw: bytes, channel: str | None, declared: str | None, where: Place) -> str:
    """Decide the codec of a message by declaration, or by detection where the channel asks.

    ``declared`` is what the message itself says, ``where`` stands for that declaration. Raises
    GW-2601 (unknown name), GW-2603 (byte order mark against the declaration), GW-2604 and
    GW-2605 (detection), GW-2606 (UTF-16 without byte order), GW-2608 (bytes that cannot be what
    was declared).
    """
    mark = mark_of(raw)
    if channel and channel != DETECT:
        stated: str | None = required_codec(channel, Place("channel.charset"))
    else:
        stated = required_codec(declared, where) if declared else None
    if mark and stated and not stated.startswith(mark):
        raise GatewayError("GW-2603", where=where, mark=mark, charset=stated)
    if stated and not mark:
        _demand_likely(raw, stated, where)
    if mark or stated:
        return mark or stated or "utf-8"
    return _detect(raw) if channel == DETECT else "utf-8"


def _demand_likely(raw: bytes, stated: str, where: Place) -> None:
    """Raise GW-2608 where the bytes rule out what was declared, GW-2606 without byte order.

    A document that was converted without its declaration would otherwise become other characters,
    and nobody would be told.
    """
    if stated.startswith(_WIDE):
        if b"\0" not in raw[:_SAMPLE_BYTES]:
            found = "ASCII, UTF-8 …"
            raise GatewayError("GW-2608", where=where, charset=stated, found=found)
        if stated in _ENDIAN:
            raise GatewayError("GW-2606", where=where, charset=stated)
    elif stated not in ("utf-8", "ascii") and not raw.isascii() and _is_utf_8(raw):
        raise GatewayError("GW-2608", where=where, charset=stated, found="utf-8")


def _is_utf_8(raw: bytes) -> bool:
    """Say whether the text is UTF-8 beyond doubt, by its beginning."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(raw[:_SAMPLE_BYTES])
    except UnicodeDecodeError:
        return False
    beyond = {character for character in text if character > "\x7f"}
    return sum(1 if character < "\u0800" else 4 for character in beyond) >= _CERTAIN


def _detect(raw: bytes) -> str:
    if raw.isascii():
        return "utf-8"
    accepted = [codec for codec in CANDIDATES if _is_text(raw, codec)]
    if len(accepted) == 1:
        return accepted[0]
    number = "GW-2604" if accepted else "GW-2605"
    raise GatewayError(number, where=Place("", 1), charsets=", ".join(accepted or CANDIDATES))


def _is_text(raw: bytes, codec: str) -> bool:
    try:
        text = raw.decode(codec)
    except UnicodeDecodeError:
        return False
    return not any(unicodedata.category(character) in _UNASSIGNED for character in set(text))


def decode(raw: bytes, codec: str) -> str:
    """Decode strictly, without byte order mark; raise GW-2602 with offset, line and column."""
    try:
        text = raw.decode(codec)
    except UnicodeDecodeError as error:
        raise _undecodable(raw, codec, error.start) from error
    return text.removeprefix("\ufeff")


def refuse_nulls(text: str) -> None:
    """Raise GW-2607 for a null character: within a text it is a damaged transmission."""
    if "\0" in text:
        raise GatewayError("GW-2607", where=_spot(text[: text.index("\0")].encode()))


def demand_decodable(raw: bytes, codec: str) -> None:
    """Check a large message before its first record is given out; raise GW-2602, GW-2607."""
    if b"\0" in raw and not codec.startswith(("utf-16", "utf-32")):
        raise GatewayError("GW-2607", where=_spot(raw[: raw.index(b"\0")]))
    decoder = codecs.getincrementaldecoder(codec)()
    view = memoryview(raw)
    for start in range(0, len(raw) or 1, _CHUNK_BYTES):
        pending = len(decoder.getstate()[0])
        is_last = start + _CHUNK_BYTES >= len(raw)
        try:
            decoder.decode(view[start : start + _CHUNK_BYTES], is_last)
        except UnicodeDecodeError as error:
            raise _undecodable(raw, codec, start - pending + error.start) from error


def _undecodable(raw: bytes, codec: str, offset: int) -> GatewayError:
    return GatewayError("GW-2602", where=_spot(raw[:offset]), offset=offset, charset=codec)


def _spot(before: bytes) -> Place:
    """Give the line and column that follow what comes before."""
    # CR, LF and CR LF each end a line; in CR-separated HL7 that is the segment's number.
    lines = re.split(rb"\r\n|\r|\n", before)
    return Place("", len(lines), len(lines[-1]) + 1)


def normalise(text: str) -> str | None:
    """Give text in NFKC and trimmed, None when nothing is left.

    Superscripts, subscripts, fractions and circled numbers stay: ``10⁹/L`` must not become 109/L.
    """
    if not (text.isascii() or unicodedata.is_normalized("NFKC", text)):
        if _KEPT.search(text) is None:
            text = unicodedata.normalize("NFKC", text)
        else:
            text = _normalise_between(text)
    return text.strip() or None


def _normalise_between(text: str) -> str:
    parts: list[str] = []
    end = 0
    for kept in _KEPT.finditer(text):
        parts += (unicodedata.normalize("NFKC", text[end : kept.start()]), kept.group())
        end = kept.end()
    parts.append(unicodedata.normalize("NFKC", text[end:]))
    return "".join(parts)
