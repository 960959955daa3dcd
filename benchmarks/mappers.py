"""Mapping beside other Python mappers, in one run: records a second of one core.

    python -m benchmarks.mappers [SECONDS]

Ours reads and maps with lineage and coverage. The others are installed into a throw-away
environment and do what they can: none keeps lineage or tells what it did not read. The results
are ORU^R01 of ten OBX, each with values of its own; the documents are C-CDA: a CCD of the
packs' samples. What one cannot do is printed as its own words.
"""

import json
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

from benchmarks.mapping import _envelope, _mapped, _program, _sample, oru, varied
from gateway.mapping import MappingProgram

BESIDE = ("hl7apy", "python-fhir-converter", "ccda-to-fhir", "hl7v2-fhir-bridge")
ENVIRONMENT = Path(tempfile.gettempdir()) / "gateway-mappers"
_DOCUMENT = "ccda/document"


def _rate(program: MappingProgram, raws: list[bytes], seconds: float) -> tuple[float, int]:
    envelopes = [_envelope(program, raw) for raw in raws]
    made = [one for envelope in envelopes for one in _mapped(program, envelope)]
    best, end = 0.0, time.process_time() + seconds
    while time.process_time() < end:
        begin = time.process_time()
        for envelope in envelopes:
            for _ in _mapped(program, envelope):
                pass
        best = max(best, len(envelopes) / (time.process_time() - begin))
    return best, len(made[0].contributions)


def _beside(work: dict[str, object]) -> dict[str, dict[str, object]]:
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        venv.create(ENVIRONMENT, with_pip=True)
    for package in BESIDE:
        subprocess.run([python, "-m", "pip", "install", "-q", package], check=False)
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(work, file)
        file.flush()
        script = Path(__file__).with_name("mappers_beside.py")
        done = subprocess.run(
            [python, script, file.name], capture_output=True, text=True, check=True
        )
    told: dict[str, dict[str, object]] = json.loads(done.stdout.splitlines()[-1])
    return told


def main(seconds: float = 3.0) -> None:
    """Print the table."""
    result, document = _program("lab/oru-r01"), _program(_DOCUMENT)
    results = varied(oru(_sample(result, "lab.hl7")), 20)
    folder = Path(document.path).parent / "samples"
    documents = [max(folder.glob("*.xml"), key=lambda path: path.stat().st_size).read_bytes()]
    lines: list[tuple[str, float, object]] = []
    for name, program, raws in (
        ("gateway, ORU^R01 with lineage", result, results),
        ("gateway, C-CDA with lineage", document, documents),
    ):
        lines.append((name, *_rate(program, raws, seconds)))
    work = {
        "results": [raw.decode("gbk").replace("CHN||zh", "") for raw in results],
        "documents": [raw.decode() for raw in documents],
        "seconds": seconds,
    }
    told = _beside(work)
    print(f"  {'mapper':34} {'records/s':>10} {'resources':>10}")
    for name, rate, made in lines:
        print(f"  {name:34} {rate:10.0f} {made:>10}")
    for name, seen in told.items():
        if "refused" in seen:
            print(f"  {name:34} {seen['refused']}")
        else:
            print(f"  {name:34} {seen['per_second']:10.1f} {seen['resources']:>10}")


if __name__ == "__main__":
    main(*(float(argument) for argument in sys.argv[1:]))
