"""Coverage-guided fuzzing of the readers: ``python -m tests.fuzz.readers [SECONDS] [FORMAT…]``.

Mutates seeds, keeps every input that reaches a new line of ``gateway/formats``, and ends with
exit code 1 and the input in hexadecimal when anything but a GatewayError comes out, when one
input takes longer than five seconds, or when memory passes its bound.
"""

import argparse
import random
import resource
import sys
import time
from collections.abc import Callable
from types import FrameType

from gateway.errors import GatewayError
from gateway.formats import READERS
from gateway.records import Format
from tests.unit.formats.reading import envelope

SLOW_S = 5.0
MAX_RSS_KB = 2_000_000
SEEDS: dict[Format, list[bytes]] = {
    "hl7v2": [
        "MSH|^~\\&|LIS|H||||||1|P|2.4||||||UNICODE UTF-8\rPID|1||P^^^H&测^PI~N\r".encode(),
        b"BHS|^~\\&\rMSH|^~\\&|A||||||ORU^R01|1\rOBR|1\r"
        b"OBX|1|ST|A||\\X41\\\\.br\\\\F\\\rNTE|1\rBTS|2\r",
        "MSH|^~\\&|检||||||ADT^A01|1||||||||GB 18030-2000\rPV1|1\rDG1|1\r".encode("gb18030"),
    ],
    "xml": [
        b'<?xml version="1.0" encoding="GBK"?><!-- c --><a x="1"><b>t</b>u<b/></a>',
        b'<ClinicalDocument xmlns="urn:hl7-org:v3"><id root="1"/>'
        b'<code code="C0053"/></ClinicalDocument>',
        b'<c:ClinicalDocument xmlns:c="urn:hl7-org:v3" xmlns:x="urn:x"><c:text><c:content ID="n">t'
        b'</c:content></c:text><c:originalText><c:reference value="#n"/></c:originalText>'
        b'<c:value x:type="PQ" value="1"/></c:ClinicalDocument>',
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;<![CDATA[x]]></a>",
    ],
    "json": [
        b'{"infno": "2304", "output": {"setlinfo": {"x": 1.50, "y": null}}, "l": [true, -1e3]}',
        b'[{"a": "\\u6d4b\\ud83d\\ude00\\n"}, {"infcode": 0, "output": {"baseinfo": {}}}]',
    ],
    "rows": [
        b'\xef\xbb\xbfA,B\r\n"1,""2""",3\r\n\r\n4\r\n',
        "编号,姓名\n1,测试\n".encode("gb18030"),
    ],
}
CHARSETS = (None, "gb18030", "detect", "utf-16", "ascii")
TOKENS = (
    b"|",
    b"^",
    b"~",
    b"\\",
    b"&",
    b"\r",
    b"\n",
    b"MSH|^~\\&|",
    b"<",
    b"/>",
    b"<!--",
    b"]]>",
    b"&#x",
    b'"',
)
_OWN = "gateway/formats"


def mutate(data: bytes, corpus: list[bytes], chance: random.Random) -> bytes:
    """Change a few places: bytes, tokens, pieces of itself or of another input."""
    made = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        at = chance.randint(0, len(made))
        end = min(len(made), at + chance.randint(0, 12))
        match chance.randrange(6):
            case 0:
                made[at:end] = bytes(chance.randrange(256) for _ in range(chance.randint(0, 4)))
            case 1:
                made[at:at] = chance.choice(TOKENS)
            case 2:
                del made[at:end]
            case 3:
                made[at:at] = made[at:end] * chance.choice((1, 2, 50))
            case 4:
                other = chance.choice(corpus)
                start = chance.randint(0, len(other))
                made[at:end] = other[start : start + 30]
            case _:
                if at < len(made):
                    made[at] ^= 1 << chance.randrange(8)
    return bytes(made[:20_000])


def attempt(format_: Format, data: bytes, charset: str | None) -> None:
    """Read everything; only a GatewayError may come out, and it has a place."""
    try:
        for parsed in READERS[format_].read(envelope(data, format_, charset)):
            for leaf in parsed.leaves():
                str(leaf.place)
                leaf.text  # noqa: B018 - computed on access
    except GatewayError as error:
        if error.where is None:
            raise ValueError(f"{error.number} without place") from error


def traced(run: Callable[[], None]) -> set[tuple[str, int]]:
    """Run and give the lines of the readers that were reached."""
    reached: set[tuple[str, int]] = set()

    def trace(frame: FrameType, event: str, argument: object) -> object:
        if _OWN not in frame.f_code.co_filename:
            return None
        reached.add((frame.f_code.co_filename, frame.f_lineno))
        return trace

    sys.settrace(trace)  # type: ignore[arg-type]
    try:
        run()
    finally:
        sys.settrace(None)
    return reached


def fuzz(format_: Format, seconds: float, chance: random.Random) -> bytes | None:
    """Fuzz one reader; give the input that broke it, or None."""
    corpus = list(SEEDS[format_])
    seen: set[tuple[str, int]] = set()
    count = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        data = (
            corpus[count]
            if count < len(SEEDS[format_])
            else mutate(chance.choice(corpus), corpus, chance)
        )
        charset = chance.choice(CHARSETS) if count % 3 == 0 else None
        began = time.monotonic()
        try:
            reached = traced(lambda: attempt(format_, data, charset))  # noqa: B023
        except Exception as error:  # noqa: BLE001 - finding any other exception is the purpose
            print(f"{format_} {charset}: {type(error).__name__}: {error}")
            return data
        if time.monotonic() - began > SLOW_S:
            print(f"{format_} {charset}: slow")
            return data
        if not reached <= seen:
            seen |= reached
            corpus.append(data)
        count += 1
    print(f"{format_}: {count} inputs, {len(corpus)} kept, {len(seen)} lines reached")
    return None


def main(arguments: list[str]) -> int:
    """Fuzz each reader for the seconds given, or only the formats named."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.readers", description=__doc__)
    parser.add_argument("seconds", nargs="?", type=float, default=60.0, help="for each format")
    parser.add_argument("formats", nargs="*", metavar="FORMAT", help=f"of {', '.join(SEEDS)}")
    options = parser.parse_args(arguments)
    seconds = options.seconds
    seed = time.time_ns()
    print(f"seed {seed}")
    for format_ in SEEDS:
        if options.formats and format_ not in options.formats:
            continue
        broken = fuzz(format_, seconds, random.Random(seed))
        if broken is not None:
            print(broken.hex())
            return 1
        if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > MAX_RSS_KB:
            print(f"{format_}: memory beyond the bound")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
