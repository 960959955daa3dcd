"""``gateway consortium``: members and channels from one file."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from gateway.consortium import apply, read_description
from gateway.settings import load_settings
from gateway.wiring import build_runtime


@click.group()
def consortium() -> None:
    """Set up members and channels from a file."""


@consortium.command("apply")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--database", help="Database URL instead of the setting's.")
def apply_(file: Path, database: str | None) -> None:
    """Write the members and channels of FILE; running it again changes only what differs."""
    described = read_description(file)
    runtime = build_runtime(load_settings(database=database))
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
