"""The record's one way: RECEIVE → PARSE → MAP → VALIDATE → STORE → ROUTE.

The only place that knows the order, and (with PARSE in ``stages``) one of the few that catch:
what fails parks the record with its stage, error and place, and is replayed as a new attempt with
today's mapping. FHIR posted by clients joins at VALIDATE. There is one writer: ``Store.commit``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from zlib import crc32

from gateway import interactions
from gateway.contention import Attempts
from gateway.errors import GatewayError, Kind
from gateway.fhir.ids import business_id
from gateway.holding import Holding
from gateway.interactions import Request, Written
from gateway.join import Draft, join
from gateway.mapping import Library
from gateway.outcomes import corrected, event_of, outcome_of, parked, provenance, result_of
from gateway.preparing import Prepared, Preparer
from gateway.records import (
    Commit,
    Envelope,
    Format,
    MapContext,
    Mapped,
    Parsed,
    Principal,
    Reader,
    RecordResult,
    Stored,
    Visibility,
)
from gateway.recovery import Recovery
from gateway.referral import check_deletions
from gateway.routing import of_member
from gateway.search_definitions import demand_answerable
from gateway.stages import Stage, only, parse
from gateway.store import Store
from gateway.store.parameters import TYPE as SEARCH_PARAMETER
from gateway.telemetry import RECORDS, log, log_bug, timed

LANES = 4
HOPELESS = 200
"""So many records parked in a row: the file or its mapping is wrong, not its records."""
LOG = log("pipeline")


def open_lanes() -> tuple[Executor, ...]:
    """Make the background lanes: each works off one message at a time, a channel keeps to one."""
    return tuple(ThreadPoolExecutor(1, f"records-{number}") for number in range(LANES))


Way = Callable[[Envelope, Parsed, Stage], RecordResult]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The stages, compiled and wired; safe to use from several threads."""

    store: Store
    readers: Mapping[Format, Reader]
    library: Library
    preparer: Preparer
    secret: bytes
    now: Callable[[], datetime]
    max_message_bytes: int = 50_000_000
    lanes: tuple[Executor, ...] = field(default_factory=open_lanes)
    holding: Holding = field(init=False)
    recovery: Recovery = field(init=False)

    def __post_init__(self) -> None:
        """Begin to hold what is received here."""
        holding = Holding(self.store.journal.leases, self.now)
        recovery = Recovery(self.store, holding, self.now, self._all_records, self._finish)
        object.__setattr__(self, "holding", holding)
        object.__setattr__(self, "recovery", recovery)

    # ------------------------------------------------------------ native records

    def receive(self, channel_id: str, raw: bytes, *, peer: str | None = None) -> Envelope:
        """Commit the raw bytes to the journal; nothing is acknowledged before this returns.

        Raises GW-1001 (no such channel), GW-1002 (empty), GW-1003 (too large), GW-5xxx.
        """
        channel = self.store.registry.channel(channel_id)
        if not raw.strip():
            raise GatewayError("GW-1002")
        if len(raw) > self.max_message_bytes:
            raise GatewayError("GW-1003", limit=self.max_message_bytes)
        with timed("receive"):
            envelope = self.store.journal.receive(channel, raw, None, peer, self.now())
        if not envelope.is_duplicate:
            self.holding.take(channel.shard, envelope.message_id)
        return envelope

    def process(self, envelope: Envelope) -> list[RecordResult]:
        """Bring every record of a received message to its end: stored, unchanged, stale or parked.

        A message received before gives the results of the first time; one whose first time was
        broken off is brought to its end now.
        """
        shard = envelope.channel.shard
        if envelope.is_duplicate:
            first = self.store.journal.message(shard, envelope.message_id)
            if first.status != "received":
                return self.results(shard, envelope.message_id)
            return self.recovery.again(envelope)
        return self._all_records(envelope)

    def submit(self, envelope: Envelope) -> None:
        """Process a message in the background, those of one channel in the order they came.

        It stays in the journal until it has ended; what dies on the way is processed again by
        ``recover``.
        """
        lane = self.lanes[crc32(envelope.channel.id.encode()) % len(self.lanes)]
        lane.submit(self.process, envelope).add_done_callback(_log_failure)

    def close(self) -> None:
        """Finish the messages that are being processed."""
        for lane in self.lanes:
            lane.shutdown(wait=True, cancel_futures=True)
        self.holding.close()

    def results(self, shard: int, message_id: str) -> list[RecordResult]:
        """Tell how the records of a message ended last; raise GW-5007 for an unknown message."""
        return [result_of(row) for row in self.store.journal.records(shard, message_id)]

    def replay(self, shard: int, message_id: str) -> list[RecordResult]:
        """Process a message again as a new attempt with today's mappings; raise GW-5007."""
        return self._all_records(self.store.journal.envelope(shard, message_id))

    def rehearse(
        self, shard: int, message_id: str
    ) -> Iterator[tuple[RecordResult, tuple[Draft, ...]]]:
        """Tell how a replay would end now and what it would write, writing nothing.

        Raises GW-5007, and GW-5008, GW-5011 when the bytes are no longer there.
        """
        envelope = self.store.journal.envelope(shard, message_id)
        self._refresh()
        for parsed in parse(self.readers, envelope):
            drafts: list[Draft] = []
            yield self._record(envelope, parsed, partial(self._dry_way, drafts)), tuple(drafts)

    def correct(
        self, shard: int, message_id: str, raw: bytes, *, peer: str | None = None
    ) -> tuple[Envelope, list[RecordResult]]:
        """Replay a message with its corrected file; the parked records then point to the new one.

        The corrected bytes are a message of their own. Raises GW-5007 and what ``receive`` does.
        """
        parked_before = [one for one in self.results(shard, message_id) if one.status == "parked"]
        channel = self.store.journal.envelope(shard, message_id).channel
        envelope = self.receive(channel.id, raw, peer=peer)
        results = self.process(envelope)
        if all(one.status != "parked" for one in results):
            for one in parked_before:
                settled = corrected(one, envelope)
                self.store.journal.write_result(shard, settled, self.now())
            self.store.journal.finish(shard, message_id)
        return envelope, results

    def recover(self, *, ahead: timedelta = timedelta(0)) -> int:
        """Process what was received but not brought to an end, because its process died.

        A message is given out when its lease is over; ``ahead`` looks that far into the future,
        for a process that knows itself to be the only one.
        """
        return self.recovery.recover(ahead)

    def _finish(self, envelope: Envelope) -> None:
        shard, message_id = envelope.channel.shard, envelope.message_id
        self.store.journal.finish(shard, message_id)
        self.holding.end(shard, message_id)

    def _all_records(
        self, envelope: Envelope, ended: Mapping[int, RecordResult] = MappingProxyType({})
    ) -> list[RecordResult]:
        """Run the records one by one; while the store is away, leave the message to be resumed."""
        with self.holding.unless_refused(envelope.channel.shard, envelope.message_id):
            return self._one_by_one(envelope, ended)

    def _one_by_one(
        self, envelope: Envelope, ended: Mapping[int, RecordResult]
    ) -> list[RecordResult]:
        results: list[RecordResult] = []
        failing = 0
        is_only, known = False, None
        self._refresh()
        for parsed, is_only in only(envelope, parse(self.readers, envelope)):
            known = ended.get(parsed.ordinal)
            result = known or self._record(envelope, parsed, partial(self._way, is_only))
            if result.status == "parked" and known is None:
                self._park(result, envelope, is_only=is_only)
            RECORDS.labels(envelope.channel.id, result.status).inc()
            results.append(result)
            failing = failing + 1 if result.status == "parked" else 0
            if failing == HOPELESS:
                error = GatewayError("GW-1012", count=HOPELESS)
                results.append(parked(envelope, result.ordinal + 1, "parse", error))
                self._park(results[-1], envelope)
                break
        if is_only and known is None:
            self.holding.end(envelope.channel.shard, envelope.message_id)
        else:
            self._finish(envelope)
        return results

    def _refresh(self) -> None:
        """Take up changed mappings; a changed one that fails leaves the one in force."""
        for path, error in (self.library.refresh() or {}).items():
            LOG.error("mapping refused", file=path, error=error.number, text=error.text_en)

    def _record(self, envelope: Envelope, parsed: Parsed | RecordResult, way: Way) -> RecordResult:
        """Take one record along a way; what refuses it ends it as parked.

        While the store is away nothing is parked: the message waits, unended, for ``recover``.
        """
        if isinstance(parsed, RecordResult):
            return parsed
        stage = Stage()
        try:
            return way(self._spoken_for(envelope, parsed), parsed, stage)
        except GatewayError as error:
            if error.kind is Kind.UNAVAILABLE:
                raise
            return parked(envelope, parsed.ordinal, stage.name, error, parsed)
        except Exception as bug:  # noqa: BLE001 - our own bug: the record is parked, the gateway lives.
            log_bug(LOG, bug, message=envelope.message_id, record=parsed.ordinal)
            return parked(envelope, parsed.ordinal, stage.name, GatewayError("GW-1900"), parsed)

    def _spoken_for(self, envelope: Envelope, parsed: Parsed) -> Envelope:
        """Give the record to the member that it names, where its channel serves several."""
        channel = of_member(envelope.channel, parsed, self.store.registry.members)
        return envelope if channel is envelope.channel else replace(envelope, channel=channel)

    def _way(self, is_only: bool, envelope: Envelope, parsed: Parsed, stage: Stage) -> RecordResult:
        """MAP → VALIDATE → STORE; again from VALIDATE when another write came between.

        The only record of its message ends it in the same transaction.
        """
        context = self.context(envelope)
        with stage("map"):
            mapped = self._map(envelope, parsed, context)
        attempts = Attempts()
        while True:
            with stage("validate"):
                prepared = self._check(envelope, parsed, mapped, context)
            result = outcome_of(envelope, parsed, mapped, prepared)
            try:
                with stage("store"):
                    self._commit(replace(prepared.commit, record=result, ends_message=is_only))
            except GatewayError as error:
                if not attempts.again(error):
                    raise
                continue
            return result

    def _dry_way(
        self, drafts: list[Draft], envelope: Envelope, parsed: Parsed, stage: Stage
    ) -> RecordResult:
        """MAP → VALIDATE, and keep what STORE would have written."""
        context = self.context(envelope)
        with stage("map"):
            mapped = self._map(envelope, parsed, context)
        with stage("validate"):
            prepared = self._check(envelope, parsed, mapped, context)
        drafts += (draft for draft in prepared.drafts if draft.is_changed)
        return outcome_of(envelope, parsed, mapped, prepared)

    def _commit(self, commit: Commit) -> tuple[Stored, ...]:
        """Write once, then let validator and index take up the definitions that were written."""
        stored = self.store.commit(commit)
        self.preparer.committed(commit)
        if any(change.type == SEARCH_PARAMETER for change in commit.changes):
            # It is written and stays so: what fails here, the worker does.
            with suppress(GatewayError):
                self.store.parameters.follow(commit.shard)
        return stored

    def _map(self, envelope: Envelope, parsed: Parsed, context: MapContext) -> Mapped:
        program = self.library.for_channel(envelope.channel.mappings, parsed)
        return program.run(parsed, context)

    def _check(
        self, envelope: Envelope, parsed: Parsed, mapped: Mapped, context: MapContext
    ) -> Prepared:
        channel = envelope.channel
        event = event_of(mapped, channel.zone) or envelope.received_utc
        told = (mapped.contributions, event, envelope.message_id)
        drafts = join(self.store, channel.shard, channel.member, *told)
        drafts += provenance(envelope, parsed, mapped, drafts, context, self.store)
        return self.preparer.prepare(
            channel.shard,
            drafts,
            self.store.reading(channel.shard),
            context,
            enforce=channel.policy == "enforce",
        )

    def context(self, envelope: Envelope) -> MapContext:
        """What a mapping and a reaction may know besides the record."""
        channel = envelope.channel
        member = self.store.registry.member(channel.shard, channel.member)
        known = {"uscc": member.uscc or "", "member": member.id} if member else {}
        return MapContext(
            channel.member,
            channel.zone,
            envelope.received_utc,
            partial(business_id, self.secret, channel.member),
            {**known, **channel.options},
        )

    def _park(self, result: RecordResult, envelope: Envelope, *, is_only: bool = False) -> None:
        """Keep the failure beside the message; it waits for a correction and a replay."""
        shard = envelope.channel.shard
        self.store.journal.write_result(shard, result, self.now(), ends_message=is_only)
        LOG.warning(
            "record parked",
            channel=envelope.channel.id,
            message=result.message_id,
            record=result.ordinal,
            stage=result.stage,
            error=result.error,
        )

    # ------------------------------------------------------------ FHIR from clients

    def write(self, principal: Principal, requests: Sequence[Request]) -> list[Written]:
        """Write what a client asks, all of it or nothing; the versions in the order asked.

        Raises GW-4801 (invalid), GW-5001 (conflict), GW-5xxx, GW-62xx (refused by the domain),
        GW-8xxx (not allowed).
        """
        shard = principal.visibility.shard
        context = self._client_context(principal)
        attempts = Attempts()
        while True:
            plan = self._plan(principal, requests)
            try:
                prepared = self.preparer.prepare(
                    shard, plan.drafts, self.store.reading(shard), context
                )
                names = demand_answerable(self.store, shard, prepared.drafts)
                commit = replace(prepared.commit, conditions=(*plan.conditions, *names))
                stored = self._commit(commit)
            except GatewayError as error:
                if plan.is_guarded or not attempts.again(error):
                    raise
                continue
            if principal.visibility.seen is not None:
                principal.visibility.seen.add(stored)
            return plan.answers(stored, prepared.issues)

    def check(self, principal: Principal, requests: Sequence[Request]) -> Prepared:
        """Do everything that ``write`` does but the commit (for $validate of a write)."""
        shard = principal.visibility.shard
        plan = self._plan(principal, requests)
        return self.preparer.prepare(
            shard, plan.drafts, self.store.reading(shard), self._client_context(principal)
        )

    def _plan(self, principal: Principal, requests: Sequence[Request]) -> interactions.Plan:
        reading = self.store.reading(principal.visibility.shard)
        plan = interactions.plan(self.store, self._matches, reading.member_of, principal, requests)
        if not principal.visibility.sees_all:
            check_deletions(draft.previous for draft in plan.drafts if draft.resource is None)
        return plan

    def _matches(
        self, visibility: Visibility, type_: str, pairs: Sequence[tuple[str, str]]
    ) -> Sequence[str]:
        """Search for a condition; at most two ids, since two are as wrong as twenty."""
        query = self.store.query(visibility.shard, (type_,), [*pairs, ("_count", "2")], "strict")
        if not query.conditions:
            raise GatewayError("GW-7043", type=type_)
        return [one.id for one in self.store.search(visibility, query).matches]

    def _client_context(self, principal: Principal) -> MapContext:
        return MapContext(
            principal.member,
            None,
            self.now(),
            partial(business_id, self.secret, principal.member),
        )


def _log_failure(done: "Future[list[RecordResult]]") -> None:
    error = None if done.cancelled() else done.exception()
    if error is not None:
        LOG.error("message not finished", error=getattr(error, "number", type(error).__name__))
