"""``gateway channel``: how the members' systems send their records."""

from pathlib import Path
from typing import Any

import click
import yaml

from gateway.cli.options import settings_of, with_settings
from gateway.errors import GatewayError
from gateway.records import Channel, Place
from gateway.store import Store
from gateway.wiring import open_store


@click.group()
def channel() -> None:
    """Channels of native records. 原始记录的接入通道。"""


@channel.command()
@click.argument("name")
@click.option("--member", required=True, help="Member whose system sends 所属成员机构")
@click.option(
    "--format",
    "format_",
    required=True,
    type=click.Choice(["hl7v2", "xml", "json", "rows", "fhir"]),
    help="Format of the records 格式",
)
@click.option("--mapping", "mappings", multiple=True, required=True, help="Mapping id 映射编号")
@click.option("--charset", help="Such as gb18030, or detect 字符集")
@click.option("--zone", help="Time zone, such as Asia/Shanghai 时区")
@click.option("--policy", type=click.Choice(["enforce", "warn"]), default="enforce")
@click.option("--mllp-port", type=click.IntRange(1, 65535), help="Port for HL7 v2 over MLLP 端口")
@click.option("--folder", type=click.Path(path_type=Path), help="Folder to watch 监视的文件夹")
@click.option("--historical", is_flag=True, help="Old records: no notices, no drafts 历史补录")
@click.option(
    "--options",
    "options_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="YAML file of further options (view, members, delimiter …) 其他选项",
)
@with_settings
def add(
    *,
    name: str,
    member: str,
    format_: str,
    mappings: tuple[str, ...],
    charset: str | None,
    zone: str | None,
    policy: str,
    mllp_port: int | None,
    folder: Path | None,
    historical: bool,
    options_file: Path | None,
    config: Path | None,
    data_dir: Path | None,
    database: str | None,
) -> None:
    """Register a channel or change it. 登记或修改通道。"""
    options = _options(mllp_port, folder, historical, options_file)
    store = open_store(settings_of(config, data_dir=data_dir, database=database))
    try:
        shard = _shard_of(store, member)
        one = Channel(name, shard, member, format_, mappings, charset, zone, policy, options)  # type: ignore[arg-type]
        if "push" in options:
            from gateway.carriers.outgoing import push_of

            push_of(one)
        store.registry.add_channel(one)
    finally:
        store.close()
    click.echo(f"{name}: registered 已登记 (POST /intake/{name})")


@channel.command("list")
@with_settings
def list_(config: Path | None, data_dir: Path | None, database: str | None) -> None:
    """List the channels. 列出通道。"""
    store = open_store(settings_of(config, data_dir=data_dir, database=database))
    try:
        for one in store.registry.channels():
            charset = one.charset or "-"
            click.echo(f"{one.id}\t{one.member}\t{one.format}\t{charset}\t{','.join(one.mappings)}")
    finally:
        store.close()


def _shard_of(store: Store, member: str) -> int:
    for shard in store.registry.shards():
        if store.registry.member(shard, member):
            return shard
    raise GatewayError("GW-8012", member=member)


def _options(
    mllp_port: int | None, folder: Path | None, historical: bool, file: Path | None
) -> dict[str, Any]:
    options = read_options(file) if file else {}
    options |= {"mllp": {"port": mllp_port}} if mllp_port else {}
    options |= {"folder": {"path": str(folder.absolute())}} if folder else {}
    return options | ({"historical": True} if historical else {})


def read_options(path: Path) -> dict[str, Any]:
    """Read options of a channel from YAML; raise GW-1020 with the place."""
    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as err:
        mark = getattr(err, "problem_mark", None)
        place = Place(str(path), mark.line + 1, mark.column + 1) if mark else Place(str(path))
        raise GatewayError("GW-1020", where=place, problem="YAML") from err
    if not isinstance(told, dict):
        raise GatewayError("GW-1020", where=Place(str(path)), problem="YAML: {…}")
    return told
