"""Apply one Commit: versions, index rows, aliases, relations, notices and the record's result.

Split in two so that the write transaction is short: ``prepare`` encodes and flattens before it,
``apply`` runs inside it, and may run again after a race.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table

from gateway.errors import GatewayError
from gateway.records import SENSITIVE, BusinessKey, Change, Commit, Stored
from gateway.store import bodies, outbox_rows, record_rows, relations
from gateway.store.database import AliasKey, Head, Session, Stamp
from gateway.store.flatten import flatten
from gateway.store.keys import CURRENT, key_ms, micros, updated_utc, version_key
from gateway.store.parameter_rows import OwnParameters, StaleParametersError
from gateway.store.record_rows import PreparedRecord
from gateway.store.schema import INDEX_TABLES, alias, party, retired, version
from gateway.store.texts import packed


@dataclass(frozen=True, slots=True)
class PreparedChange:
    """A change with everything that does not depend on what is stored."""

    change: Change
    body: tuple[bytes, bytes, bytes] | None
    index: dict[Table, tuple[tuple[Any, ...], ...]]
    aliases: tuple[AliasKey, ...]
    text: str | None = None


@dataclass(frozen=True, slots=True)
class PreparedCommit:
    """A commit ready for the write transaction; changes in the order of their locks."""

    commit: Commit
    changes: tuple[PreparedChange, ...]
    generation: int = 0
    record: PreparedRecord | None = None
    check: Callable[[Session], None] | None = None


def prepare(commit: Commit, own: OwnParameters) -> PreparedCommit:
    """Encode, flatten and order; raise GW-5005 when two changes write one resource.

    ``own`` are the deployment's search parameters, whose rows are added here.
    """
    seen: set[tuple[str, str]] = set()
    for change in commit.changes:
        key = (change.type, change.id)
        if key in seen:
            raise GatewayError("GW-5005", focus=f"{change.type}/{change.id}")
        seen.add(key)
    ordered = sorted(commit.changes, key=lambda change: (change.type, change.id))
    changes = tuple(_prepare_change(commit.shard, change, own) for change in ordered)
    record = record_rows.prepare(commit.shard, commit.record) if commit.record else None
    return PreparedCommit(commit, changes, own.generation, record)


def _prepare_change(shard: int, change: Change, own: OwnParameters) -> PreparedChange:
    aliases = tuple(dict.fromkeys(alias_key(change.owner, key) for key in change.keys))
    if change.is_deletion or change.resource is None:
        return PreparedChange(change, None, {}, aliases)
    if change.resource.get("id") != change.id:
        raise ValueError(f"the resource of {change.type}/{change.id} carries another id")
    index, _count = flatten((*change.index, *own.rows(change.resource)))
    text = packed(shard, (row for row in change.index if row.kind == "text"))
    return PreparedChange(change, bodies.cut(change.resource), index, aliases, text)


def alias_key(member: str, key: BusinessKey) -> AliasKey:
    """Give the row key of a business key: the member's own, or everybody's."""
    return ("" if key.is_shared else member, key.type, key.system, key.value)


def apply(prepared: PreparedCommit, session: Session) -> tuple[Stored, ...]:
    """Write everything of the commit; raise GW-5001 or GW-5002 and leave nothing behind.

    Raises StaleParametersError when it was indexed by older search parameters.
    """
    commit = prepared.commit
    if prepared.check is not None:
        prepared.check(session)
    wanted = _wanted_aliases(prepared)
    keys = [(one.change.type, one.change.id) for one in prepared.changes]
    heads, known, stamp = session.look(commit.shard, keys, list(wanted))
    for prepared_change in prepared.changes:
        _demand_expected(prepared_change.change, heads)
    new_aliases = _new_aliases(wanted, known)
    if stamp.generation != prepared.generation:
        raise StaleParametersError
    _hide_older(prepared, heads, session)
    with session.batch():
        relations.end(session, commit, stamp.ms)
        stored = _write_versions(prepared, heads, stamp, session)
        session.insert(
            alias, [(commit.shard, *key, id_) for key, id_ in sorted(new_aliases.items())]
        )
        relations.begin(session, commit.shard, commit.relations)
        relations.close(session, commit.shard, commit.exclusions)
        outbox_rows.write(session, commit.shard, commit.notices, stamp)
        if prepared.record is not None:
            record_rows.write(session, prepared.record, stamp.ms)
            if commit.ends_message:
                record_rows.end(session, commit.shard, prepared.record.message_id)
    return tuple(stored[change.type, change.id] for change in commit.changes)


def _hide_older(
    prepared: PreparedCommit, heads: dict[tuple[str, str], Head], session: Session
) -> None:
    """Make what a resource said before as sensitive as what it says from now on."""
    for one in prepared.changes:
        change = one.change
        if change.classes & SENSITIVE and (change.type, change.id) in heads:
            session.connection.execute(
                version.update()
                .where(
                    version.c.shard == prepared.commit.shard,
                    version.c.type == change.type,
                    version.c.id == change.id,
                    version.c.classes.bitwise_and(SENSITIVE) == 0,
                )
                .values(classes=version.c.classes.bitwise_or(SENSITIVE))
            )


def _demand_expected(change: Change, heads: dict[tuple[str, str], Head]) -> None:
    if change.expected_version is None:
        return
    head = heads.get((change.type, change.id))
    # A deleted resource does not exist, but a client may also name its last version.
    found = 0 if head is None or head.is_deleted else head.version_no
    if change.expected_version == found:
        return
    if head is not None and change.expected_version == head.version_no:
        return
    raise GatewayError(
        "GW-5001",
        focus=f"{change.type}/{change.id}",
        found=found,
        expected=change.expected_version,
    )


def _wanted_aliases(prepared: PreparedCommit) -> dict[AliasKey, str]:
    wanted: dict[AliasKey, str] = {}
    for prepared_change in prepared.changes:
        for key in prepared_change.aliases:
            if wanted.setdefault(key, prepared_change.change.id) != prepared_change.change.id:
                raise GatewayError("GW-5002", what=f"{key[1]} {key[2]}")
    return wanted


def _new_aliases(wanted: dict[AliasKey, str], known: dict[AliasKey, str]) -> dict[AliasKey, str]:
    for key, id_ in known.items():
        if wanted[key] != id_:
            raise GatewayError("GW-5002", what=f"{key[1]} {key[2]}")
    return {key: id_ for key, id_ in wanted.items() if key not in known}


def _write_versions(
    prepared: PreparedCommit,
    heads: dict[tuple[str, str], Head],
    stamp: Stamp,
    session: Session,
) -> dict[tuple[str, str], Stored]:
    shard = prepared.commit.shard
    stored: dict[tuple[str, str], Stored] = {}
    rows: list[tuple[Any, ...]] = []
    index: dict[Table, list[tuple[Any, ...]]] = {table: [] for table in INDEX_TABLES}
    texts: list[tuple[int, int, str]] = []
    parties: list[tuple[Any, ...]] = []
    superseded: list[int] = []
    for ordinal, prepared_change in enumerate(prepared.changes):
        change = prepared_change.change
        head = heads.get((change.type, change.id))
        if change.is_deletion and (head is None or head.is_deleted):
            stored[change.type, change.id] = _untouched(shard, change, head, stamp)
            continue
        pk = version_key(stamp.ms, stamp.txn, ordinal)
        row, result = _version_row(shard, prepared_change, head, pk, stamp.txn)
        rows.append(row)
        stored[change.type, change.id] = result
        parties.extend((shard, pk, member) for member in sorted(set(change.parties)))
        for table, flat in prepared_change.index.items():
            index[table].extend((shard, *values[:-1], pk, values[-1]) for values in flat)
        if prepared_change.text is not None:
            texts.append((shard, pk, prepared_change.text))
        if head is not None:
            superseded.append(head.pk)
    session.supersede(shard, superseded, stamp.txn)
    session.insert(version, rows)
    for table, index_rows in index.items():
        session.insert(table, index_rows)
    session.insert_texts(texts)
    session.insert(party, parties)
    session.insert(retired, [(shard, stamp.ms * 1000, pk) for pk in superseded])
    return stored


def _version_row(
    shard: int, prepared: PreparedChange, head: Head | None, pk: int, txn: int
) -> tuple[tuple[Any, ...], Stored]:
    change = prepared.change
    number = head.version_no + 1 if head else 1
    is_deleted = prepared.body is None
    body = b""
    if prepared.body is not None:
        body = bodies.join(prepared.body, number, bodies.instant_text(key_ms(pk)))
    event_us = micros(change.event_utc) if change.event_utc else None
    row = (
        *(shard, pk, change.type, change.id, number, txn, CURRENT, is_deleted),
        *(change.owner, change.person, change.classes, event_us, change.source, body),
    )
    stored = Stored(
        shard=shard,
        type=change.type,
        id=change.id,
        version=number,
        updated_utc=updated_utc(pk),
        body=body,
        owner=change.owner,
        person=change.person,
        event_utc=change.event_utc,
        is_deleted=is_deleted,
        is_created=head is None or head.is_deleted,
    )
    return row, stored


def _untouched(shard: int, change: Change, head: Head | None, stamp: Stamp) -> Stored:
    pk = head.pk if head else version_key(stamp.ms, stamp.txn, 0)
    return Stored(
        shard=shard,
        type=change.type,
        id=change.id,
        version=head.version_no if head else 0,
        updated_utc=updated_utc(pk),
        body=b"",
        owner=change.owner,
        person=change.person,
        is_deleted=True,
        is_changed=False,
    )
