"""Mapping with lineage: messages a second of one core, read from bytes, every source field counted.

A laboratory result of ten OBX, a discharge summary in CDA of 40 KB, rows of a referral export.
Processor time, best of several rounds: other load on the machine does not count.
"""

import re
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from stdnum.cn import ric

from benchmarks.asked import numbers
from gateway.fhir import definitions
from gateway.formats import DIALECTS, READERS
from gateway.mapping import MappingProgram, load_mapping, trials
from gateway.records import Channel, Envelope, Mapped, Parsed

_MAPPINGS = Path(__file__).resolve().parent.parent / "mappings"
_RECEIVED = datetime(2026, 11, 22, tzinfo=UTC)
_CDA_BYTES = 40_000


def _envelope(program: MappingProgram, raw: bytes) -> Envelope:
    samples = program.samples
    channel = Channel(
        "bench",
        1,
        samples.member,
        program.format,
        (program.id,),
        samples.charset,
        samples.zone,
        options=samples.options,
    )
    return Envelope("bench", channel, raw, _RECEIVED)


def _mapped(program: MappingProgram, envelope: Envelope) -> Iterator[Mapped]:
    context = trials.context_of(program)
    records: Iterable[Parsed] = READERS[program.format].read(envelope)
    for parsed in records:
        if program.accepts(parsed):
            yield program.run(parsed, context)


def oru(sample: bytes) -> bytes:
    """Give the laboratory sample with ten results of its own kinds."""
    lines = [line for line in re.split(rb"[\r\n]+", sample) if line]
    results = [line for line in lines if line.startswith(b"OBX")]
    rest = [line for line in lines if line.startswith(b"NTE")]
    head = [line for line in lines if line[:3] not in {b"OBX", b"NTE"}]
    made = []
    for number in range(10):
        fields = results[number % len(results)].split(b"|")
        fields[1] = str(number + 1).encode()
        parts = fields[3].split(b"^")
        parts[0] += str(number).encode() if number >= len(results) else b""
        fields[3] = b"^".join(parts)
        made.append(b"|".join(fields))
    return b"\r".join([*head, *made, *rest]) + b"\r"


def varied(message: bytes, count: int) -> list[bytes]:
    """Give as many messages, each with numbers and values of its own: nothing is met twice."""
    lines = message.split(b"\r")
    made = []
    for number in range(count):
        changed = []
        for at, line in enumerate(lines):
            fields = line.split(b"|")
            if fields[0] == b"OBX" and fields[2] in (b"NM", b"SN"):
                head = b"<^" if fields[2] == b"SN" else b""
                fields[5] = head + b"%d.%02d" % (number % 90 + 1, (number + at) % 100)
            elif fields[0] in (b"OBR", b"ORC"):
                fields[2], fields[3] = b"SQ%011d" % number, b"RP%011d" % number
            elif fields[0] == b"PID":
                digits = f"42030019620514{number % 1000:03d}"
                card = digits + ric.calc_check_digit(digits + "0")
                own = re.sub(rb"^[^^]*", b"QS%07d" % number, fields[3].split(b"~")[0])
                fields[3] = own + b"~" + card.encode() + b"^^^^NI"
                fields[19] = card.encode()
            elif fields[0] == b"PV1":
                fields[19] = b"MZ%011d" % number
            elif fields[0] == b"MSH":
                fields[9] = b"LIS%012d" % number
            changed.append(b"|".join(fields))
        made.append(b"\r".join(changed))
    return made


def cda(sample: bytes) -> bytes:
    """Give the discharge summary with its entries repeated up to 40 KB."""
    entries = re.findall(rb"<entry\b.*?</entry>", sample, re.DOTALL)
    text = sample
    number = 0
    while len(text) < _CDA_BYTES:
        entry = entries[number % len(entries)]
        at = text.index(entry) + len(entry)
        text = text[:at] + entry + text[at:]
        number += 1
    return text


def rows(sample: bytes, count: int) -> bytes:
    """Give an export of many rows: the sample's row under numbers of its own."""
    header, row = [line for line in re.split(rb"[\r\n]+", sample) if line][:2]
    number = row.split(b",", 1)[0]
    made = (row.replace(number, b"ZZ%010d" % index, 1) for index in range(count))
    return b"\r\n".join([header, *made]) + b"\r\n"


def _rate(work: Callable[[], int], seconds: float = 2.0) -> float:
    """Give things a second of processor time: the best of rounds that fill the seconds."""
    work()
    best = 0.0
    end = time.process_time() + seconds
    while time.process_time() < end:
        begin = time.process_time()
        done = work()
        best = max(best, done / (time.process_time() - begin))
    return best


def _program(name: str) -> MappingProgram:
    return load_mapping(_MAPPINGS / name / "map.yaml", DIALECTS, definitions.load())


def _sample(program: MappingProgram, name: str) -> bytes:
    return (Path(program.path).parent / "samples" / name).read_bytes()


def _message(title: str, program: MappingProgram, raws: list[bytes]) -> None:
    raw, envelopes = raws[0], [_envelope(program, raw) for raw in raws]
    made = list(_mapped(program, envelopes[0]))
    lineage = sum(len(one.lineage) for one in made)
    resources = sum(len(one.contributions) for one in made)

    def noted() -> int:
        for envelope in envelopes:
            for _ in _mapped(program, envelope):
                pass
        return len(envelopes)

    def written() -> int:
        return sum(
            len(one.lineage) + len(one.unread) > 0
            for envelope in envelopes
            for one in _mapped(program, envelope)
        )

    rate, told = _rate(noted), _rate(written)
    print(
        f"  {title:34} {len(raw):8} bytes {resources:4} resources {lineage:5} lineage rows"
        f" {rate:9.0f} /s {1000 / rate:7.3f} ms; written out {told:7.0f} /s {1000 / told:7.3f} ms"
    )


def _stream(program: MappingProgram, sample: bytes, count: int) -> None:
    """Map a long file and show the most memory it took above the file itself."""
    raw = rows(sample, count)
    envelope = _envelope(program, raw)
    begin = time.process_time()
    done = sum(1 for _ in _mapped(program, envelope))
    used = time.process_time() - begin
    print(f"  {'rows of a referral export':34} {done:8} rows {done / used:54.0f} /s")


def _memory(program: MappingProgram, sample: bytes, count: int) -> None:
    envelope = _envelope(program, rows(sample, count))
    tracemalloc.start()
    done = sum(1 for _ in _mapped(program, envelope))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"  {'most memory above the file':34} {done:8} rows {peak / 1e6:53.1f} MB")


def main(count: int = 20_000) -> None:
    """Print rates of mapping; ``count`` rows are streamed."""
    print("mapping with lineage, one core: read and map, a second of processor time")
    result = _program("lab/oru-r01")
    _message("ORU^R01, ten OBX", result, varied(oru(_sample(result, "lab.hl7")), 50))
    summary = _program("county/cda-c0053")
    sample = _sample(summary, "discharge-summary.xml")
    _message("CDA C0053, the sample", summary, [sample] * 10)
    _message("CDA C0053, 40 KB", summary, [cda(sample)] * 10)
    export = _program("township-bsoft/referral")
    row = _sample(export, "up-inpatient.csv")
    _stream(export, row, count)
    for some in (1_000, 5_000):
        _memory(export, row, some)


if __name__ == "__main__":
    main(*numbers("mapping", __doc__)[0])
