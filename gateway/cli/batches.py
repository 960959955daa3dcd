"""Map a file of any number of records in batches, with a progress bar where a person looks on.

However long the file, no more than one batch of records is held.
"""

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gateway.errors import GatewayError
from gateway.formats import READERS
from gateway.mapping import MappingProgram, trials
from gateway.records import Issue, Mapped, Parsed

RECORDS = 1_000
"""The most records of one batch."""
_SLOW_BYTES = 1_000_000

Batch = tuple[list[Mapped], list[Issue]]


def of_file(programs: Sequence[MappingProgram], path: Path) -> Iterator[Batch]:
    """Map every record of a file with the first program that takes it.

    The file is read as the first program reads. A record that is refused stops no other.
    """
    raw = path.read_bytes()
    is_watched = sys.stderr.isatty() and len(raw) > _SLOW_BYTES
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not is_watched) as bar:
        lines = raw.count(b"\n") if programs[0].format == "rows" else None
        task = bar.add_task(path.name, total=lines)
        with _collecting_between_batches():
            for batch, count in _batches(programs, raw):
                bar.update(task, completed=count)
                yield batch
                gc.collect()


@contextmanager
def _collecting_between_batches() -> Iterator[None]:
    """Put off the collector: nothing of a growing batch is garbage, and looking is two thirds.

    What is there before is left out of the collections between the batches.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        if was_enabled:
            gc.enable()


def _batches(programs: Sequence[MappingProgram], raw: bytes) -> Iterator[tuple[Batch, int]]:
    """Give each batch with the number of records come so far; at least one, perhaps empty."""
    mapped: list[Mapped] = []
    issues: list[Issue] = []
    count = given = 0
    for parsed in _records(programs[0], raw, issues):
        try:
            if parsed is not None:
                mapped.append(_mapped(programs, parsed))
                issues += mapped[-1].issues
        except GatewayError as err:
            issues += err.as_issues()
        count += 1
        if count % RECORDS == 0:
            given = count
            yield (list(mapped), list(issues)), count
            mapped.clear()
            issues.clear()
    if mapped or issues or not given:
        yield (mapped, issues), count


def _mapped(programs: Sequence[MappingProgram], parsed: Parsed) -> Mapped:
    for program in programs:
        if program.accepts(parsed):
            return program.run(parsed, trials.context_of(program))
    tried = ", ".join(program.id for program in programs)
    raise GatewayError("GW-3002", where=parsed.root.place, kind=parsed.kind, mappings=tried)


def _records(program: MappingProgram, raw: bytes, issues: list[Issue]) -> Iterator[Parsed | None]:
    """Give the records; None for one that cannot be read, whose reason is noted."""
    try:
        records = trials.read_records(program, raw, READERS)
    except GatewayError as err:
        issues += err.as_issues()
        return
    while True:
        try:
            yield next(records)
        except StopIteration:
            return
        except GatewayError as err:
            issues += err.as_issues()
            yield None
