"""``gateway upgrade``: bring the database to this program's schema."""

import click

from gateway.settings import load_settings
from gateway.wiring import open_store


@click.command()
@click.option("--database", help="Database URL instead of the setting's.")
def upgrade(database: str | None) -> None:
    """Create or migrate the schema; harmless when it is up to date."""
    open_store(load_settings(database=database)).close()
    click.echo("schema up to date 数据库结构已是最新")
