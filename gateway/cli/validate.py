"""``gateway validate``: check files against FHIR R4 and profiles."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from gateway.errors import GatewayError
from gateway.fhir.codec import decode, encode
from gateway.fhir.definitions import load
from gateway.fhir.outcome import operation_outcome
from gateway.records import Issue, Place, Resource
from gateway.validation import Options, Validator

_SUFFIXES = frozenset({".json", ".xml"})
_BAD = frozenset({"error", "fatal"})


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
    help="规范文件或文件夹 · conformance resources (file or folder)",
)
@click.option("--batch", type=click.File("rb"), help="逐行 JSON 请求 · requests as JSON lines")
@click.option("--language", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
def validate(
    files: Sequence[Path],
    profiles: Sequence[str],
    folders: Sequence[Path],
    batch: Any,
    language: str,
) -> None:
    """校验 FHIR R4 资源文件（JSON 或 XML） · validate FHIR R4 files (JSON or XML).

    Exit code 0: no errors; 1: some file has errors; 2: wrong arguments.
    """
    if batch is not None:
        for answer in _answers(batch):
            sys.stdout.buffer.write(encode(answer) + b"\n")
            sys.stdout.buffer.flush()
        return
    if not files:
        raise click.UsageError("请给出文件，或使用 --batch - · give files, or use --batch -")
    validator = Validator(load(), _read_definitions(_expanded(folders)))
    failed = [_show(path, _check(path, validator, profiles), language) for path in _expanded(files)]
    raise SystemExit(1 if any(failed) else 0)


def _show(path: Path, issues: Sequence[Issue], language: str) -> bool:
    """Print a file's findings; say whether there are errors."""
    is_bad = any(found.severity in _BAD for found in issues)
    click.secho(f"{'✗' if is_bad else '✓'} {path}", fg="red" if is_bad else "green")
    for found in issues:
        texts = (found.text_zh, found.text_en)
        first, second = texts if language == "zh" else texts[::-1]
        place = f" ({found.place})" if found.place else ""
        click.echo(f"  {found.severity:<11} {found.number} {found.expression or ''}{place}")
        click.echo(f"              {first}\n              {second}")
    return is_bad


def _expanded(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.suffix.lower() in _SUFFIXES)
        else:
            yield path


def read_resource(path: Path) -> Resource:
    """Read a JSON or XML file; raise GatewayError GW-22xx with its place."""
    try:
        raw = path.read_bytes()
    except OSError as err:
        raise GatewayError("GW-4810", file=path.name, problem=type(err).__name__) from err
    if path.suffix.lower() == ".xml" or raw.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        from gateway.fhir import xml

        return xml.decode(raw)
    value = decode(raw.removeprefix(b"\xef\xbb\xbf"))
    if not isinstance(value, dict):
        raise GatewayError("GW-4009", where=Place("", 1, 1), element=path.name)
    return value


def _read_definitions(paths: Iterable[Path]) -> list[Resource]:
    found: list[Resource] = []
    for path in paths:
        resource = read_resource(path)
        if resource.get("resourceType") == "Bundle":
            entries = [entry.get("resource") for entry in resource.get("entry", ())]
            found.extend(entry for entry in entries if isinstance(entry, dict))
        else:
            found.append(resource)
    return found


def _check(
    path: Path, validator: Validator, profiles: Sequence[str], options: Options | None = None
) -> list[Issue]:
    try:
        return validator.check(read_resource(path), profiles, options)
    except GatewayError as err:
        return list(err.as_issues())


def _answers(lines: Iterable[bytes]) -> Iterator[Resource]:
    validator = Validator(load())
    for line in lines:
        if line.strip():
            yield answer(decode(line), validator)


def answer(request: Resource, validator: Validator) -> Resource:
    """Answer one request of the batch; its definitions hold for it alone."""
    try:
        extra = _read_definitions(Path(path) for path in request.get("definitions", ()))
        validator = validator.with_definitions(extra) if extra else validator
        profile = request.get("profile")
        wanted = _options(request.get("options") or {})
        issues = _check(Path(request["file"]), validator, (profile,) if profile else (), wanted)
    except GatewayError as err:
        issues = list(err.as_issues())
    return {"id": request["id"], "outcome": operation_outcome(issues, "en")}


def _options(stated: dict[str, Any]) -> Options:
    """Translate the options of a batch request; those we do not know are ignored."""
    rule = stated.get("bundle-param")
    rules = ((rule["rule"], rule["profile"]),) if isinstance(rule, dict) else ()
    domains = stated.get("allowed-extension-domain", ())
    return Options(
        best_practice=True,
        allows_examples=stated.get("examples", True) is not False,
        is_strict_security=bool(stated.get("security-checks")),
        unknown_extension="error",
        extension_domains=(domains,) if isinstance(domains, str) else tuple(domains),
        checks_contained=stated.get("validateContains") != "IGNORE",
        bundle_rules=rules,
        now=datetime.now(UTC),
    )


if __name__ == "__main__":
    validate()
