"""``gateway deliveries``: outgoing notices, why one waits, and the way to send or give it up."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from gateway.cli.options import settings_of, with_settings
from gateway.delivery import endpoint_secret
from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.records import Visibility
from gateway.store import Delivery, Store
from gateway.wiring import open_store, utc_now

SHARD = click.option("--shard", default=1, show_default=True, help="Shard of the consortium.")
STATUSES = click.Choice(["waiting", "parked", "done", "skipped"])


@click.group()
def deliveries() -> None:
    """Outgoing notices: list, show, replay, skip. 外发通知。"""


@deliveries.command("list")
@with_settings
@SHARD
@click.option("--status", type=STATUSES, help="Only notices in this state.")
@click.option("--recipient", help="Only notices to this member.")
@click.option("--focus", help="Only notices about this resource, such as ServiceRequest/ID.")
@click.option("--limit", default=50, show_default=True)
def list_(
    shard: int,
    status: str | None,
    recipient: str | None,
    focus: str | None,
    limit: int,
    **given: Any,
) -> None:
    """List notices, the newest first. 列出通知。"""
    with _store(**given) as store:
        rows = store.outbox.search(
            shard, status=status, recipient=recipient, focus=focus, limit=limit
        )
        counts = store.outbox.counts(shard)
        backlogs = store.outbox.backlogs(shard)
    for row in rows:
        words = (row.pk, row.status, row.recipient, row.topic, row.focus)
        tried = f"attempts 次数 {row.attempts}"
        click.echo("  ".join(map(str, (*words, tried))))
        if row.last_error:
            click.echo(f"    {row.last_error}")
    for one in backlogs:
        click.echo(
            f"{one.recipient}: waiting 等待 {one.waiting}, parked 搁置 {one.parked}, "
            f"failed before 曾失败 {one.failing}, oldest 最早 {one.oldest_utc.isoformat()}"
        )
    click.echo(
        ", ".join(f"{name} {number}" for name, number in sorted(counts.items())) or "none 无"
    )


@deliveries.command("show")
@with_settings
@SHARD
@click.argument("number", type=int)
def show(shard: int, number: int, **given: Any) -> None:
    """Show one notice with the reason of its last failure. 查看一条通知。"""
    with _store(**given) as store:
        one = _delivery(store, shard, number)
        address = _address(store, shard, one.recipient)
    for name, value in (
        ("recipient", one.recipient),
        ("address", address or "(none 未登记)"),
        ("topic", one.topic),
        ("focus", one.focus),
        ("stream", f"{one.stream} #{one.number}"),
        ("key", one.idempotency_key),
        ("status", one.status),
        ("attempts", one.attempts),
        ("created", one.created_utc.isoformat()),
        ("next attempt", one.next_utc.isoformat() if one.status == "waiting" else "-"),
        ("ended", one.ended_utc.isoformat() if one.ended_utc else "-"),
        ("reason", one.last_error or "-"),
    ):
        click.echo(f"{name:14}{value}")


def _address(store: Store, shard: int, recipient: str) -> str | None:
    """Say where a recipient's notices go: an address, or the way of a channel that pushes."""
    type_, _, id_ = recipient.rpartition("/")
    if type_ == "Subscription":
        found = store.read(Visibility(shard, "", sees_all=True), type_, id_)
        resource = {} if found is None or found.is_deleted else codec.decode_stored(found.body)
        endpoint: str | None = resource.get("channel", {}).get("endpoint")
        return endpoint
    if type_ == "Channel":
        channels = [one for one in store.registry.channels(shard) if one.id == id_]
        told = channels[0].options.get("push") if channels else None
        ways = told.keys() & {"http", "soap", "mllp", "folder", "table"} if told else set()
        return ", ".join(f"push: {way}" for way in sorted(ways)) or None
    member = store.registry.member(shard, recipient)
    return member.endpoint if member else None


@deliveries.command("replay")
@with_settings
@SHARD
@click.argument("numbers", type=int, nargs=-1)
@click.option("--parked", "is_parked", is_flag=True, help="Every parked notice.")
@click.option("--recipient", help="Everything that this recipient has not taken yet.")
def replay(
    shard: int, numbers: tuple[int, ...], is_parked: bool, recipient: str | None, **given: Any
) -> None:
    """Send notices once more, under the same idempotency key. 重发通知。"""
    if not numbers and not is_parked and not recipient:
        raise click.UsageError(
            "Name the notices, --parked or --recipient. 请给出编号、--parked 或 --recipient。"
        )
    with _store(**given) as store:
        chosen = [_delivery(store, shard, number) for number in numbers]
        for status in ("parked",) if is_parked else ("parked", "waiting") if recipient else ():
            chosen += store.outbox.search(
                shard, status=status, recipient=recipient, limit=1_000_000
            )
        for one in chosen:
            store.outbox.replay(shard, one.pk, utc_now())
    click.echo(f"replayed 重发: {len(chosen)}")


@deliveries.command("skip")
@with_settings
@SHARD
@click.argument("numbers", type=int, nargs=-1, required=True)
def skip(shard: int, numbers: tuple[int, ...], **given: Any) -> None:
    """Give notices up, so that later ones of the same referral go on. 放弃通知。"""
    with _store(**given) as store:
        chosen = [_delivery(store, shard, number) for number in numbers]
        done = [one for one in chosen if one.status == "done"]
        for one in chosen:
            if one not in done:
                store.outbox.skip(shard, one.pk, utc_now())
    click.echo(f"skipped 放弃: {len(chosen) - len(done)}; delivered before 此前已送达: {len(done)}")


@deliveries.command("secret")
@with_settings
@SHARD
@click.argument("member")
def secret(shard: int, member: str, config: Path | None, **given: Any) -> None:
    """Print the secret that a member's endpoint checks signatures with. 显示成员的验签密钥。"""
    settings = settings_of(config, **given)
    with _store(config, **given) as store:
        if store.registry.member(shard, member) is None:
            raise click.UsageError(f"There is no member {member}. 没有成员 {member}。")
    click.echo(endpoint_secret(settings.deployment_secret(), shard, member).decode())


@contextmanager
def _store(config: Path | None = None, **given: Any) -> Iterator[Store]:
    store = open_store(settings_of(config, **given))
    try:
        yield store
    finally:
        store.close()


def _delivery(store: Store, shard: int, number: int) -> Delivery:
    found = store.outbox.get(shard, number)
    if found is None:
        raise GatewayError("GW-6110", delivery=number)
    return found
