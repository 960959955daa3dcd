"""``gateway load``: FHIR resources from files into the store, as the operator."""

from collections.abc import Iterator
from pathlib import Path

import click
from rich.console import Console
from rich.progress import track

from gateway.cli.options import settings_of, with_settings
from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.interactions import Request
from gateway.records import Place, Principal, Resource, Visibility
from gateway.wiring import Runtime, build_runtime

_AT_ONCE = 200
_SUFFIXES = frozenset({".json", ".ndjson"})


@click.command()
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option("--member", required=True, help="Member whose records they are 所属成员机构")
@with_settings
def load(
    source: Path, member: str, config: Path | None, data_dir: Path | None, database: str | None
) -> None:
    """Load resources and Bundles (.json, .ndjson) from a file or folder. 载入资源文件。

    A resource with an id keeps it; the entries of a Bundle are written together.
    """
    runtime = build_runtime(settings_of(config, data_dir=data_dir, database=database))
    console = Console(stderr=True)
    try:
        principal = _operator(runtime, member)
        paths = [source] if source.is_file() else _files(source)
        loaded, refused = 0, 0
        for path in track(paths, description="load 载入", console=console):
            for place, requests in _batches(path):
                try:
                    loaded += len(runtime.pipeline.write(principal, requests))
                except GatewayError as error:
                    refused += len(requests)
                    console.print(f"{place}: {error.number} {error.text_zh}", markup=False)
    finally:
        runtime.close()
    click.echo(f"{loaded} stored 已存, {refused} refused 未存")
    if refused:
        raise click.exceptions.Exit(1)


def _operator(runtime: Runtime, member: str) -> Principal:
    """Write as the operator on behalf of a member; raise GW-8012."""
    registry = runtime.store.registry
    for shard in registry.shards():
        if registry.member(shard, member):
            sight = Visibility(shard, member, sees_all=True)
            return Principal("load", member, frozenset({"operator"}), ("system/*.cruds",), sight)
    raise GatewayError("GW-8012", member=member)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in _SUFFIXES)


def _batches(path: Path) -> Iterator[tuple[Place, list[Request]]]:
    """Give what is written together: a Bundle's entries, or up to 200 single resources."""
    waiting: list[Request] = []
    first = 1
    for line, resource in _resources(path):
        if resource.get("resourceType") == "Bundle" and resource.get("type") != "document":
            yield (
                Place(str(path), line),
                [
                    _request(entry["resource"], entry.get("fullUrl"))
                    for entry in resource.get("entry", ())
                    if "resource" in entry
                ],
            )
            continue
        waiting.append(_request(resource, None))
        if len(waiting) == _AT_ONCE:
            yield Place(str(path), first), waiting
            waiting, first = [], line + 1
    if waiting:
        yield Place(str(path), first), waiting


def _resources(path: Path) -> Iterator[tuple[int, Resource]]:
    if path.suffix != ".ndjson":
        yield 1, _resource(path.read_bytes(), path, 1)
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield number, _resource(line, path, number)


def _resource(raw: bytes, path: Path, line: int) -> Resource:
    value = codec.decode(raw)
    if not isinstance(value, dict) or not isinstance(value.get("resourceType"), str):
        raise GatewayError("GW-7015", where=Place(str(path), line))
    return value


def _request(resource: Resource, full_url: str | None) -> Request:
    type_, id_ = resource["resourceType"], resource.get("id")
    if id_:
        return Request("update", type_, id=id_, resource=resource, full_url=full_url)
    return Request("create", type_, resource=resource, full_url=full_url)
