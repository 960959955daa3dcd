"""``gateway messages``: what came in, how it ended, and the way to try again."""

from typing import Any

import click

from gateway.cli.options import settings_of, with_settings
from gateway.records import RecordResult
from gateway.store import Record
from gateway.wiring import build_runtime, open_store

SHARD = click.option("--shard", default=1, show_default=True, help="Shard of the consortium.")


@click.group()
def messages() -> None:
    """Received messages: list, show, replay. 收到的消息。"""


@messages.command("list")
@with_settings
@SHARD
@click.option("--status", help="stored, unchanged, stale, parked or corrected.")
@click.option("--error", help="Error number, such as GW-3020.")
@click.option("--channel", help="Channel.")
@click.option("--key", help="A business key: patient, visit or referral number.")
@click.option("--limit", default=50, show_default=True)
def list_(
    *,
    shard: int,
    status: str | None,
    error: str | None,
    channel: str | None,
    key: str | None,
    limit: int,
    **given: Any,
) -> None:
    """List records, the newest message first. 列出记录。"""
    store = open_store(settings_of(**given))
    try:
        rows = store.journal.search(
            shard,
            status=status,
            error=error,
            channel=channel,
            key=(None, key) if key else None,
            limit=limit,
        )
    finally:
        store.close()
    _print(rows)


@messages.command("show")
@with_settings
@SHARD
@click.argument("message_id")
def show(shard: int, message_id: str, **given: Any) -> None:
    """Show the records of one message with their attempts. 查看一条消息。"""
    store = open_store(settings_of(**given))
    try:
        rows = store.journal.records(shard, message_id)
        _print(rows)
        for row in rows:
            for one in store.journal.attempts(shard, message_id, row.ordinal):
                click.echo(
                    f"  {row.ordinal} attempt {one.number} {one.at_utc.isoformat()} {one.status} "
                    f"{one.stage or ''} {one.error or ''} {one.place or ''}"
                )
            for place in row.unread:
                click.echo(f"  {row.ordinal} unread 未读取 {place}")
    finally:
        store.close()


@messages.command("replay")
@with_settings
@SHARD
@click.argument("message_ids", nargs=-1)
@click.option("--parked", "is_parked", is_flag=True, help="Every parked message.")
@click.option("--error", help="Every parked message with this error number.")
def replay(
    shard: int, message_ids: tuple[str, ...], is_parked: bool, error: str | None, **given: Any
) -> None:
    """Take messages along the way again, with today's mappings. 重放消息。"""
    runtime = build_runtime(settings_of(**given))
    try:
        chosen = dict.fromkeys(message_ids)
        if is_parked or error:
            found = runtime.store.journal.search(
                shard, status="parked", error=error, limit=1_000_000
            )
            chosen |= dict.fromkeys(one.message_id for one in found)
        with click.progressbar(chosen, label="replay 重放") as bar:
            results = [one for message in bar for one in runtime.pipeline.replay(shard, message)]
    finally:
        runtime.close()
    _print(results)


def _print(rows: "tuple[Record, ...] | list[RecordResult]") -> None:
    """Print one line a record, and its reason below; ids stay whole, to be copied."""
    if not rows:
        click.echo("no records 没有记录")
    for row in rows:
        words = (row.kind, row.status, row.stage, row.error, row.place)
        line = "  ".join(word for word in words if word)
        click.echo(f"{row.message_id}  {row.ordinal}  {line}")
        if row.text_zh:
            click.echo(f"    {row.text_zh}")
