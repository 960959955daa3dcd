"""``gateway client``: the clients of the members and their secrets."""

import json
from dataclasses import replace
from pathlib import Path

import click

from gateway.access import new_secret, parse_scopes
from gateway.cli.options import served_at, settings_of, with_settings
from gateway.errors import GatewayError
from gateway.store import Client, Store
from gateway.wiring import open_store


@click.group()
def client() -> None:
    """Clients of the members and their secrets. 成员机构的客户端与密钥。"""


@client.command()
@click.argument("name")
@click.option("--member", required=True, help="Member it acts for 所属成员机构")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    help="Such as system/*.rs or intake/CHANNEL; may be repeated 授权范围",
)
@with_settings
def add(
    *,
    name: str,
    member: str,
    scopes: tuple[str, ...],
    config: Path | None,
    data_dir: Path | None,
    database: str | None,
) -> None:
    """Register a client; its secret is shown this once. 登记客户端，密钥只显示一次。"""
    settings = settings_of(config, data_dir=data_dir, database=database)
    wanted = parse_scopes(" ".join(scopes))
    store = open_store(settings)
    try:
        if store.registry.client(name) is not None:
            raise GatewayError("GW-8015", client=name)
        secret, hashed = new_secret()
        shards = _shards(store, member)
        held = tuple(map(str, wanted))
        store.registry.add_client(Client(name, name, hashed, member, shards, held))
    finally:
        store.close()
    _show(name, secret, served_at(settings))


@client.command()
@click.argument("name")
@with_settings
def rotate(name: str, config: Path | None, data_dir: Path | None, database: str | None) -> None:
    """Replace a client's secret; it is shown this once. 更换密钥。"""
    settings = settings_of(config, data_dir=data_dir, database=database)
    store = open_store(settings)
    try:
        secret, hashed = new_secret()
        store.registry.add_client(replace(_known(store, name), secret_hash=hashed))
    finally:
        store.close()
    _show(name, secret, served_at(settings))


@client.command()
@click.argument("name")
@with_settings
def revoke(name: str, config: Path | None, data_dir: Path | None, database: str | None) -> None:
    """Turn a client away from now on. 停用客户端。"""
    store = open_store(settings_of(config, data_dir=data_dir, database=database))
    try:
        store.registry.add_client(replace(_known(store, name), is_active=False))
    finally:
        store.close()
    click.echo(f"{name}: revoked 已停用")


@client.command("list")
@with_settings
def list_(config: Path | None, data_dir: Path | None, database: str | None) -> None:
    """List the clients. 列出客户端。"""
    store = open_store(settings_of(config, data_dir=data_dir, database=database))
    try:
        for one in store.registry.clients():
            state = "" if one.is_active else "\trevoked 已停用"
            click.echo(f"{one.id}\t{one.member}\t{' '.join(one.scopes)}{state}")
    finally:
        store.close()


def _shards(store: Store, member: str) -> tuple[int, ...]:
    """The shards in which the member takes part; raise GW-8012 when there is none."""
    shards = tuple(
        shard
        for shard in store.registry.shards()
        if store.registry.member(shard, member) is not None
    )
    if not shards:
        raise GatewayError("GW-8012", member=member)
    return shards


def _known(store: Store, name: str) -> Client:
    found = store.registry.client(name)
    if found is None:
        raise GatewayError("GW-8011", client=name)
    return found


def _show(name: str, secret: str, url: str) -> None:
    shown = {"client_id": name, "client_secret": secret, "token_endpoint": f"{url}/oauth/token"}
    click.echo(json.dumps(shown, indent=2))
