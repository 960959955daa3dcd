"""The store as the other layers see it."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Self

import sqlalchemy

from gateway.errors import GatewayError
from gateway.fhir.search_model import Query
from gateway.fhir.search_query import Mode, parse_query
from gateway.records import BusinessKey, CodeSets, Commit, Stored, Visibility
from gateway.store import audit_chain, labels, maintenance, pruning, upgrading, versions, writing
from gateway.store.audit import AuditTrail
from gateway.store.audit_chain import AuditChain
from gateway.store.credentials import Credentials
from gateway.store.database import Session
from gateway.store.journal import Journal
from gateway.store.keys import micros, text_number
from gateway.store.outbox import Outbox
from gateway.store.pages import Page
from gateway.store.parameter_rows import StaleParametersError
from gateway.store.parameters import Parameters
from gateway.store.postgres import PostgresDatabase
from gateway.store.pruning import Pruned
from gateway.store.reading import StoreReading
from gateway.store.registry import Registry
from gateway.store.search import search, search_in
from gateway.store.search_steps import Scope
from gateway.store.sqlite import SQLiteDatabase
from gateway.store.turn import FileTurn, ServerTurn, Turn


def _now_us() -> int:
    return time.time_ns() // 1000


def _witness(visibility: Visibility, found: Iterable[Stored | None]) -> None:
    """Note for the audit trail what an asker is told, a deletion too."""
    if visibility.seen is not None:
        visibility.seen.add(one for one in found if one is not None)


class Store:
    """Versions, index, journal, outbox and registry of one database.

    Open it after a fork, not before. Every method may be called from any thread.
    """

    def __init__(
        self, database: SQLiteDatabase | PostgresDatabase, folder: Path, now_us: Callable[[], int]
    ) -> None:
        self.database = database
        self._folder = folder
        self._now_us = now_us
        self.registry = Registry(database)
        self.credentials = Credentials(database)
        self.journal = Journal(database, self.registry, folder)
        self.outbox = Outbox(database)
        self.parameters = Parameters(database)
        self.audit = AuditTrail(database, folder / "accesses", now_us)
        self.code_sets: CodeSets | None = None

    @classmethod
    def open(cls, url: str, *, data_dir: Path, now_us: Callable[[], int] = _now_us) -> Self:
        """Open a database: ``sqlite:///path`` (relative to ``data_dir``) or ``postgresql://…``.

        Raises GW-5010 for another address, GW-5003 when the database cannot be reached.
        """
        parsed = sqlalchemy.make_url(url)
        kind = parsed.get_backend_name()
        if kind == "sqlite":
            return cls(
                SQLiteDatabase(data_dir / (parsed.database or "gateway.db")), data_dir, now_us
            )
        if kind in {"postgresql", "postgres"}:
            return cls(PostgresDatabase(parsed), data_dir, now_us)
        raise GatewayError("GW-5010", scheme=parsed.drivername)

    def upgrade(self) -> None:
        """Create or migrate the schema; safe when many processes do it at once."""
        lock = None
        if isinstance(self.database, SQLiteDatabase):
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = self._folder / "upgrade.lock"
        upgrading.upgrade(self.database.upgrade_engine, lock)

    def turn(self, name: str) -> Turn:
        """Give what one process at a time may hold; the schema must be there."""
        if isinstance(self.database, SQLiteDatabase):
            return FileTurn(self._folder / f"{name}.lock")
        return ServerTurn(self.database.engine, name)

    def close(self) -> None:
        """Finish what is queued and close the connections."""
        self.audit.close()
        self.database.close()

    # ------------------------------------------------------------ writing

    def commit(self, commit: Commit) -> tuple[Stored, ...]:
        """Write a commit whole or not at all; give the versions in the order of its changes.

        Raises GW-5001 when an expected version is not current, GW-5002 when another write took the
        same business key or condition (read again, run again), GW-5003 and GW-5004 when the
        database or the disk is the reason; all of them leave nothing behind.
        """
        check = self._check_of(commit) if commit.conditions else None
        while True:
            own = self.parameters.known(commit.shard)
            prepared = replace(writing.prepare(commit, own), check=check)
            try:
                return self.database.write(partial(writing.apply, prepared))
            except StaleParametersError:
                self.parameters.refresh(commit.shard)

    def _check_of(self, commit: Commit) -> Callable[[Session], None]:
        """Give the check that conditional criteria still find what their caller saw."""
        queries = [
            (one, self.query(commit.shard, (one.type,), one.criteria, "strict"))
            for one in commit.conditions
        ]
        digests = [text_number(f"{one.type}?{one.criteria}") for one, _ in queries]

        def check(session: Session) -> None:
            session.lock_criteria(commit.shard, digests)
            for one, query in queries:
                page = search_in(
                    self.database,
                    session.connection,
                    one.visibility,
                    query,
                    now_us=self._now_us(),
                )
                if {found.id for found in page.matches} != set(one.found):
                    raise GatewayError("GW-5002", what=one.type)

        return check

    # ------------------------------------------------------------ reading

    def read(self, visibility: Visibility, type_: str, id_: str) -> Stored | None:
        """Give the newest version, a deletion too (``is_deleted``); None: absent or invisible."""
        found = versions.read(self.database, visibility, (type_, id_), self._now_us())
        _witness(visibility, (found,))
        return found

    def newest(self, shard: int, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Stored]:
        """Give the newest versions of (type, id) for the gateway itself, deletions included."""
        return versions.newest(self.database, shard, names)

    def vread(self, visibility: Visibility, type_: str, id_: str, version: int) -> Stored | None:
        """Give one version; None when absent or invisible."""
        found = versions.read(self.database, visibility, (type_, id_), self._now_us(), version)
        _witness(visibility, (found,))
        return found

    def history(
        self,
        visibility: Visibility,
        *,
        type_: str | None = None,
        id_: str | None = None,
        since: datetime | None = None,
        at: tuple[datetime, datetime] | None = None,
        named: Sequence[versions.Named] | None = None,
        count: int = 50,
        cursor: str | None = None,
    ) -> Page:
        """Give versions, newest first, of all or of ``named``; ``at`` is a half-open range."""
        page = versions.history(
            self.database,
            visibility,
            now_ms=self._now_us() // 1000,
            type_=type_,
            id_=id_,
            since_ms=micros(since) // 1000 if since else None,
            at_ms=(micros(at[0]) // 1000, -(-micros(at[1]) // 1000)) if at else None,
            named=named,
            count=count,
            cursor=cursor,
        )
        _witness(visibility, page.matches)
        return page

    def query(
        self,
        shard: int,
        types: Sequence[str],
        pairs: Sequence[tuple[str, str]],
        mode: Mode | None = None,
        *,
        server: str | None = None,
        code_sets: CodeSets | None = None,
    ) -> Query:
        """Parse a search by all that is known here: the tenant's own parameters, the codes.

        ``code_sets``: the codes that the asker knows besides what is delivered.
        Raises what ``parse_query`` raises, and GW-7110 for a parameter that is being indexed.
        """
        definitions = self.parameters.definitions(shard, types, pairs)
        known = code_sets or self.code_sets
        return parse_query(definitions, types, pairs, mode, server=server, code_sets=known)

    def search(self, visibility: Visibility, query: Query, cursor: str | None = None) -> Page:
        """Give one page of a search; ``cursor`` is ``Page.next`` of the page before.

        Raises GW-5006 when the cursor's snapshot is no longer kept, GW-7105 when too much would be
        included.
        """
        page = search(self.database, visibility, query, now_us=self._now_us(), cursor=cursor)
        _witness(visibility, (*page.matches, *page.included))
        return page

    def audit_chain(self, secret: bytes) -> AuditChain:
        """Give what seals and checks the audit trail; ``secret`` is the deployment's."""
        return AuditChain(self.database, secret)

    def labels(self, visibility: Visibility, types: Sequence[str]) -> dict[str, list[Any]]:
        """Give the profiles, security labels and tags in use, by element of ``meta``."""
        scope = Scope(visibility, None, self._now_us(), self.database.name)
        return labels.in_use(self.database, scope, types)

    def reading(self, shard: int) -> StoreReading:
        """Give what reactions may ask of a shard."""
        return StoreReading(self, shard)

    def identify(
        self, shard: int, member: str, keys: Sequence[BusinessKey]
    ) -> dict[BusinessKey, str]:
        """Give the ids of the business keys that were ever stored for the member or for all."""
        wanted = {writing.alias_key(member, key): key for key in keys}
        found = versions.aliases(self.database, shard, list(wanted))
        return {wanted[key]: id_ for key, id_ in found.items()}

    # ------------------------------------------------------------ upkeep

    def purge(self, shard: int) -> int:
        """Drop index rows that no page can ask for any more; give the number of versions."""
        return maintenance.purge(self.database, shard, self._now_us() // 1000)

    def prune(
        self, shard: int, *, done: datetime | None, parked: datetime | None, is_dry: bool = False
    ) -> tuple[Pruned, Pruned]:
        """Drop the bytes of messages received before a time: of those done, of those parked.

        None keeps them all. Gives how many messages and bytes each; ``is_dry`` changes nothing.
        """
        ended = ((pruning.DONE, done), (pruning.PARKED, parked))
        finished, failed = (
            pruning.prune(self.database, shard, statuses, before, is_dry=is_dry)
            if before is not None
            else Pruned()
            for statuses, before in ended
        )
        return finished, failed

    def prune_audit(self, shard: int, before: datetime) -> int:
        """Drop the accesses of blocks that ended before a time; give how many."""
        return audit_chain.prune(self.database, shard, before)

    def reclaim(self) -> int:
        """Delete files that no message needs, give free pages back; give the bytes come free."""
        before = self.database.size()
        swept = pruning.sweep(self.database, self.journal.files)
        self.database.shrink()
        return swept + before - self.database.size()

    def analyze(self) -> None:
        """Let PostgreSQL count its tables now (after a bulk load); SQLite needs nothing."""
        if isinstance(self.database, PostgresDatabase):
            self.database.analyze()
