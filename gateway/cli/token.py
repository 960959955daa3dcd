"""``gateway token``: a bearer token for tools on this machine."""

from pathlib import Path

import click

from gateway.access import Access
from gateway.cli.options import settings_of, with_settings
from gateway.wiring import open_store, utc_now


@click.command()
@click.argument("name")
@click.option("--scope", default="", help="Less than the client is registered for 缩小授权范围")
@with_settings
def token(
    name: str, scope: str, config: Path | None, data_dir: Path | None, database: str | None
) -> None:
    """Print a bearer token for a client, and nothing else. 输出访问令牌。"""
    settings = settings_of(config, data_dir=data_dir, database=database)
    store = open_store(settings)
    try:
        access = Access(
            settings.deployment_secret(),
            store.registry,
            store.credentials,
            utc_now,
            lifetime_s=settings.token_lifetime_s,
        )
        click.echo(access.issue(name, scope))
    finally:
        store.close()
