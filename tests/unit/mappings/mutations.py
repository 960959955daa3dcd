"""Records of other hospitals: our samples changed at random, in ways that are really met."""

import csv
import io
import json
import random
import re
import unicodedata
from typing import Any

from lxml import etree

KANGXI = {
    ord(unicodedata.normalize("NFKC", chr(point))): chr(point) for point in range(0x2F00, 0x2FD6)
}
"""Common characters by the radicals that look like them (U+2F00…)."""
WIDE = {ord(digit): chr(ord(digit) + 0xFEE0) for digit in "0123456789"}
TEXTS = [
    "无",
    "-",
    "张⼩⽂",
    "欧阳·阿依古丽",
    "a<b&c",
    "𠮷田",
    "１２３",
    "待查？",
    "N/A",
    "X" * 300,
]
CODES = ["ZZ9", "99", "01", "1", "A18.029+M01.1* ", "", "-", "DE99.99.999.00"]
DATES = ["20261112", "202611120930", "2026", "2026-11-12", "00000000", "20261345"]
NAMED = re.compile(r"code|Code|Cd$|type|flag|_fg", re.ASCII)


def changed(raw: bytes, suffix: str, charset: str, seed: int) -> bytes:
    """Change a record in one to three places."""
    chance = random.Random(seed)
    match suffix:
        case ".xml":
            return _xml(raw, chance)
        case ".json":
            return _json(raw, chance)
        case ".csv":
            return _rows(raw.decode(charset), chance).encode(charset, "replace")
        case _:
            return _lines(raw.decode(charset), chance).encode(charset, "replace")


def _value(old: str, name: str, chance: random.Random) -> str:
    """Give a value as another system would have written it."""
    if chance.random() < 0.3:
        return old.translate(WIDE)
    if re.fullmatch(r"[12]\d{7,13}|\d{4}-\d\d-\d\d.*", old):
        return chance.choice(DATES)
    if NAMED.search(name):
        return chance.choice(CODES)
    return chance.choice([*TEXTS, old.translate(KANGXI), f" {old} "])


def _xml(raw: bytes, chance: random.Random) -> bytes:
    root = etree.fromstring(raw)
    for _ in range(chance.randint(1, 3)):
        inner = [one for one in root.iter() if isinstance(one.tag, str) and one is not root]
        if not inner:
            break
        element = chance.choice(inner)
        name = etree.QName(element).localname
        match chance.choice(["drop", "repeat", "value", "value", "value"]):
            case "drop":
                above = element.getparent()
                assert above is not None
                above.remove(element)
            case "repeat":
                element.addnext(etree.fromstring(etree.tostring(element)))
            case _ if element.attrib:
                key = str(chance.choice(list(element.attrib)))
                old = str(element.get(key))
                element.set(key, _value(old, f"{name}{key}", chance))
            case _ if element.text and element.text.strip():
                element.text = _value(element.text, name, chance)
    charset = "GB18030" if chance.random() < 0.2 else "UTF-8"
    written: bytes = etree.tostring(root, encoding=charset, xml_declaration=True)  # type: ignore[assignment]
    return written


def _json(raw: bytes, chance: random.Random) -> bytes:
    root = json.loads(raw, parse_float=str)
    for _ in range(chance.randint(1, 3)):
        spots = list(_spots(root))
        if not spots:
            break
        holder, key = chance.choice(spots)
        match chance.choice(["drop", "repeat", "value", "value", "null"]):
            case "drop":
                del holder[key]
            case "repeat" if isinstance(holder, list):
                holder.append(json.loads(json.dumps(holder[key])))
            case "null":
                holder[key] = None
            case _ if isinstance(holder[key], str):
                holder[key] = _value(holder[key], str(key), chance)
    return json.dumps(root, ensure_ascii=False).encode()


def _spots(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        found.append((value, key))
        if isinstance(inner, dict | list):
            found += _spots(inner)
    return found


def _rows(text: str, chance: random.Random) -> str:
    rows = list(csv.reader(io.StringIO(text)))
    for _ in range(chance.randint(1, 3)):
        row = chance.choice(rows[1:])
        at = chance.randrange(len(row))
        match chance.choice(["drop", "value", "value", "repeat"]):
            case "drop":
                row[at] = ""
            case "repeat":
                rows.append(list(row))
            case _:
                row[at] = _value(row[at], rows[0][at], chance)
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def _lines(text: str, chance: random.Random) -> str:
    lines = [line for line in re.split(r"[\r\n]+", text) if line]
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(1, len(lines))
        fields = lines[at].split("|")
        match chance.choice(["drop", "value", "value", "repeat"]):
            case "drop" if len(lines) > 3:
                del lines[at]
            case "repeat":
                lines.insert(at, lines[at])
            case _ if len(fields) > 1:
                spot = chance.randrange(1, len(fields))
                fields[spot] = _value(fields[spot], "", chance).replace("&", " ")
                lines[at] = "|".join(fields)
    return "\r".join(lines)
