"""Compiles mappings written in a test and runs them on records written in a test."""

from pathlib import Path
from typing import Any

from gateway.fhir.definitions import load
from gateway.formats import DIALECTS, READERS
from gateway.mapping import MappingErrors, MappingProgram, load_mapping, trials
from gateway.records import Mapped, Resource

HEAD = """mapping: 1
id: test/map
source: {format: FORMAT}
"""
PATIENT = """resources:
  - as: patient
    type: Patient
    key: {system: "urn:x:no", value: KEY}
    set:
"""
KEYS = {"hl7v2": "PID-3.1", "rows": "NO", "json": "$.no", "xml": "/r/no"}


def write(folder: Path, text: str) -> Path:
    """Write a mapping file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "map.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def compiled(folder: Path, text: str) -> MappingProgram:
    """Compile a whole mapping."""
    return load_mapping(write(folder, text), DIALECTS, load())


def patient_map(rules: str, format_: str = "rows", head: str = "") -> str:
    """Write a mapping of one Patient with these lines under ``set:``."""
    lines = "".join(f"      {line}\n" for line in rules.strip().splitlines())
    text = HEAD.replace("FORMAT", format_) + head + PATIENT.replace("KEY", KEYS[format_])
    return text + lines


def mistakes(folder: Path, text: str) -> list[str]:
    """Give the numbers and hints of what is wrong with a mapping, in the order of the file."""
    try:
        compiled(folder, text)
    except MappingErrors as err:
        return [str(problem).removeprefix(f"{folder}/") for problem in err.problems]
    return []


def mapped(program: MappingProgram, raw: str | bytes, **options: Any) -> Mapped:
    """Map the first record of a message."""
    data = raw.encode() if isinstance(raw, str) else raw
    parsed = next(trials.read_records(program, data, READERS, options))
    return program.run(parsed, trials.context_of(program, options))


def patient(folder: Path, rules: str, raw: str, format_: str = "rows", **options: Any) -> Resource:
    """Give the Patient that rules make of a record."""
    return (
        mapped(compiled(folder, patient_map(rules, format_)), raw, **options)
        .contributions[0]
        .resource
    )
