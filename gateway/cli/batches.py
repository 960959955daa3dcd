"""Map a file of any number of records in batches, with a progress bar where a person looks on.

However long the file, no more than one batch of records is held.
"""

import sys
from collections.abc import Iterator
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


def of_file(program: MappingProgram, path: Path) -> Iterator[Batch]:
    """Map every record of a file; a record that is refused does not stop the others."""
    raw = path.read_bytes()
    is_watched = sys.stderr.isatty() and len(raw) > _SLOW_BYTES
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not is_watched) as bar:
        lines = raw.count(b"\n") if program.format == "rows" else None
        task = bar.add_task(path.name, total=lines)
        for batch, count in _batches(program, raw):
            bar.update(task, completed=count)
            yield batch


def _batches(program: MappingProgram, raw: bytes) -> Iterator[tuple[Batch, int]]:
    """Give each batch with the number of records come so far; at least one, perhaps empty."""
    context = trials.context_of(program)
    mapped: list[Mapped] = []
    issues: list[Issue] = []
    count = given = 0
    for parsed in _records(program, raw, issues):
        try:
            if parsed is not None:
                if not program.accepts(parsed):
                    where = parsed.root.place
                    raise GatewayError(
                        "GW-3002", where=where, kind=parsed.kind, mappings=program.id
                    )
                mapped.append(program.run(parsed, context))
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
