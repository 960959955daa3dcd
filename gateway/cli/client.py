"""``gateway client``: the clients of the members."""

from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import click

from gateway.access import new_secret, parse_scopes
from gateway.cli.client_credentials import (
    add_key,
    credentials,
    end,
    keys_of,
    known,
    opened,
    rotate,
    show,
)
from gateway.cli.options import served_at, settings_of, with_settings
from gateway.errors import GatewayError
from gateway.store import Client, Credential, Store


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
@click.option("--jwks", type=click.File("rb"), help="File of its public keys 公钥集文件")
@click.option("--jwks-url", help="Address of its public keys 公钥集地址")
@with_settings
def add(
    *,
    name: str,
    member: str,
    scopes: tuple[str, ...],
    jwks: BinaryIO | None,
    jwks_url: str | None,
    config: Path | None,
    data_dir: Path | None,
    database: str | None,
) -> None:
    """Register a client; a secret is made unless it brings keys. 登记客户端，密钥只显示一次。"""
    settings = settings_of(config, data_dir=data_dir, database=database)
    held = tuple(map(str, parse_scopes(" ".join(scopes))))
    with opened(settings) as store:
        if store.registry.client(name) is not None:
            raise GatewayError("GW-8015", client=name)
        shards = _shards(store, member)
        secret = None
        if jwks or jwks_url:
            made = keys_of(name, jwks, jwks_url, settings)
        else:
            secret, hashed = new_secret()
            made = [Credential(name, "secret-1", "secret", hashed)]
        store.registry.add_client(Client(name, name, member, shards, held))
        store.credentials.put(*made)
    show(name, secret, served_at(settings))


@client.command()
@click.argument("name")
@with_settings
def revoke(name: str, config: Path | None, data_dir: Path | None, database: str | None) -> None:
    """Turn a client away from now on. 停用客户端。"""
    with opened(settings_of(config, data_dir=data_dir, database=database)) as store:
        store.registry.add_client(replace(known(store, name), is_active=False))
    click.echo(f"{name}: revoked 已停用")


@client.command("list")
@with_settings
def list_(config: Path | None, data_dir: Path | None, database: str | None) -> None:
    """List the clients. 列出客户端。"""
    with opened(settings_of(config, data_dir=data_dir, database=database)) as store:
        for one in store.registry.clients():
            state = "" if one.is_active else "\trevoked 已停用"
            click.echo(f"{one.id}\t{one.member}\t{' '.join(one.scopes)}{state}")


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


client.add_command(rotate)
client.add_command(credentials)
client.add_command(add_key)
client.add_command(end)
