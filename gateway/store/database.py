"""The interface of the two engines: read in a snapshot, write in one transaction."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Table

from gateway.store.frequencies import Frequencies
from gateway.store.keys import key_ms

T = TypeVar("T")
Row = tuple[Any, ...]
AliasKey = tuple[str, str, str, str]
"""Owner ('' for all members), type, system and value of a business key."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one moment saw: every transaction below ``limit`` but the ``running`` ones.

    A version belongs to it when its ``txn`` does and its ``superseded_txn`` does not.
    """

    limit: int
    running: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Stamp:
    """The number and the time of a write transaction.

    ``generation`` tells which search parameters of the deployment it must index.
    """

    txn: int
    ms: int
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Head:
    """The newest version of one resource, locked for this transaction."""

    pk: int
    version_no: int
    is_deleted: bool


def least_ms(heads: Mapping[tuple[str, str], Head]) -> int:
    """Give the first time that is later than all of these versions."""
    return max((key_ms(head.pk) + 1 for head in heads.values()), default=0)


class Session(Protocol):
    """A write transaction; the hot statements are hand-tuned per engine, the rest is Core."""

    @property
    def connection(self) -> Connection:
        """The transaction for statements of SQLAlchemy Core."""

    def look(
        self, shard: int, keys: Sequence[tuple[str, str]], aliases: Sequence[AliasKey]
    ) -> tuple[dict[tuple[str, str], Head], dict[AliasKey, str], Stamp]:
        """Lock the newest version of each (type, id) that exists, and give what a write needs.

        The heads, the ids of the aliases that are known, and this transaction's stamp, taken after
        the locks are held: in one round trip where there is a network.
        """

    def stamp(self, shard: int, at_least_ms: int = 0) -> Stamp:
        """Give this transaction's number and time, after the locks are held."""

    def audit_order(self, shard: int, count: int) -> Sequence[int]:
        """Give the next numbers in the order of storing accesses, each of the form of a key."""

    def run(self, sql: str, values: Sequence[Any]) -> None:
        """Run one fixed statement that answers nothing; placeholders are ``?``."""

    def ask(self, sql: str, values: Sequence[Any]) -> list[Row]:
        """Run one fixed statement and give its rows; placeholders are ``?``. Not in a batch."""

    def supersede(self, shard: int, pks: Sequence[int], txn: int) -> None:
        """Mark versions as superseded by this transaction."""

    def batch(self) -> AbstractContextManager[Any]:
        """Send the statements inside without waiting for each one's answer."""

    def insert(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert rows that hold every column in the table's order, in one statement."""

    def upsert(self, table: Table, rows: Sequence[Row], changed: Sequence[str] = ()) -> None:
        """Insert rows; of one whose key is there already only the ``changed`` columns are taken.

        The key is the table's primary key, or its unique constraint when nothing is changed. All
        writers give their rows in the order of the keys, so that none waits in a circle.
        """

    def insert_texts(self, rows: Sequence[tuple[int, int, str]]) -> None:
        """Insert the packed terms (``store.texts``) of versions: (shard, key, terms)."""

    def delete_texts(self, rows: Sequence[tuple[int, int, str]]) -> None:
        """Delete the packed terms of versions; they are given as they were inserted."""

    def lock_criteria(self, shard: int, digests: Sequence[int]) -> None:
        """Make writes under equal criteria take turns until this transaction ends."""

    def leave_unflushed(self) -> None:
        """Do not wait for the disk: what this transaction says may be repeated after a crash."""


class Database(Protocol):
    """One of the two engines."""

    name: str
    frequencies: Frequencies

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a read-only transaction that sees one snapshot throughout."""

    def rows(self, sql: str, parameters: Sequence[Any]) -> list[Row]:
        """Run one hot SELECT outside of any transaction; placeholders are ``?``."""

    def snapshot(self, connection: Connection, shard: int) -> Snapshot:
        """Give the snapshot of a reading transaction."""

    def complete_ms(self, shard: int) -> int:
        """Give a time (ms since 1970): whatever a later snapshot lacks lies at or after it.

        Ask before the reading transaction begins: numbers and times are given before commit, so a
        slow write may land behind a fast one.
        """

    def has_transaction_before(self, ms: int) -> bool:
        """Say whether a transaction still runs that began at or before a time of the server."""

    def write(self, work: Callable[[Session], T]) -> T:
        """Run ``work`` in one durable transaction; it may be run again after a race."""

    def size(self) -> int:
        """Give the bytes that the database takes on disk."""

    def shrink(self) -> None:
        """Give free space back to the disk, where the engine can."""

    def close(self) -> None:
        """Finish the waiting writes and close the connections."""
