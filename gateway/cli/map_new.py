"""``gateway map new``: draw a first mapping from sample records."""

import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from lxml import etree

from gateway.errors import GatewayError
from gateway.fhir import definitions
from gateway.formats import DIALECTS, READERS
from gateway.formats.text import mark_of
from gateway.mapping import Library, MappingErrors, MappingProgram, load_mapping, trials
from gateway.mapping.bundles import combined
from gateway.mapping.drawing import Sketch, collect, draw
from gateway.mapping.drawing.fields import general_path
from gateway.records import Channel, Envelope, Format, MapContext, Parsed

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_TITLED = (
    "  表头上方有标题、表头分两行？ / A title above the header, a header of two lines? "
    "--option skip=1 --option header_rows=2"
)
_DELIMITERS = {"\t": "tab", ";": ";", "|": "|", ",": ","}


@click.command("new")
@click.argument("samples", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="New folder.")
@click.option("--charset", help="Character set of the samples, when they are not UTF-8.")
@click.option("--zone", default="Asia/Shanghai", show_default=True, help="Zone of local times.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="Reader's option.")
@click.option("--draw", "is_drawn", is_flag=True, help="Extend no mapping that is there already.")
def new(
    *,
    samples: tuple[Path, ...],
    out: Path,
    charset: str | None,
    zone: str,
    options: tuple[str, ...],
    is_drawn: bool,
) -> None:
    """Draw a first mapping from SAMPLES (CSV, TSV, Excel, HL7 v2, XML, JSON) into a new folder.

    Where a mapping of the gateway takes the samples already, the new one extends it.
    """
    target = out / "map.yaml"
    if target.exists():
        raise click.ClickException(f"{target} 已存在 / exists already")
    files = _files(samples)
    first = files[0].read_bytes()
    format_ = _format(first)
    charset = charset or next((c for f in files if (c := _charset(f.read_bytes(), format_))), None)
    given: dict[str, Any] = dict(option.split("=", 1) for option in options)
    if format_ == "rows" and not first.startswith(b"PK") and "delimiter" not in given:
        given |= _delimiter(first, charset)
    parsed = _parsed(files, format_, charset, given)
    nearest = None if is_drawn else _nearest(parsed, out)
    sketch = Sketch(
        id=_id_of(out),
        format=format_,
        kinds=sorted({one.kind for one in parsed if one.kind != "rows"}),
        zone=zone,
        charset=charset,
        namespace=_namespace(first) if format_ == "xml" else None,
        extends=nearest.id if nearest else None,
        options={**(nearest.samples.options if nearest else {}), **given},
    )
    types = _drawn(parsed, sketch, nearest, target, files[0])
    _proved(target, types)


def _files(samples: Sequence[Path]) -> list[Path]:
    """Give the sample files, hidden ones aside; refuse those that are of several formats."""
    paths = [p for one in samples for p in (sorted(one.rglob("*")) if one.is_dir() else [one])]
    files = [path for path in paths if path.is_file() and not path.name.startswith(".")]
    formats = {path: _format(path.read_bytes()) for path in files}
    if not files:
        raise click.ClickException("没有样例文件 / there is no sample file")
    if len(set(formats.values())) > 1:
        told = "\n".join(f"  {format_}: {path}" for path, format_ in formats.items())
        raise click.ClickException(
            "样例有几种格式，一个文件夹只放一种记录 / the samples are of several formats; "
            f"put one kind of record into one folder\n{told}"
        )
    return files


def _drawn(
    parsed: Sequence[Parsed],
    sketch: Sketch,
    nearest: MappingProgram | None,
    target: Path,
    sample: Path,
) -> Sequence[str]:
    """Write the draft beside a copy of its first sample; give the resource types in it."""
    fields = collect(parsed, sketch.format)
    if nearest:
        unread = {
            general_path(place.path, sketch.format)[0]
            for one in parsed
            for place in _unread(nearest, one)
        }
        fields = [one for one in fields if one.path in unread]
    drawn = draw(fields, sketch)
    if not drawn.types and not nearest:
        raise GatewayError("GW-3042", count=len(fields))
    (target.parent / "samples").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(sample, target.parent / "samples" / sample.name)
    target.write_text(drawn.text, encoding="utf-8")
    click.echo(f"{target}: {len(drawn.guesses)} 处猜测 guessed, {len(drawn.left)} 待定 to decide")
    if nearest:
        click.echo(f"沿用 extends {nearest.id}: {nearest.path}")
    return drawn.types


def _id_of(out: Path) -> str:
    """Name a mapping by its folder below ``mappings``, else by its last two folders."""
    parts = out.resolve().parts
    start = len(parts) - parts[::-1].index("mappings") if "mappings" in parts[:-1] else -2
    return "/".join(parts[start:])


def _format(raw: bytes) -> Format:
    mark = mark_of(raw)
    if mark and mark != "utf-8":
        raw = raw[:400].decode(mark, errors="replace").encode()
    start = raw.lstrip(b"\xef\xbb\xbf\x0b \r\n\t")[:4]
    if start.startswith((b"MSH", b"FHS", b"BHS")):
        return "hl7v2"
    if start.startswith(b"<"):
        return "xml"
    return "json" if start.startswith((b"{", b"[")) else "rows"


def _charset(raw: bytes, format_: Format) -> str | None:
    """Give gb18030 for what is no UTF-8; where the format declares its own, nothing."""
    if format_ == "xml" or raw.startswith((b"PK", b"\xff\xfe", b"\xfe\xff")):
        return None
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        click.echo("样例不是 UTF-8，按 GB 18030 读 / no UTF-8, read as GB 18030", err=True)
        return "gb18030"
    return None


def _delimiter(raw: bytes, charset: str | None) -> dict[str, Any]:
    lines = raw[:20_000].decode(charset or "utf-8-sig", errors="replace").splitlines()[:20]
    # A title above the header has none.
    mark = max(
        _DELIMITERS,
        key=lambda one: (
            sum(one in line for line in lines),
            sum(line.count(one) for line in lines),
        ),
    )
    return {} if mark == "," else {"delimiter": _DELIMITERS[mark]}


def _parsed(
    files: Sequence[Path], format_: Format, charset: str | None, options: dict[str, Any]
) -> list[Parsed]:
    channel = Channel("sample", 0, "sample", format_, (), charset, options=options)
    made: list[Parsed] = []
    for path in files:
        try:
            made += READERS[format_].read(Envelope("sample", channel, path.read_bytes(), _NOW))
        except GatewayError as err:
            click.echo(f"{path}: {err}{f' [{err.where}]' if err.where else ''}", err=True)
            if err.number in ("GW-2501", "GW-2503", "GW-2504") and "skip" not in options:
                click.echo(_TITLED, err=True)
    if not made:
        sys.exit(1)
    return made


def _nearest(parsed: Sequence[Parsed], out: Path) -> MappingProgram | None:
    """Find the mapping that takes the samples and leaves the least unread, of those nearby."""
    roots = [folder for folder in out.resolve().parents if folder.name == "mappings"]
    library = Library(roots[:1], DIALECTS, definitions.load(), is_lenient=True)
    sample = parsed[: min(len(parsed), 20)]
    best: tuple[int, MappingProgram] | None = None
    for program in library.programs.values():
        if not all(program.accepts(one) for one in sample):
            continue
        try:
            left = sum(len(_unread(program, one)) for one in sample)
        except GatewayError:
            continue
        total = sum(1 for one in sample for _ in one.leaves())
        if left * 2 < total and (best is None or left < best[0]):
            best = left, program
    return best[1] if best else None


def _unread(program: MappingProgram, parsed: Parsed) -> Sequence[Any]:
    context = trials.context_of(program)
    mapped = program.run(parsed, MapContext("sample", None, _NOW, context.id_for, context.options))
    return mapped.unread if mapped.contributions else tuple(leaf.place for leaf in parsed.leaves())


def _namespace(raw: bytes) -> str | None:
    root = etree.fromstring(raw.lstrip(b"\xef\xbb\xbf"), etree.XMLParser(resolve_entities=False))
    return etree.QName(root).namespace


def _proved(target: Path, types: Sequence[str]) -> None:
    """Compile the draft, give it its first test from what comes out, and run that."""
    try:
        program = load_mapping(target, DIALECTS, definitions.load())
        sample = next((target.parent / "samples").iterdir())
        mapped = trials.map_file(program, sample, READERS)
    except MappingErrors as err:
        for problem in err.problems:
            click.echo(problem.text("zh"), err=True)
        sys.exit(1)
    except GatewayError as err:
        click.echo(f"样例尚不能映射 / the sample is not mapped yet: {err} [{err.where}]", err=True)
        sys.exit(1)
    made = [one["resource"]["resourceType"] for one in combined(mapped[:1])[0]["entry"]]
    expected = ", ".join(f'"{t}.count()": {made.count(t)}' for t in dict.fromkeys((*made, *types)))
    with target.open("a", encoding="utf-8") as file:
        file.write(f"\ntests:\n  - in: samples/{sample.name}\n    expect: {{{expected}}}\n")
    program = load_mapping(target, DIALECTS, definitions.load())
    for trial in trials.run_trials(program, READERS):
        click.echo(f"{'FAILED' if trial.differences else 'passed'}  {trial.name}")
        for line in trial.differences:
            click.echo(f"    {line}")
