"""``gateway channel``: how the members' systems send their records."""

from pathlib import Path

import click

from gateway.cli.options import settings_of, with_settings
from gateway.errors import GatewayError
from gateway.records import Channel
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
    config: Path | None,
    data_dir: Path | None,
    database: str | None,
) -> None:
    """Register a channel or change it. 登记或修改通道。"""
    store = open_store(settings_of(config, data_dir=data_dir, database=database))
    registry = store.registry
    try:
        shards = [shard for shard in registry.shards() if registry.member(shard, member)]
        if not shards:
            raise GatewayError("GW-8012", member=member)
        options = {"mllp": {"port": mllp_port}} if mllp_port else {}
        registry.add_channel(
            Channel(
                name,
                shards[0],
                member,
                format_,  # type: ignore[arg-type]
                mappings,
                charset,
                zone,
                policy,  # type: ignore[arg-type]
                options,
            )
        )
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
