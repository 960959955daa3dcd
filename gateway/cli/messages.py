"""``gateway messages``: what came in, how it ended, and the way to try again."""

import click
from rich.console import Console
from rich.table import Table

from gateway.records import RecordResult
from gateway.settings import load_settings
from gateway.store import Record
from gateway.wiring import build_runtime, open_store

SHARD = click.option("--shard", default=1, show_default=True, help="Shard of the consortium.")


@click.group()
def messages() -> None:
    """Received messages: list, show, replay."""


@messages.command("list")
@SHARD
@click.option("--status", help="stored, unchanged, stale, parked or corrected.")
@click.option("--error", help="Error number, such as GW-3020.")
@click.option("--channel", help="Channel.")
@click.option("--key", help="A business key: patient, visit or referral number.")
@click.option("--limit", default=50, show_default=True)
def list_(
    shard: int,
    status: str | None,
    error: str | None,
    channel: str | None,
    key: str | None,
    limit: int,
) -> None:
    """List records, the newest message first."""
    store = open_store(load_settings())
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
@SHARD
@click.argument("message_id")
def show(shard: int, message_id: str) -> None:
    """Show the records of one message with their attempts."""
    store = open_store(load_settings())
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
@SHARD
@click.argument("message_ids", nargs=-1)
@click.option("--parked", "is_parked", is_flag=True, help="Every parked message.")
@click.option("--error", help="Every parked message with this error number.")
def replay(shard: int, message_ids: tuple[str, ...], is_parked: bool, error: str | None) -> None:
    """Take messages along the way again, with today's mappings."""
    runtime = build_runtime(load_settings())
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
    table = Table("message", "no.", "kind", "status", "stage", "error", "place", "reason 原因")
    for row in rows:
        table.add_row(
            row.message_id,
            str(row.ordinal),
            row.kind or "",
            row.status,
            row.stage or "",
            row.error or "",
            row.place or "",
            row.text_zh or "",
        )
    Console().print(table)
