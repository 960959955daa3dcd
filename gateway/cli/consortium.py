"""``gateway consortium``: members and channels from one file."""

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from gateway.cli.options import settings_of, with_settings
from gateway.consortium import apply, read_description
from gateway.wiring import build_runtime


@click.group()
def consortium() -> None:
    """Set up members and channels from a file."""


@consortium.command("apply")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@with_settings
def apply_(file: Path, **given: Any) -> None:
    """Write the members and channels of FILE; running it again changes only what differs. 登记。"""
    described = read_description(file)
    runtime = build_runtime(settings_of(**given))
    try:
        applied = apply(
            runtime.store,
            runtime.pipeline.preparer,
            runtime.pipeline.secret,
            described,
            runtime.clock(),
        )
    finally:
        runtime.close()
    table = Table("member 成员", "name 名称", "roles 角色", "channels 通道")
    for member in applied.members:
        channels = ", ".join(one.id for one in applied.channels if one.member == member.id)
        table.add_row(member.id, member.name, " ".join(member.roles), channels)
    Console().print(table)
    library = runtime.pipeline.library
    for channel in applied.channels:
        for mapping in channel.mappings:
            if library.find(mapping) is None:
                click.echo(
                    f"{channel.id}: 还没有映射 {mapping}，该通道的记录将停放 · there is no mapping "
                    f"{mapping} yet, records of this channel will be parked",
                    err=True,
                )
