"""``gateway map``: try a mapping on native records; ``gateway map test``; ``gateway render``."""

import dataclasses
import sys
from pathlib import Path
from typing import Any

import click

from gateway.cli import batches
from gateway.cli.map_coverage import coverage
from gateway.cli.map_explain import explain
from gateway.cli.map_export import export
from gateway.cli.map_files import compiled
from gateway.cli.map_folder import folder as folder_
from gateway.cli.map_new import new
from gateway.cli.map_outputs import is_refused, outputs
from gateway.errors import GatewayError, issue
from gateway.fhir import codec, definitions, fhirpath
from gateway.formats import DIALECTS, READERS
from gateway.formats.hl7v2 import declared_charset
from gateway.formats.text import decode, required_codec
from gateway.mapping import MappingErrors, MappingProgram, load_mapping, trials
from gateway.mapping.bundles import combined, lineage_document
from gateway.mapping.rendering import Renderer
from gateway.mapping.schema import PATH as SCHEMA
from gateway.mapping.ways import ways_of
from gateway.mapping.writable import shown
from gateway.records import Issue, Mapped, Place
from gateway.validation import Validator
from gateway.validation.packages import read_definitions


class _Try(click.Group):
    """A group whose default command is trying: ``gateway map MAPPING FILE…``."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Take a first word that names no command as a mapping."""
        if args and args[0] in self.commands:
            return super().resolve_command(ctx, args)
        return "try", self.commands["try"], args

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Leave options that stand before the mapping to the default command."""
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = ["try", *args]
        return super().parse_args(ctx, args)


_PROFILES = sorted((Path(__file__).resolve().parents[2] / "profiles").glob("*.json"))
"""The consortium's own definitions: what a mapping writes is checked as the server checks it."""


@click.group("map", cls=_Try)
def map_() -> None:
    """Try a mapping on native records: gateway map MAPPING FILE... --out DIR."""


for command in (new, coverage, export, folder_):
    map_.add_command(command)


