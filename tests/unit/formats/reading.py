"""Short ways to read a record and ask paths of it."""

from collections.abc import Mapping
from datetime import UTC, datetime

from gateway.formats import DIALECTS, READERS
from gateway.records import Channel, Envelope, Format, Json, Node, Parsed

NOW = datetime(2026, 3, 15, 2, 30, tzinfo=UTC)


def envelope(
    raw: bytes,
    format_: Format,
    charset: str | None = None,
    options: Mapping[str, Json] | None = None,
) -> Envelope:
    """Wrap raw bytes as a message of a channel."""
    channel = Channel("lab", 1, "qs-township", format_, (), charset, options=options or {})
    return Envelope("m1", channel, raw, NOW)


def read(raw: bytes, format_: Format, charset: str | None = None, **options: Json) -> list[Parsed]:
    """Read all records of a message."""
    return list(READERS[format_].read(envelope(raw, format_, charset, options)))


def nodes(parsed: Parsed, path: str, anchor: Node | None = None, **prefixes: str) -> list[Node]:
    """Give what a path finds from an anchor, or from the record."""
    selector = DIALECTS[parsed.format].compile(path, prefixes)
    return list(selector(anchor or parsed.root, parsed.root))


def texts(
    parsed: Parsed, path: str, anchor: Node | None = None, **prefixes: str
) -> list[str | None]:
    """Give the texts of what a path finds."""
    return [node.text for node in nodes(parsed, path, anchor, **prefixes)]


def places(parsed: Parsed, path: str, anchor: Node | None = None, **prefixes: str) -> list[str]:
    """Give the places of what a path finds, as text."""
    return [str(node.place) for node in nodes(parsed, path, anchor, **prefixes)]
