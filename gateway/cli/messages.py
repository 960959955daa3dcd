"""``gateway messages``: what came in, how it ended, and the way to try again."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import click

from gateway.cli.options import settings_of, with_settings
from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.fhir.differences import differences
from gateway.records import RecordResult
from gateway.settings import Settings
from gateway.store import Record, Store
from gateway.upkeep import Upkeep
from gateway.wiring import Runtime, build_runtime, open_store, utc_now

F = TypeVar("F", bound=Callable[..., Any])
SHARD = click.option("--shard", default=1, show_default=True, help="Shard of the consortium.")
DAY = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])
_FILTERS = (
    click.option("--status", help="stored, unchanged, stale, parked or corrected."),
    click.option("--stage", help="parse, map, validate or store."),
    click.option("--error", help="Error number, such as GW-3020."),
    click.option("--channel", help="Channel."),
    click.option("--key", help="A business key: patient, visit or referral number."),
    click.option("--since", type=DAY, help="Received at or after this local time."),
    click.option("--until", type=DAY, help="Received before this local time."),
)
_NAMES = ("status", "stage", "error", "channel", "key", "since", "until")


def filters(command: F) -> F:
    """Add the options that choose records."""
    for option in reversed(_FILTERS):
        command = option(command)
    return command


@click.group()
def messages() -> None:
    """Received messages: list, show, replay, prune. 收到的消息。"""


@messages.command("list")
@with_settings
@SHARD
@filters
@click.option("--limit", default=50, show_default=True)
def list_(shard: int, limit: int, **given: Any) -> None:
    """List records, the newest message first. 列出记录。"""
    wanted = {name: given.pop(name) for name in _NAMES}
    settings = settings_of(**given)
    store = open_store(settings)
    try:
        _print(_found(store, settings, shard, wanted, limit))
    finally:
        store.close()


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
@filters
@click.option("--parked", "is_parked", is_flag=True, help="Every parked message.")
@click.option("--dry-run", "is_dry", is_flag=True, help="Show what would change; write nothing.")
def replay(
    *, shard: int, message_ids: tuple[str, ...], is_parked: bool, is_dry: bool, **given: Any
) -> None:
    """Take messages along the way again, with today's mappings. 重放消息。

    Name messages, or choose them by options; options choose the parked ones unless --status says
    otherwise. Exit code 1 when one cannot be replayed.
    """
    wanted = {name: given.pop(name) for name in _NAMES}
    settings = settings_of(**given)
    runtime = build_runtime(settings)
    try:
        chosen = dict.fromkeys(message_ids)
        if is_parked or any(wanted.values()):
            wanted["status"] = wanted["status"] or "parked"
            found = _found(runtime.store, settings, shard, wanted, 1_000_000)
            chosen |= dict.fromkeys(one.message_id for one in found)
        if not chosen:
            raise click.UsageError("Name messages or choose them by options. 请指明要重放的消息。")
        if is_dry:
            told = [_rehearse(runtime, shard, message_id) for message_id in chosen]
            if not all(told):
                raise SystemExit(1)
        else:
            _replay(runtime, shard, tuple(chosen))
    finally:
        runtime.close()


@messages.command("prune")
@with_settings
@SHARD
@click.option("--dry-run", "is_dry", is_flag=True, help="Count only; change nothing.")
def prune(shard: int, is_dry: bool, **given: Any) -> None:
    """Drop the bytes of messages whose time of keeping is over. 清除过期消息的原始内容。

    keep_done_days and keep_parked_days set the times; the line of each message stays.
    """
    settings = settings_of(**given)
    store = open_store(settings)
    try:
        before = store.database.size()
        done, parked = Upkeep(store, settings, utc_now).prune(shard, is_dry=is_dry)
        for name, days, one in (
            ("done 已完成", settings.keep_done_days, done),
            ("parked 已搁置", settings.keep_parked_days, parked),
        ):
            kept = f"kept 保留 {days} days 天" if days > 0 else "kept for ever 永久保留"
            click.echo(f"{name}: {one.messages} messages 条, {one.size:,} bytes 字节 ({kept})")
        if not is_dry:
            freed = store.reclaim()
            after = store.database.size()
            click.echo(f"database 数据库 {before:,} -> {after:,} bytes, freed 释放 {freed:,}")
    finally:
        store.close()


def _found(
    store: Store, settings: Settings, shard: int, wanted: dict[str, Any], limit: int
) -> tuple[Record, ...]:
    """Give the records that the options choose."""
    zone = ZoneInfo(settings.zone)
    since, until = (_zoned(wanted[name], zone) for name in ("since", "until"))
    return store.journal.search(
        shard,
        status=wanted["status"],
        stage=wanted["stage"],
        error=wanted["error"],
        channel=wanted["channel"],
        key=(None, wanted["key"]) if wanted["key"] else None,
        received=(since, until),
        limit=limit,
    )


def _zoned(when: datetime | None, zone: ZoneInfo) -> datetime | None:
    return when.replace(tzinfo=zone) if when is not None else None


def _replay(runtime: Runtime, shard: int, chosen: Sequence[str]) -> None:
    """Replay each; one that cannot be replayed says why, and the others go on."""
    results: list[RecordResult] = []
    refusals = []
    with click.progressbar(chosen, label="replay 重放") as bar:
        for message_id in bar:
            try:
                results += runtime.pipeline.replay(shard, message_id)
            except GatewayError as error:
                refusals.append((message_id, error))
    if results or not refusals:
        _print(results)
    for message_id, refusal in refusals:
        click.echo(f"{message_id}  {refusal}")
    if refusals:
        raise SystemExit(1)


def _rehearse(runtime: Runtime, shard: int, message_id: str) -> bool:
    """Print how a message would end and every element that would change; False when refused."""
    try:
        for result, drafts in runtime.pipeline.rehearse(shard, message_id):
            _print([result])
            for draft in drafts:
                word = "~" if draft.previous else "+"
                click.echo(f"  {word} {draft.reference}")
                for line in _changes(draft.previous, draft.resource):
                    click.echo(f"      {line}")
    except GatewayError as error:
        click.echo(f"{message_id}  {error}")
        return False
    return True


def _changes(before: Any, after: Any) -> Iterator[str]:
    """Write each difference on a line; what is all new is named by its elements."""
    for one in differences(before, after):
        if before is None:
            yield f"{one.path}: {_text(one.after)}"
        else:
            yield f"{one.path}: {_text(one.before)} -> {_text(one.after)}"


def _text(value: Any) -> str:
    return "(none 无)" if value is None else codec.encode(value).decode()


def _print(rows: Sequence[Record] | Sequence[RecordResult]) -> None:
    """Print one line a record, and its reason below; ids stay whole, to be copied."""
    if not rows:
        click.echo("no records 没有记录")
    for row in rows:
        words = (row.kind, row.status, row.stage, row.error, row.place)
        line = "  ".join(word for word in words if word)
        click.echo(f"{row.message_id}  {row.ordinal}  {line}")
        if row.text_zh:
            click.echo(f"    {row.text_zh}")
