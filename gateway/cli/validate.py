"""``gateway validate``: check files against FHIR R4 and profiles."""

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from gateway.cli.validate_batch import answers
from gateway.cli.validate_report import Checked, write_report
from gateway.errors import GatewayError
from gateway.fhir.codec import encode
from gateway.fhir.definitions import load
from gateway.records import Resource
from gateway.validation import Options, Validator
from gateway.validation.packages import decoded, expanded, read_bytes, read_definitions
from gateway.validation.sources import located

_BAR_FROM = 5
"""From so many files on, a bar shows how far the work is."""


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--profile", "profiles", multiple=True, help="规范的 URL · canonical url of a profile"
)
@click.option(
    "--definitions",
    "folders",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="规范文件、文件夹或 .tgz 包 · conformance resources: file, folder or .tgz package",
)
@click.option("--batch", type=click.File("rb"), help="逐行 JSON 请求 · requests as JSON lines")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="写成网页报告 · write a report as a web page",
)
@click.option(
    "--resolve", is_flag=True, help="引用目标取自各文件 · find targets in the files given"
)
@click.option("--quiet", is_flag=True, help="只列出有错误的文件 · list only files with errors")
@click.option("--language", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
def validate(
    files: Sequence[Path],
    profiles: Sequence[str],
    folders: Sequence[Path],
    batch: Any,
    html: Path | None,
    resolve: bool,
    quiet: bool,
    language: str,
) -> None:
    """校验 FHIR R4 资源文件（JSON 或 XML） · validate FHIR R4 files (JSON or XML).

    Exit code 0: no errors; 1: some file has errors; 2: wrong arguments.
    """
    if batch is not None:
        for answer in answers(batch):
            sys.stdout.buffer.write(encode(answer) + b"\n")
            sys.stdout.buffer.flush()
        return
    if not files:
        raise click.UsageError("请给出文件，或使用 --batch - · give files, or use --batch -")
    validator = Validator(load(), read_definitions(folders))
    paths = [path for path in expanded(files) if path.suffix.lower() != ".tgz"]
    now = datetime.now(UTC)
    fetch = Beside(paths).fetch if resolve else None
    options = Options(now=now, fetch=fetch)
    with click.progressbar(
        paths, label="校验 · validating", file=sys.stderr, hidden=not _shows_bar(paths)
    ) as bar:
        checked = [check_file(path, validator, profiles, options) for path in bar]
    bad = _tell(checked, language, quiet=quiet)
    if html is not None:
        html.write_text(write_report(checked, now, language), encoding="utf-8")
    raise SystemExit(1 if bad else 0)


def _tell(checked: Sequence[Checked], language: str, *, quiet: bool) -> int:
    """Print the findings of the files and count the files with errors."""
    for one in checked:
        if one.is_bad or not quiet:
            _show(one, language)
    bad = sum(one.is_bad for one in checked)
    if len(checked) > 1:
        click.echo(
            f"{len(checked)} 个文件，{bad} 个有错误 · {len(checked)} files, {bad} with errors"
        )
    return bad


def _shows_bar(paths: Sequence[Path]) -> bool:
    return len(paths) >= _BAR_FROM and sys.stderr.isatty()


def check_file(
    path: Path, validator: Validator, profiles: Sequence[str], options: Options | None = None
) -> Checked:
    """Check one file; what cannot be read is a finding too. Findings carry line and column."""
    try:
        raw = read_bytes(path)
        issues = validator.check(decoded(raw, path.name), profiles, options)
        return Checked(path, tuple(located(raw, issues)))
    except GatewayError as err:
        return Checked(path, tuple(err.as_issues()))


def _show(checked: Checked, language: str) -> None:
    """Print a file's findings."""
    mark, colour = ("✗", "red") if checked.is_bad else ("✓", "green")
    click.secho(f"{mark} {checked.path}", fg=colour)
    for found in checked.issues:
        texts = (found.text_zh, found.text_en)
        first, second = texts if language == "zh" else texts[::-1]
        place = f" ({found.place})" if found.place and str(found.place) else ""
        click.echo(f"  {found.severity:<11} {found.number} {found.expression or ''}{place}")
        click.echo(f"              {first}\n              {second}")


class Beside:
    """Finds the targets of references among files, each read once and only when asked for."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._paths = tuple(paths)
        self._known: dict[str, Resource] | None = None

    def fetch(self, reference: str) -> Resource | None:
        """Give the resource that ``Type/id`` names; None when no file holds it."""
        if self._known is None:
            self._known = {}
            for path in self._paths:
                self._keep(path)
        return self._known.get(reference)

    def _keep(self, path: Path) -> None:
        try:
            resource = decoded(read_bytes(path), path.name)
        except GatewayError:
            # The file's own check says what is wrong with it.
            return
        if self._known is not None:
            name = f"{resource.get('resourceType')}/{resource.get('id')}"
            self._known.setdefault(name, resource)


if __name__ == "__main__":
    validate()
