"""``gateway member``: the members of the consortia."""

from pathlib import Path

import click

from gateway.cli.options import settings_of, with_settings
from gateway.wiring import open_store


@click.group()
def member() -> None:
    """Members of the consortium. 成员机构（用 gateway consortium 从文件登记）。"""


@member.command("list")
@with_settings
def list_(config: Path | None, data_dir: Path | None, database: str | None) -> None:
    """List the members of every consortium. 列出成员机构。"""
    store = open_store(settings_of(config, data_dir=data_dir, database=database))
    try:
        for tenant in store.registry.tenants():
            click.echo(f"{tenant.id}\t{tenant.name}")
            for one in store.registry.members(tenant.shard):
                roles = ",".join(one.roles)
                click.echo(f"  {one.id}\t{one.name}\t{roles}\t{one.uscc or ''}")
    finally:
        store.close()
