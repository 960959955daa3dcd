"""``gateway map folder``: map every file of a folder, each with the first mapping that takes it."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from gateway.errors import GatewayError, issue
from gateway.fhir import codec, definitions
from gateway.fhir.outcome import operation_outcome
from gateway.formats import DIALECTS, READERS
from gateway.mapping import MappingProgram, load_mapping, trials
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
    default="{stem}.bundle.json",
    show_default=True,
    help="Name of each bundle; {stem} is the file's own.",
)
def folder(
    *, source: Path, out: Path, mappings: tuple[str, ...], pattern: str, bundle_name: str
) -> None:
    """Map every file below SOURCE; OUT mirrors its folders: bundle, lineage and outcome of each."""
    programs = list(_programs(mappings))
    validator = Validator(definitions.load())
    counts = {"mapped": 0, "refused": 0, "no mapping": 0}
    for path in sorted(file for file in source.rglob(pattern) if file.is_file()):
        mapped, issues = _map(programs, path)
        bundle, rows = combined(mapped) if mapped else (None, [])
        if bundle is not None:
            issues += [
                issue("GW-3208", "information", place=place, path=place.path)
                for one in mapped
                for place in one.unread
            ]
            issues += validator.check(bundle)
        target = out / path.parent.relative_to(source)
        target.mkdir(parents=True, exist_ok=True)
        is_refused = bundle is None or any(one.severity in ("error", "fatal") for one in issues)
        if bundle is not None and not is_refused:
            (target / bundle_name.format(stem=path.stem)).write_bytes(codec.encode_pretty(bundle))
            lineage = codec.encode_pretty(lineage_document(mapped, rows))
            (target / f"{path.stem}.lineage.json").write_bytes(lineage)
        outcome = codec.encode_pretty(operation_outcome(issues))
        (target / f"{path.stem}.outcome.json").write_bytes(outcome)
        counts[_end(issues, is_refused=is_refused)] += 1
        click.echo(_line(path.relative_to(source), mapped, issues, is_refused=is_refused))
    click.echo(", ".join(f"{count} {name}" for name, count in counts.items()), err=True)
    if counts["refused"]:
        sys.exit(1)


def _programs(names: Sequence[str]) -> Iterator[MappingProgram]:
    """Compile what is named; of a folder only what names its kinds of record.

    A mapping that takes every kind is there for others to extend, and would hide them.
    """
    for name in names:
        path = Path(name)
        if not path.is_dir():
            yield load_mapping(path, DIALECTS, definitions.load())
            continue
        for file in sorted(path.rglob("map.yaml")):
            program = load_mapping(file, DIALECTS, definitions.load())
            if program.kinds != ("*",):
                yield program


def _map(programs: list[MappingProgram], path: Path) -> tuple[list[Mapped], list[Issue]]:
    """Map with the first program that takes the file's records; the refusal where none does."""
    refusal: list[Issue] = []
    for program in programs:
        try:
            mapped = trials.map_file(program, path, READERS)
        except GatewayError as error:
            refusal = list(error.as_issues())
            if error.number != "GW-3002":
                return [], refusal
            continue
        return mapped, [found for one in mapped for found in one.issues]
    return [], refusal


def _end(issues: list[Issue], *, is_refused: bool) -> str:
    if not is_refused:
        return "mapped"
    return "no mapping" if any(one.number == "GW-3002" for one in issues) else "refused"


def _line(path: Path, mapped: list[Mapped], issues: list[Issue], *, is_refused: bool) -> str:
    if not is_refused:
        resources = sum(len(one.contributions) for one in mapped)
        unread = sum(len(one.unread) for one in mapped)
        return f"{path}: {mapped[0].mapping}, {resources} resources, {unread} unread"
    worst = next(one for one in issues if one.severity in ("error", "fatal"))
    where = f" [{worst.place}]" if worst.place else ""
    return f"{path}: {worst.number}{where} {worst.text_zh} / {worst.text_en}"
