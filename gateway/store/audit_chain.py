"""Seal the audit trail: blocks of rows, each chained to the one before by a keyed hash.

Whoever can write into the database but has not the deployment's secret can neither change nor
delete a sealed row unnoticed, nor put one between. What is not sealed yet is younger than the
sealer's last round. Cutting off the newest blocks as a whole shows only against a digest that was
noted elsewhere: ``verify`` takes one.

Blocks follow the order of storing (``seq``), so that an access that is stored late, because its
machine was down, stands in a block of its own time of storing and no gap is left open for it.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, func, select, update

from gateway.store.audit import PERSON
from gateway.store.database import Database, Session
from gateway.store.keys import CURRENT, audit_key, bounded, micros
from gateway.store.schema_access import audit, audit_block, audit_seen

LARGEST_BLOCK = 5_000
_TURN = 4_276_318_945
"""The number by which sealers take turns."""
_START = "0" * 64


@dataclass(frozen=True, slots=True)
class Verified:
    """What a check of the chain found; ``faults`` is empty when all holds."""

    blocks: int
    rows: int
    pruned: int
    open_rows: int
    head: tuple[int, str] | None
    faults: tuple[str, ...]


class AuditChain:
    """Seals, checks and prunes the trail of one database; ``secret`` makes the key."""

    def __init__(self, database: Database, secret: bytes) -> None:
        self._database = database
        self._key = hmac.digest(secret, b"gateway/audit-chain/1", hashlib.sha256)

    def seal(self, shard: int) -> int:
        """Close blocks over what is complete and in none yet; give the number of its rows."""
        limit = CURRENT
        if self._database.name == "postgresql":
            # A slow transaction may still land before what is visible already.
            limit = audit_key(self._database.complete_ms(shard) * 1000)
        total = 0
        while count := self._seal_block(shard, limit):
            total += count
        return total

    def _seal_block(self, shard: int, limit: int) -> int:
        """Close one block; what is complete does not change, so nobody waits while it is hashed."""
        with self._database.reading() as connection:
            last = _last(connection, shard)
            rows = _rows(connection, shard, last.last_seq if last else 0, limit - 1)
        if not rows:
            return 0
        number, after, previous = _behind(last)
        content = _content(rows)
        span = (after, rows[-1].seq, len(rows))
        digest = self._digest(shard, number, span, content, previous)
        block = (shard, number, *span, content, previous, digest, False)
        return len(rows) if self._database.write(partial(_add, block=block)) else 0

    def _digest(
        self, shard: int, number: int, span: tuple[int, int, int], content: str, previous: str
    ) -> str:
        text = msgspec.json.encode((shard, number, span, content, previous))
        return hmac.new(self._key, text, hashlib.sha256).hexdigest()

    # ------------------------------------------------------------ checking

    def verify(
        self,
        shard: int,
        *,
        noted: tuple[int, str] | None = None,
        kept_since: datetime | None = None,
    ) -> Verified:
        """Check every block, the chain, and that nothing lies outside of it.

        ``noted`` is the number and digest of a block as they were once seen; what is younger than
        ``kept_since`` may not have been pruned, nothing at all without it.
        """
        faults: list[str] = []
        kept = audit_key(micros(kept_since)) if kept_since is not None else 0
        with self._database.reading() as connection:
            asked = select(audit_block).where(audit_block.c.shard == shard)
            blocks = connection.execute(asked.order_by(audit_block.c.number)).fetchall()
            before: Row[Any] | None = None
            for block in blocks:
                faults += self._chained(block, before)
                faults += _held(connection, block)
                before = block
            last = before.last_seq if before is not None else 0
            newer = select(func.count()).select_from(audit)
            newer = newer.where(audit.c.shard == shard, audit.c.seq > last)
            open_rows = connection.execute(newer).scalar_one()
        if noted is not None and noted not in {(one.number, one.digest) for one in blocks}:
            faults.append(f"block {noted[0]}: not the one that was noted")
        pruned = [one for one in blocks if one.is_pruned]
        if any(one.number > len(pruned) for one in pruned):
            faults.append("pruned blocks are not the oldest ones")
        faults += [
            f"block {one.number}: pruned too early" for one in pruned if one.last_seq >= kept
        ]
        rows = sum(one.rows for one in blocks if not one.is_pruned)
        head = (before.number, before.digest) if before is not None else None
        return Verified(len(blocks), rows, len(pruned), open_rows, head, tuple(faults))

    def _chained(self, block: Row[Any], before: Row[Any] | None) -> list[str]:
        number, after, previous = _behind(before)
        faults = []
        if block.number != number:
            faults.append(f"block {number}: missing")
        elif (block.after_seq, block.previous) != (after, previous):
            faults.append(f"block {block.number}: does not follow the one before")
        span = (block.after_seq, block.last_seq, block.rows)
        digest = self._digest(block.shard, block.number, span, block.content, block.previous)
        if not hmac.compare_digest(digest, block.digest):
            faults.append(f"block {block.number}: changed")
        return faults


def prune(database: Database, shard: int, before: datetime) -> int:
    """Drop the rows of blocks that ended before a time; the blocks stay, and the chain holds.

    Gives the number of rows.
    """
    total = 0
    work = partial(_prune, shard=shard, before=audit_key(micros(before)))
    while count := database.write(work):
        total += count
    return total


def _last(connection: Connection, shard: int) -> Row[Any] | None:
    blocks = select(audit_block).where(audit_block.c.shard == shard)
    return connection.execute(blocks.order_by(audit_block.c.number.desc()).limit(1)).first()


def _behind(last: Row[Any] | None) -> tuple[int, int, str]:
    """Give number, beginning and predecessor's digest of the block that follows."""
    return (last.number + 1, last.last_seq, last.digest) if last else (1, 0, _START)


