"""``gateway map coverage``: which source fields of a channel are read, and which by nobody."""

import re
from collections import Counter, defaultdict
from typing import Any

import click
import msgspec

from gateway.cli.options import settings_of, with_settings
from gateway.records import Lineage
from gateway.store import Record, Store
from gateway.wiring import open_store

_LINE = re.compile(r" \(line \d+(?:, column \d+)?\)\Z")
_INDEX = re.compile(r"\[\d+\]")


@click.command("coverage")
@click.argument("channel")
@with_settings
@click.option("--shard", default=1, show_default=True, help="Shard of the consortium.")
@click.option("--limit", default=1_000, show_default=True, help="The latest records looked at.")
@click.option("--unread", "only_unread", is_flag=True, help="Only what nobody read.")
def coverage(channel: str, shard: int, limit: int, only_unread: bool, **given: Any) -> None:
    """Sum up what the records of CHANNEL held: read into which elements, or unread.

    Exit code 1 when a field is unread.
    """
    store = open_store(settings_of(**given))
    try:
        store.registry.channel(channel)
        records = store.journal.search(shard, channel=channel, limit=limit)
        read, elements, unread = _summed(store, shard, records)
    finally:
        store.close()
    mapped = sum(record.mapping is not None for record in records)
    click.echo(f"{channel}: {len(records)} 条记录 records, {mapped} 已映射 mapped")
    for path, count in [] if only_unread else sorted(read.items()):
        told = ", ".join(sorted(elements[path]))
        click.echo(f"  {count:6}  已读 read    {path} → {told}")
    for path, count in unread.most_common():
        click.echo(f"  {count:6}  未读 UNREAD  {path}")
    click.echo(f"{len(read)} 个字段已读 read, {len(unread)} 未读 unread")
    if unread:
        raise SystemExit(1)


def _summed(
    store: Store, shard: int, records: tuple[Record, ...]
) -> tuple[Counter[str], dict[str, set[str]], Counter[str]]:
    """Count, by path without repetitions, the records that read it and those that did not."""
    read: Counter[str] = Counter()
    unread: Counter[str] = Counter()
    elements: dict[str, set[str]] = defaultdict(set)
    for record in records:
        unread.update({_INDEX.sub("", _LINE.sub("", text)) for text in record.unread})
        packed = store.journal.lineage(shard, record.message_id, record.ordinal)
        rows = msgspec.json.decode(packed, type=list[Lineage]) if packed else []
        told: set[str] = set()
        types = [reference.partition("/")[0] for reference in record.resources]
        for row in rows:
            _, _, number, _, *steps = row.pointer.split("/")
            names = ".".join(step for step in steps if not step.isdigit())
            type_ = types[int(number)] if int(number) < len(types) else "?"
            for place in row.sources:
                path = _INDEX.sub("", place.path)
                told.add(path)
                elements[path].add(f"{type_}.{names}")
        read.update(told)
    return read, elements, unread