@map_.command("try")
@click.argument("mapping")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Folder for bundles and lineage.")
@click.option("--explain", "is_explained", is_flag=True, help="Show source → rule → element.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="Channel option.")
@click.option("--charset", help="Character set of the files, or detect.")
@click.option("--zone", help="Time zone of local times.")
def try_(
    *,
    mapping: str,
    files: tuple[Path, ...],
    out: Path | None,
    is_explained: bool,
    options: tuple[str, ...],
    charset: str | None,
    zone: str | None,
) -> None:
    """Map FILES with MAPPING; write bundle, lineage and outcome of each below --out.

    Files of several folders keep these folders below --out. A file of many records goes in parts
    of 1,000, each with files of its own.
    """
    program = _configured(compiled(mapping), options, charset, zone)
    validator = Validator(definitions.load(), read_definitions(_PROFILES))
    is_well = True
    for file in outputs(files):
        for part, (mapped, found) in enumerate(batches.of_file([program], file.path)):
            issues = list(found)
            bundle, rows = combined(mapped) if mapped else (None, [])
            if bundle is not None:
                issues += validator.check(bundle)
                issues += [_unread(place) for record in mapped for place in record.unread]
            is_well = is_well and not is_refused(issues)
            name = file.part(part)
            if out is not None:
                lineage = lineage_document(mapped, rows) if mapped else {}
                name.write(out, bundle, lineage, issues)
            elif bundle is not None and not is_explained:
                click.echo(codec.encode_pretty(bundle).decode())
            if is_explained and bundle is not None:
                explain(bundle, rows, mapped)
            _report(name.folder / name.stem, mapped, issues)
    if not is_well:
        sys.exit(1)


def _configured(
    program: MappingProgram, options: tuple[str, ...], charset: str | None, zone: str | None
) -> MappingProgram:
    given: dict[str, str] = {}
    for option in options:
        name, sign, value = option.partition("=")
        if not sign:
            raise click.BadParameter(f"{option}: NAME=VALUE expected")
        given[name] = value
    samples = dataclasses.replace(
        program.samples,
        charset=charset or program.samples.charset,
        zone=zone or program.samples.zone,
        options={**program.samples.options, **given},
    )
    return dataclasses.replace(program, samples=samples)


def _unread(place: Any) -> Issue:
    return issue("GW-3208", "information", place=place, path=place.path)


def _report(path: Path, mapped: list[Mapped], issues: list[Issue]) -> None:
    unread = [str(place) for record in mapped for place in record.unread]
    resources = sum(len(record.contributions) for record in mapped)
    click.echo(
        f"{path}: {len(mapped)} record(s), {resources} resource(s), {len(unread)} unread field(s)",
        err=True,
    )
    if unread:
        click.echo(f"  unread 未读取: {', '.join(unread)}", err=True)
    for one in issues:
        if one.number == "GW-3208":
            continue
        spot = f" [{one.place}]" if one.place else ""
        where = f" {one.expression}" if one.expression else ""
        text = f"{one.text_zh} / {one.text_en}"
        click.echo(f"  {one.severity} {one.number}{spot}{where} {text}", err=True)


@map_.command("test")
@click.argument("folders", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--write-expected", is_flag=True, help="Write expected/ from what comes out today.")
def test(folders: tuple[Path, ...], write_expected: bool) -> None:
    """Run the tests of all mappings below FOLDERS (default: mappings) and show the differences."""
    failed = 0
    ran = 0
    for folder in folders or (Path("mappings"),):
        paths = [folder] if folder.is_file() else sorted(folder.rglob("map.yaml"))
        for path in paths:
            try:
                program = load_mapping(path, DIALECTS, definitions.load())
            except MappingErrors as err:
                failed += 1
                for problem in err.problems:
                    click.echo(problem.text("en"))
                continue
            if write_expected:
                _write_expected(program)
            for trial in trials.run_trials(program, READERS):
                ran += 1
                failed += bool(trial.differences)
                click.echo(f"{'FAILED' if trial.differences else 'passed'}  {path}: {trial.name}")
                for line in trial.differences:
                    click.echo(f"    {line}")
    click.echo(f"{ran} test(s), {failed} failed")
    if failed:
        sys.exit(1)


def _write_expected(program: MappingProgram) -> None:
    folder = Path(program.path).parent
    (folder / "expected").mkdir(exist_ok=True)
    for sample in sorted((folder / "samples").glob("*")):
        target = folder / "expected" / f"{sample.stem}.bundle.json"
        try:
            bundle, _ = combined(trials.map_file(program, sample, READERS))
        except GatewayError as err:
            click.echo(f"{sample}: {err}", err=True)
            continue
        target.write_bytes(codec.encode_pretty(bundle) + b"\n")


@map_.command("ways")
@click.argument("mapping")
def ways(mapping: str) -> None:
    """Say of every rule of MAPPING whether it works both ways, and if not why."""
    program = compiled(mapping)
    assert program.tree is not None  # noqa: S101 - load_mapping keeps both
    assert program.shapes is not None  # noqa: S101
    for way in ways_of(program.tree, program.format, program.shapes):
        if not way.path:
            continue
        why = f" ({way.why})" if way.why else ""
        click.echo(f"{way.mark.rule}: {way.label}{why}: {shown(way.path)} = {way.element}")


@map_.command("schema")
def schema() -> None:
    """Print the JSON Schema of the mapping language, for editors."""
    click.echo(SCHEMA.read_text(encoding="utf-8"), nl=False)


@click.command("render")
@click.argument("mapping")
@click.argument("bundle", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--template", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="File to write; default: stdout.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="Channel option.")
def render(
    *, mapping: str, bundle: Path, template: Path | None, out: Path | None, options: tuple[str, ...]
) -> None:
    """Render BUNDLE back into the native format of MAPPING (rows, HL7 v2, XML, JSON)."""
    program = _configured(compiled(mapping), options, None, None)
    content = codec.decode(bundle.read_bytes())
    if not isinstance(content, dict):
        raise GatewayError("GW-7015", where=Place(bundle.name, 1))
    if content.get("resourceType") != "Bundle":
        content = {"resourceType": "Bundle", "entry": [{"resource": content}]}
    raw = template.read_bytes() if template else b""
    charset = program.samples.charset or "utf-8"
    if program.format == "hl7v2":
        charset = program.samples.charset or declared_charset(raw) or "utf-8"
    charset = required_codec(charset, Place("MSH-18", 1))
    skeleton = decode(raw, charset) if template else None
    renderer = Renderer(program, fhirpath.Model(definitions.load()))
    text, left = renderer.render(content, skeleton)
    if out is not None:
        out.write_bytes(text.encode(charset))
    else:
        click.echo(text, nl=False)
    if left:
        click.echo(f"not rendered 未渲染: {', '.join(left)}", err=True)