def _add(session: Session, *, block: tuple[Any, ...]) -> bool:
    """Put a block behind the last one, unless another sealer was faster."""
    shard, number = block[:2]
    session.lock_criteria(shard, [_TURN])
    if _behind(_last(session.connection, shard))[0] != number:
        return False
    session.insert(audit_block, [block])
    return True


def _rows(connection: Connection, shard: int, after: int, last: int) -> Sequence[Row[Any]]:
    asked = select(audit).where(audit.c.shard == shard, audit.c.seq > after, audit.c.seq <= last)
    return connection.execute(asked.order_by(audit.c.seq).limit(LARGEST_BLOCK)).fetchall()


def _content(rows: Sequence[Row[Any]]) -> str:
    """Hash every column of every row, in the order of ``seq``, which is the last of them."""
    digest = hashlib.sha256()
    for row in rows:
        values = [
            bytes(one).decode() if isinstance(one, bytes | memoryview) else one
            for one in tuple(row)[:-1]
        ]
        digest.update(hashlib.sha256(msgspec.json.encode(values)).digest())
    return digest.hexdigest()


def _held(connection: Connection, block: Row[Any]) -> list[str]:
    """Say what is wrong with the rows of a block, and with what they are found by."""
    asked = select(audit).where(
        audit.c.shard == block.shard, audit.c.seq > block.after_seq, audit.c.seq <= block.last_seq
    )
    rows = connection.execute(asked.order_by(audit.c.seq)).fetchall()
    name = f"block {block.number}"
    if block.is_pruned:
        return [f"{name}: holds rows although it was pruned"] if rows else []
    if len(rows) != block.rows:
        return [f"{name}: {block.rows} rows were sealed, {len(rows)} are there"]
    if _content(rows) != block.content:
        return [f"{name}: a row was changed"]
    missing = [row.pk for row in rows if not _is_found(connection, row)]
    return [f"{name}: {len(missing)} rows are not found by what they touched"] if missing else []


def _values(row: Row[Any]) -> set[str]:
    resources, _ = msgspec.json.decode(row.seen)
    persons = {f"{PERSON}{one}" for one in resources.values() if one}
    return persons | {bounded(one) for one in resources}


def _is_found(connection: Connection, row: Row[Any]) -> bool:
    wanted = _values(row)
    if not wanted:
        return True
    asked = select(func.count()).select_from(audit_seen)
    asked = asked.where(
        audit_seen.c.shard == row.shard,
        audit_seen.c.value.in_(sorted(wanted)),
        audit_seen.c.pk == row.pk,
    )
    return bool(connection.execute(asked).scalar_one() == len(wanted))


def _prune(session: Session, *, shard: int, before: int) -> int:
    connection = session.connection
    block = connection.execute(
        select(audit_block)
        .where(
            audit_block.c.shard == shard,
            audit_block.c.is_pruned.is_(False),
            audit_block.c.last_seq < before,
        )
        .order_by(audit_block.c.number)
        .limit(1)
    ).first()
    if block is None:
        return 0
    for row in _rows(connection, shard, block.after_seq, block.last_seq):
        connection.execute(
            delete(audit_seen).where(
                audit_seen.c.shard == shard,
                audit_seen.c.value.in_(sorted(_values(row))),
                audit_seen.c.pk == row.pk,
            )
        )
    held = (audit.c.seq > block.after_seq) & (audit.c.seq <= block.last_seq)
    connection.execute(delete(audit).where((audit.c.shard == shard) & held))
    numbered = (audit_block.c.shard == shard) & (audit_block.c.number == block.number)
    connection.execute(update(audit_block).where(numbered).values(is_pruned=True))
    return int(block.rows)
