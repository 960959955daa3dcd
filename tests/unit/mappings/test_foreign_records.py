"""Foreign Chinese records, named by CORPORA: a valid bundle, or an error with its place."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.errors import GatewayError
from gateway.formats import READERS
from gateway.mapping import MappingProgram
from gateway.mapping.trials import context_of
from gateway.records import Channel, Envelope, Format, Parsed
from tests.unit.mappings.packs import library
from tests.unit.mappings.test_packs import validator

pytestmark = [
    pytest.mark.corpora,
    pytest.mark.skipif("CORPORA" not in os.environ, reason="CORPORA is not set"),
]
FOLDER = Path(os.environ.get("CORPORA", ".")) / "china"
FORMATS: dict[str, Format] = {".hl7": "hl7v2", ".xml": "xml", ".json": "json", ".csv": "rows"}
# Systems whose fields are shifted have a pack of their own; a query is no record.
PREFERRED = {"SYNTH_ORU": "lab/oru-r01-shifted"}
REFUSED = {
    "C053出院小结_MALFORMED.xml": "GW-2301",
    "SYNTH_2304_resp_error.json": "GW-3102",
    "H0204Rt.xml": "GW-3002",
}


def records(path: Path) -> Iterator[Parsed]:
    """Read a file as its channel would be set up."""
    charset = "gb18030" if "gb18030" in path.name or "gbk" in path.name else None
    channel = Channel("foreign", 1, "foreign", FORMATS[path.suffix], (), charset=charset)
    envelope = Envelope("1", channel, path.read_bytes(), datetime(2026, 1, 1, tzinfo=UTC))
    yield from READERS[channel.format].read(envelope)


def taking(parsed: Parsed, name: str) -> MappingProgram:
    """Choose the pack as the channel of such a system would."""
    ids = [id_ for id_ in library().programs if id_ not in ("hl7v2/patient", "cda/document")]
    first = [chosen for start, chosen in PREFERRED.items() if name.startswith(start)]
    return library().for_channel([*first, *ids], parsed)


def files() -> list[Path]:
    """Name the records: flat files whose values are column names are none."""
    found = sorted(FOLDER.rglob("*")) if "CORPORA" in os.environ else []
    return [path for path in found if path.suffix in FORMATS and "skeleton" not in path.name]


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_a_foreign_record_becomes_a_valid_bundle_or_an_error_with_its_place(path: Path) -> None:
    wanted = REFUSED.get(path.name)
    if wanted:
        with pytest.raises(GatewayError) as refused:
            list(bundles(path))
        assert refused.value.number == wanted
        assert wanted == "GW-3002" or refused.value.where is not None
        return
    assert list(bundles(path)) == [[]]


def bundles(path: Path) -> Iterator[list[tuple[str, str | None]]]:
    """Map each record of a file and give the errors of its bundle."""
    for parsed in records(path):
        program = taking(parsed, path.name)
        mapped = program.run(parsed, context_of(program))
        assert mapped.contributions
        yield [
            (issue.text_en, issue.expression)
            for issue in validator().check(mapped.bundle())
            if issue.severity in ("error", "fatal")
        ]
