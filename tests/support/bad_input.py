"""Input that no sender should send: small pieces of every kind, and heavy ones."""

import random
from collections.abc import Iterator

from gateway.cli.demo.world import record
from gateway.records import Format

_BOMB = "".join(
    f'<!ENTITY e{number} "{f"&e{number - 1};" * 10}">' if number else '<!ENTITY e0 "ha">'
    for number in range(10)
)
GOOD: dict[Format, tuple[str, str]] = {
    "rows": ("referral.csv", "gb18030"),
    "hl7v2": ("admission.hl7", "utf-8"),
    "xml": ("discharge-summary.xml", "utf-8"),
    "json": ("nhsa-2304.json", "utf-8"),
}
ANYWHERE: dict[str, bytes] = {
    "nothing": b"",
    "white space": b" \r\n\t \n",
    "another format": b"%PDF-1.7\n%\x93\x8c\x8b\x9e\n1 0 obj << /Type /Catalog >> endobj\n",
    "null bytes": bytes(1000),
    "random bytes": random.Random(7).randbytes(5000),
    "half surrogate in UTF-8": b'{"resourceType": "Patient", "id": "\xed\xa0\x80"}',
    "half surrogate escaped": b'{"resourceType": "Patient", "id": "\\ud800", "infno": "\\udfff"}',
    "arrays nested 100,000 deep": b"[" * 100_000,
    "objects nested 100,000 deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "elements nested 100,000 deep": b"<a>" * 100_000 + b"</a>" * 100_000,
    "entity bomb": f"<?xml version='1.0'?><!DOCTYPE a [{_BOMB}]><a>&e9;</a>".encode(),
    "outer entity": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    "number without end": b'{"resourceType": "Patient", "id": ' + b"9" * 100_000,
    "exponent": b'{"resourceType": "Observation", "valueInteger": 1e999999999}',
}
# A file of rows may hold anything below one header, so only what no header can be is refused.
NO_ROWS = frozenset({"nothing", "white space", "random bytes", "half surrogate in UTF-8"})


def spoiled(format_: Format) -> Iterator[tuple[str, bytes]]:
    """Spoil the good record of a format in several ways."""
    name, charset = GOOD[format_]
    raw = record(name)
    yield "truncated", raw[: len(raw) * 3 // 5]
    yield "cut by a few bytes", raw.rstrip()[:-40]
    yield "null byte within", raw[: len(raw) // 2] + b"\0" + raw[len(raw) // 2 :]
    text = raw.decode(charset)
    if format_ not in ("hl7v2", "xml"):  # Their readers know UTF-16 by MSH and by the first "<".
        yield "UTF-16 without byte order", text.encode("utf-16-le")
    if charset == "utf-8":
        yield "GB 18030 instead of UTF-8", text.encode("gb18030")
    yield "a byte that is no character", raw.replace(b"2026", b"20\xff\xff26", 1)


def heavy(format_: Format) -> Iterator[tuple[str, bytes]]:
    """Make records that are large, or dear to read."""
    yield "50 MB of nothing", b"x" * 50_000_000
    match format_:
        case "rows":
            yield "50 MB of bad rows", b"A,B\n" + b"1\n" * 24_999_990
            yield "one cell of 50 MB", b'A,B\n"' + b"x" * 49_999_000
        case "hl7v2":
            head = b"MSH|^~\\&|HIS|H|||20261103||ADT^A01|1|P|2.4\r"
            yield "50 MB of segments", head + b"OBX|1\r" * 8_000_000
            yield "a field of 6 MB of components", head + b"OBX|1|TX|a||" + b"a^" * 3_000_000
            yield "a field of 6 MB of escapes", head + b"OBX|1|TX|a||" + b"\\F\\" * 2_000_000
        case "xml":
            yield "50 MB of elements", b"<a>" + b"<b/>" * 12_000_000 + b"</a>"
            yield (
                "100,000 attributes",
                (b"<a " + b" ".join(b'a%d="1"' % number for number in range(100_000)) + b"/>"),
            )
            yield "50 MB never closed", b"<a>" + b"<b>x</b>" * 6_200_000
        case _:
            yield "17 MB of numbers", b"[" + b"1," * 8_500_000 + b"1]"
            yield "17 MB of objects", b"[" + b'{"a":"x"},' * 1_700_000 + b"1]"
            yield "50 MB of numbers", b"[" + b"1," * 24_000_000 + b"1]"
