"""How the clients sign in: secrets and keys, each with its time, so that they change unnoticed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import click

from gateway.access import new_secret, public_text, read_keys
from gateway.cli.options import served_at, settings_of, with_settings
from gateway.delivery import AddressGuard, fetch
from gateway.errors import GatewayError
from gateway.settings import Settings
from gateway.store import Client, Credential, Store
from gateway.wiring import open_store, utc_now

_WHEN = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])
_SINCE = click.option("--since", type=_WHEN, help="From when on, UTC 启用时间")
_UNTIL = click.option("--until", type=_WHEN, help="Until when, UTC 停用时间")


@contextmanager
def opened(settings: Settings) -> Iterator[Store]:
    """Open the store for one command."""
    store = open_store(settings)
    try:
        yield store
    finally:
        store.close()


def known(store: Store, name: str) -> Client:
    """Give a client; raise GW-8011."""
    found = store.registry.client(name)
    if found is None:
        raise GatewayError("GW-8011", client=name)
    return found


def keys_of(
    client: str, jwks: BinaryIO | None, jwks_url: str | None, settings: Settings
) -> list[Credential]:
    """Make credentials of a file of keys and of an address of keys, which is read for a try.

    Raises GW-8018, GW-8019, and what reading the address raises.
    """
    made = []
    if jwks is not None:
        for kid, key in read_keys(jwks.read()).items():
            made.append(Credential(client, kid, "key", public_text(key)))
    if jwks_url is not None:
        read_keys(fetch(AddressGuard.from_setting(settings.allowed_networks), jwks_url))
        made.append(Credential(client, "jwks-url", "address", jwks_url))
    return made


@click.command()
@click.argument("name")
@click.option(
    "--keep-days",
    type=click.IntRange(0, 90),
    default=0,
    help="Old ones hold so long 旧密钥保留天数",
)
@with_settings
def rotate(
    name: str, keep_days: int, config: Path | None, data_dir: Path | None, database: str | None
) -> None:
    """Make a new secret, shown this once; end the old ones. 更换密钥。"""
    settings = settings_of(config, data_dir=data_dir, database=database)
    with opened(settings) as store:
        known(store, name)
        secret, hashed = new_secret()
        now, held = utc_now(), store.credentials.of(name)
        numbers = [one.id.removeprefix("secret-") for one in held if one.kind == "secret"]
        number = 1 + max((int(one) for one in numbers if one.isdecimal()), default=0)
        last = now + timedelta(days=keep_days)
        ended = [
            replace(one, until=last)
            for one in held
            if one.kind == "secret" and (one.until is None or one.until > last)
        ]
        made = Credential(name, f"secret-{number}", "secret", hashed, now)
        store.credentials.put(*ended, made)
    show(name, secret, served_at(settings))


@click.command()
@click.argument("name")
@with_settings
def credentials(
    name: str, config: Path | None, data_dir: Path | None, database: str | None
) -> None:
    """List the secrets and keys of a client, without their values. 列出凭据。"""
    with opened(settings_of(config, data_dir=data_dir, database=database)) as store:
        known(store, name)
        now = utc_now()
        for one in store.credentials.of(name):
            shown = one.value if one.kind == "address" else ""
            state = "" if one.holds(now) else "\tnot now 当前无效"
            span = f"{_day(one.since)}\t{_day(one.until)}"
            click.echo(f"{one.id}\t{one.kind}\t{span}\t{shown}{state}")


@click.command("add-key")
@click.argument("name")
@click.option("--jwks", type=click.File("rb"), help="File of its public keys 公钥集文件")
@click.option("--jwks-url", help="Address of its public keys 公钥集地址")
@_SINCE
@_UNTIL
@with_settings
def add_key(
    *,
    name: str,
    jwks: BinaryIO | None,
    jwks_url: str | None,
    since: datetime | None,
    until: datetime | None,
    config: Path | None,
    data_dir: Path | None,
    database: str | None,
) -> None:
    """Add public keys beside those that hold already. 添加公钥。"""
    if jwks is None and jwks_url is None:
        raise click.UsageError("--jwks or --jwks-url 须给出其一")
    settings = settings_of(config, data_dir=data_dir, database=database)
    with opened(settings) as store:
        known(store, name)
        held = {one.id: one for one in store.credentials.of(name)}
        begin = _utc(since) or utc_now()
        made = [
            replace(one, since=begin, until=_utc(until))
            for one in keys_of(name, jwks, jwks_url, settings)
        ]
        for one in made:
            other = held.get(one.id)
            if one.kind == "key" and other is not None and other.value != one.value:
                raise GatewayError("GW-8022", client=name, credential=one.id)
        store.credentials.put(*made)
    for one in made:
        click.echo(f"{one.id}\t{one.kind}\t{_day(one.since)}\t{_day(one.until)}")


@click.command()
@click.argument("name")
@click.argument("credential")
@click.option("--at", type=_WHEN, help="From when on, UTC; now if left out 停用时间")
@with_settings
def end(
    *,
    name: str,
    credential: str,
    at: datetime | None,
    config: Path | None,
    data_dir: Path | None,
    database: str | None,
) -> None:
    """End one secret or key. 停用一个凭据。"""
    with opened(settings_of(config, data_dir=data_dir, database=database)) as store:
        known(store, name)
        found = [one for one in store.credentials.of(name) if one.id == credential]
        if not found:
            raise GatewayError("GW-8021", client=name, credential=credential)
        until = _utc(at) or utc_now()
        store.credentials.put(replace(found[0], until=until))
    click.echo(f"{credential}\tends 停用\t{_day(until)}")


def show(name: str, secret: str | None, url: str) -> None:
    """Print what a client signs in with; the secret this once."""
    shown = {"client_id": name, "client_secret": secret, "token_endpoint": f"{url}/oauth/token"}
    told = {key: value for key, value in shown.items() if value is not None}
    click.echo(json.dumps(told, indent=2))


def _utc(when: datetime | None) -> datetime | None:
    return when.replace(tzinfo=UTC) if when is not None else None


def _day(when: datetime | None) -> str:
    return when.isoformat(timespec="seconds") if when is not None else "-"
