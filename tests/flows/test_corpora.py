"""Every foreign record, named by CORPORA, by every mapping that takes it: nothing crashes.

Either a bundle without errors comes out, or an error that names the place in the source, or no
mapping takes the record.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.errors import GatewayError
from gateway.fhir import definitions
from gateway.formats import DIALECTS, READERS
from gateway.mapping import Library, MappingProgram
from gateway.mapping.trials import context_of, read_records
from gateway.records import Format, Parsed
from gateway.validation import Validator

pytestmark = [
    pytest.mark.corpora,
    pytest.mark.skipif("CORPORA" not in os.environ, reason="CORPORA is not set"),
]
CORPORA = Path(os.environ.get("CORPORA", "."))
FORMATS: dict[str, Format] = {".hl7": "hl7v2", ".xml": "xml", ".json": "json", ".csv": "rows"}
# An unreadable file names its place, a record that nobody takes has none.
NO_MAPPING = "GW-3002"
# What other mappings extend; no channel uses them alone.
BASES = frozenset(
    {"hl7v2/patient", "hl7v2/person", "hl7v2/clinical", "hl7v2/financial", "cda/document"}
)


@pytest.fixture(scope="module")
def library() -> Library:
    folder = Path(__file__).parents[2] / "mappings"
    return Library([folder], DIALECTS, definitions.load())


@pytest.fixture(scope="module")
def validator() -> Validator:
    return Validator(definitions.load())


def files(folder: str) -> Iterator[Path]:
    """Name the records of a corpus; ``expected.json`` is what another program made of one."""
    for path in sorted(CORPORA.joinpath(folder).rglob("*")):
        if path.suffix in FORMATS and path.name != "expected.json":
            yield path


def is_meant(id_: str, path: Path) -> bool:
    """Say whether a pack may be set up for a file: columns of FHIR elements do not name a type."""
    return not id_.startswith("flat-fhir/") or id_.endswith("/" + path.stem.lower())


def charset_of(path: Path) -> str | None:
    return "gb18030" if "gb18030" in path.name or "gbk" in path.name else None


def read(path: Path, program: MappingProgram) -> list[Parsed]:
    """Read a file as a channel of this mapping would be set up."""
    charset = charset_of(path) or program.samples.charset
    if path.name.startswith("SYNTH") and charset_of(path) is None:
        charset = None
    samples = replace(program.samples, charset=charset)
    return list(read_records(replace(program, samples=samples), path.read_bytes(), READERS))


def outcome(program: MappingProgram, path: Path, validator: Validator) -> tuple[str, list[str]]:
    """Tell how a file ends by one mapping, and what is wrong with that end."""
    try:
        taken = [parsed for parsed in read(path, program) if program.accepts(parsed)]
        if not taken:
            return NO_MAPPING, []
        wrong = []
        for parsed in taken:
            bundle = program.run(parsed, context_of(program)).bundle()
            wrong += [
                f"{path.name} by {program.id}: {found.number} {found.expression} {found.text_en}"
                for found in validator.check(bundle)
                if found.severity in {"error", "fatal"}
            ]
    except GatewayError as error:
        where = error.where
        is_placed = where is not None and (where.line is not None or where.path)
        return error.number, [] if is_placed else [f"{path.name} by {program.id}: {error}"]
    return "bundle", wrong


@pytest.mark.timeout(300)
@pytest.mark.parametrize("folder", ["china", "hl7v2", "ccda", "ccda-inputs", "csv", "validator"])
def test_every_record_becomes_a_valid_bundle_or_a_placed_error(
    folder: str, library: Library, validator: Validator
) -> None:
    ends: Counter[str] = Counter()
    wrong: list[str] = []
    for path in files(folder):
        for id_, program in library.programs.items():
            if id_ not in BASES and is_meant(id_, path) and program.format == FORMATS[path.suffix]:
                end, faults = outcome(program, path, validator)
                ends[end] += 1
                wrong += faults
    print(folder, dict(ends))
    assert wrong == []
    assert ends
    if folder == "china":
        assert ends["bundle"] > 20
