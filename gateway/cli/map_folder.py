"""``gateway map folder``: map every file of a folder, each with the first mapping that takes it."""

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import click

from gateway.cli import batches
from gateway.cli.map_files import compiled
from gateway.cli.map_outputs import BUNDLE_NAME, is_refused, outputs
from gateway.errors import GatewayError, issue
from gateway.fhir import definitions
from gateway.mapping import MappingProgram
from gateway.mapping.bundles import combined, lineage_document
from gateway.records import Issue, Mapped
from gateway.validation import Validator


@click.command("folder")
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write to.")
@click.option(
    "--mapping", "mappings", multiple=True, required=True, help="Mapping, or a folder of them."
)
@click.option("--pattern", default="*", show_default=True, help="Which files, such as *.hl7.")
@click.option(
    "--bundle-name",
    default=BUNDLE_NAME,
    show_default=True,
    help="Name of each bundle; {stem} is the file's own.",
)
def folder(
    *, source: Path, out: Path, mappings: tuple[str, ...], pattern: str, bundle_name: str
) -> None:
    """Map every file below SOURCE; OUT mirrors its folders: bundle, lineage and outcome of each."""
    programs = list(_programs(mappings))
    if not programs:
        raise GatewayError("GW-3003", mapping=", ".join(mappings))
    validator = Validator(definitions.load())
    counts = {"mapped": 0, "refused": 0, "no mapping": 0}
    for file in outputs([source], pattern):
        mapped, issues = _map(programs, file.path)
        bundle, rows = combined(mapped) if mapped else (None, [])
        if bundle is not None:
            issues += [
                issue("GW-3208", "information", place=place, path=place.path)
                for one in mapped
                for place in one.unread
            ]
            issues += validator.check(bundle)
        lineage = lineage_document(mapped, rows) if mapped else {}
        file.write(out, bundle, lineage, issues, bundle_name)
        counts[_end(mapped, issues)] += 1
        click.echo(_line(file.path.relative_to(source.absolute()), mapped, issues))
    click.echo(", ".join(f"{count} {name}" for name, count in counts.items()), err=True)
    if counts["refused"]:
        sys.exit(1)


def _programs(names: Sequence[str]) -> Iterator[MappingProgram]:
    """Compile what is named; of a folder of mappings only what names its kinds of record.

    A mapping that takes every kind is there for others to extend, and would hide them; it counts
    where none beside it names a kind.
    """
    for name in names:
        path = Path(name)
        if not path.is_dir() or (path / "map.yaml").is_file():
            yield compiled(name)
            continue
        found = [compiled(str(file)) for file in sorted(path.rglob("map.yaml"))]
        yield from [one for one in found if set(one.kinds) - {"*"}] or found


def _map(programs: list[MappingProgram], path: Path) -> tuple[list[Mapped], list[Issue]]:
    """Map each record with the first program that takes it; the first refusal where none does.

    Programs that read alike share one reading of the file; where they take no record of it, those
    that read otherwise are tried.
    """
    refusal: list[Issue] | None = None
    for _, alike in groupby(programs, lambda one: (one.format, one.samples)):
        mapped: list[Mapped] = []
        issues: list[Issue] = []
        for some, found in batches.of_file(list(alike), path):
            mapped += some
            issues += found
        if mapped:
            return mapped, issues
        refusal = refusal if refusal is not None else issues
    return [], refusal or []


def _end(mapped: list[Mapped], issues: list[Issue]) -> str:
    if not is_refused(issues):
        return "mapped"
    is_unknown = not mapped and all(one.number == "GW-3002" for one in issues)
    return "no mapping" if is_unknown else "refused"


def _line(path: Path, mapped: list[Mapped], issues: list[Issue]) -> str:
    if not is_refused(issues):
        named = ", ".join(dict.fromkeys(one.mapping for one in mapped))
        resources = sum(len(one.contributions) for one in mapped)
        unread = sum(len(one.unread) for one in mapped)
        return f"{path}: {named}, {resources} resources, {unread} unread"
    worst = next(one for one in issues if one.severity in ("error", "fatal"))
    where = f" [{worst.place}]" if worst.place else ""
    return f"{path}: {worst.number}{where} {worst.text_zh} / {worst.text_en}"
