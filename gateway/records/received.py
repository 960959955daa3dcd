"""RECEIVE and PARSE: a message and the records that are read from it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

import msgspec

from gateway.records.plain import Format, Issue, Json, Place


@dataclass(frozen=True, slots=True)
class Channel:
    """How one member's system sends one kind of record (a row of the store).

    ``mappings`` are ids of mappings tried in order of their ``source`` selectors. ``charset`` is a
    Python codec name, ``detect`` or None (then the format's own declaration rules). ``options``
    are the reader's: delimiter, header synonyms, child tables, MLLP port.
    """

    id: str
    shard: int
    member: str
    format: Format
    mappings: tuple[str, ...]
    charset: str | None = None
    zone: str | None = None
    policy: Literal["enforce", "warn"] = "enforce"
    options: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Envelope:
    """One received message whose raw bytes are durable in the journal."""

    message_id: str
    channel: Channel
    raw: bytes
    received_utc: datetime
    peer: str | None = None
    is_duplicate: bool = False


@runtime_checkable
class Node(Protocol):
    """A value or group of a parsed source: its text, its place, nothing else."""

    @property
    def text(self) -> str | None:
        """Text as the mapping sees it: decoded, NFKC, trimmed; None when empty or absent."""

    @property
    def raw_text(self) -> str | None:
        """Text as it stood in the source after decoding."""

    @property
    def place(self) -> Place:
        """Where it stands."""


Selector = Callable[[Node, Node], Sequence[Node]]
"""A compiled source path: (anchor, root of the record) → nodes in source order."""


class Parsed(msgspec.Struct, frozen=True):
    """One record of a message as a tree that keeps every value's place.

    ``kind`` is what the mapping's ``source.messages`` selects on: ``ORU^R01``, ``C0053``,
    ``2304``, a table name. ``leaves`` yields every non-empty value for the coverage report;
    ``unread``, where a format has it, answers faster which of their places are neither in a set of
    places nor within the nodes given. ``deletion`` is the raw text by which the record says that a
    value has to go, None where it says so nowhere.
    """

    format: Format
    kind: str
    root: Node
    charset: str
    leaves: Callable[[], Iterator[Node]]
    ordinal: int = 0
    control_id: str | None = None
    issues: tuple[Issue, ...] = ()
    unread: Callable[[Set[Place], Sequence[Node]], list[Place]] | None = None
    deletion: str | None = None


class PathDialect(Protocol):
    """Compiles the paths of one format; ``gateway.formats`` gives one per format."""

    format: Format

    def compile(self, path: str, prefixes: Mapping[str, str]) -> Selector:
        """Compile a path; raise ``PathError`` with the column and a hint when it cannot be."""


class PathError(ValueError):
    """A source path that does not parse: ``column`` counts from 1 within the path."""

    def __init__(self, text: str, column: int = 1) -> None:
        super().__init__(text)
        self.column = column


class Reader(Protocol):
    """Reads one format: raw bytes of a message become its records, lazily."""

    format: Format

    def read(self, envelope: Envelope) -> Iterable[Parsed]:
        """Yield the records in source order; raise GatewayError GW-2xxx with a place."""
