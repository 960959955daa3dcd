"""The packs of ``mappings/``, compiled once, and their samples."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from gateway.errors import GatewayError
from gateway.fhir import definitions
from gateway.formats import DIALECTS, READERS
from gateway.mapping import Library, MappingProgram, trials
from gateway.records import Mapped

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "mappings"
STORY = ROOT / "gateway" / "cli" / "demo" / "story"
_OUT = re.compile("^direction: out$", re.MULTILINE)
IDS = sorted(
    path.parent.relative_to(FOLDER).as_posix()
    for path in FOLDER.rglob("map.yaml")
    if not _OUT.search(path.read_text("utf-8"))
)
"""The packs that take records."""


@cache
def library() -> Library:
    """Compile every pack."""
    return Library([FOLDER], DIALECTS, definitions.load())


def program(id_: str) -> MappingProgram:
    """Give one pack's program."""
    return library().get(id_)


def samples(id_: str) -> list[Path]:
    """Name the samples of a pack."""
    return sorted((FOLDER / id_ / "samples").iterdir())


def mapped(id_: str, path: Path) -> list[Mapped]:
    """Map a file as the pack's samples are read; raise what the pack raises."""
    return trials.map_file(program(id_), path, READERS)


def mapped_samples(id_: str) -> Iterator[Mapped]:
    """Map every sample of a pack that it does not refuse."""
    for path in samples(id_):
        try:
            yield from mapped(id_, path)
        except GatewayError:
            continue


def story(id_: str, name: str) -> list[Mapped]:
    """Map one record of the demo's story."""
    return mapped(id_, STORY / name)
