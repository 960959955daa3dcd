"""Messages whose process died, or that were given up while the store was away.

They are brought to their end by whoever comes first: records that had ended are not run again, and
what ends the process again and again is left alone.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from gateway.errors import GatewayError, Kind
from gateway.holding import Holding
from gateway.outcomes import parked, result_of
from gateway.records import Envelope, RecordResult
from gateway.store import Store
from gateway.telemetry import log

DEATHS = 3
"""So many processes may one record end before it is left alone."""
LOG = log("recovery")
Run = Callable[[Envelope, Mapping[int, RecordResult]], list[RecordResult]]


class Recovery:
    """Finds and resumes what was broken off."""

    def __init__(
        self,
        store: Store,
        holding: Holding,
        now: Callable[[], datetime],
        run: Run,
        finish: Callable[[Envelope], None],
    ) -> None:
        """``run`` runs the records of a message but those that ended; ``finish`` ends it."""
        self._store, self._holding, self._now = store, holding, now
        self._run, self._finish = run, finish

    def recover(self, ahead: timedelta) -> int:
        """Resume what nobody has in work, or will not have so far in the future; count it."""
        done = 0
        for shard in self._store.registry.shards():
            tried: set[str] = set()
            while waiting := self._pending(shard, ahead, tried):
                for message_id in waiting:
                    self._recover(shard, message_id)
                    done += 1
        return done

    def again(self, envelope: Envelope) -> list[RecordResult]:
        """Bring to its end what its sender sent again before it had ended.

        Another process may have it in work: both come to the same end.
        """
        shard, message_id = envelope.channel.shard, envelope.message_id
        if not self._store.journal.leases.claim(shard, message_id, self._now()):
            return self._run(envelope, self._ended(envelope))
        self._holding.take(shard, message_id)
        return self._resume(envelope)

    def _pending(self, shard: int, ahead: timedelta, tried: set[str]) -> list[str]:
        """Take some messages into work, each once."""
        leased = self._store.journal.leases.pending(shard, self._now(), ahead=ahead)
        waiting = [one for one in leased if one not in tried]
        for message_id in waiting:
            self._holding.take(shard, message_id)
        tried.update(waiting)
        return waiting

    def _recover(self, shard: int, message_id: str) -> None:
        """Resume one message; one that cannot be read any more keeps no other from its end."""
        try:
            with self._holding.unless_refused(shard, message_id):
                self._resume(self._store.journal.envelope(shard, message_id))
        except GatewayError as error:
            if error.kind is Kind.UNAVAILABLE:
                raise
            LOG.warning("message not recovered", message=message_id, error=error.number)

    def _resume(self, envelope: Envelope) -> list[RecordResult]:
        """Run what had not ended.

        What ended the process again and again at one record is parked there, and the rest with it.
        """
        ended = self._ended(envelope)
        shard, message_id = envelope.channel.shard, envelope.message_id
        if self._store.journal.leases.begin(shard, message_id, len(ended)) < DEATHS:
            return self._run(envelope, ended)
        place = max(ended, default=-1) + 1
        rest = parked(envelope, place, "parse", GatewayError("GW-1013", count=DEATHS))
        self._store.journal.write_result(shard, rest, self._now())
        self._finish(envelope)
        return [*ended.values(), rest]

    def _ended(self, envelope: Envelope) -> dict[int, RecordResult]:
        """Give the results there are.

        A result commits with what its record wrote, so where there is one the record is whole.
        """
        rows = self._store.journal.records(envelope.channel.shard, envelope.message_id)
        return {one.ordinal: one for one in map(result_of, rows)}
