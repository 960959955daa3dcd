"""A channel as a recipient: the record of a notice by the mapping's way back, and its hand-over."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from gateway.carriers.outgoing.native import Native
from gateway.carriers.outgoing.options import Push, push_of
from gateway.carriers.outgoing.ways import Ways
from gateway.delivery import Delivered, Failed, Outcome
from gateway.errors import KINDS, GatewayError
from gateway.fhir import codec, fhirpath
from gateway.fhir.definitions import load
from gateway.mapping import MappingProgram
from gateway.mapping.rendering import Renderer
from gateway.outlets import audited, may_see
from gateway.records import Channel, Json, Resource, Seen, Visibility
from gateway.store import Delivery, Store

_DECLARED = 'encoding="UTF-8"'


class _GoneError(Exception):
    """What the notice is about can no longer be read: there is nothing to tell."""


@dataclass(frozen=True, slots=True)
class PushOutlet:
    """One channel with the option ``push``."""

    store: Store
    channel: Channel
    program: Callable[[], MappingProgram]
    ways: Ways
    secret: bytes
    sight: Visibility
    now: Callable[[], datetime]
    most: int = 1
    is_open: bool = True

    def permits(self, delivery: Delivery) -> bool:
        """Ask the rights as they are now: a right that was withdrawn stops what is queued."""
        return may_see(self.store, self.sight, delivery)

    def send(self, batch: Sequence[Delivery]) -> Outcome:
        """Hand one record over, or ask what became of it."""
        one = batch[0]
        try:
            push = push_of(self.channel)
            way = self.ways.of(push, self.secret)
        except GatewayError as error:  # No fault of the notice: it goes out once that is mended.
            return Failed(error, is_permanent=False)
        try:
            return way.hand(one.idempotency_key, lambda: self._native(one, push))
        except _GoneError:
            return Delivered(0)
        except GatewayError as error:
            return Failed(error, is_permanent=not KINDS[error.kind].is_retried)

    def ended(self, outcome: Outcome, *, is_parked: bool) -> None:
        """Keep nothing: the outbox says all."""

    def _native(self, one: Delivery, push: Push) -> Native:
        """Render what the notice is about; what is read for it is audited first."""
        seen = Seen()
        record = self._record(one, push, replace(self.sight, seen=seen))
        program, channel = self.program(), self.channel
        zone = ZoneInfo(channel.zone) if channel.zone else None
        sent_at = f"{self.now().astimezone(zone):%Y%m%d%H%M%S}"
        own = {"control_id": one.idempotency_key, "topic": one.topic, "sent_at": sent_at}
        options: dict[str, Json] = {**channel.options, **own}
        is_message = program.format == "hl7v2"
        header = {"MSH-7": sent_at, "MSH-10": one.idempotency_key} if is_message else {}
        renderer = Renderer(program, _model(), options)
        text, _ = renderer.render(record, push.template, header)
        charset = channel.charset if channel.charset not in {None, "detect"} else None
        if program.format == "xml" and charset:
            text = text.replace(_DECLARED, f'encoding="{charset}"', 1)
        audited(self.store, self.sight, f"Channel/{channel.id}", one, seen)
        encoding = charset or "utf-8"
        return Native(one.idempotency_key, one.topic, one.focus, text, encoding, program.format)

    def _record(self, one: Delivery, push: Push, sight: Visibility) -> Resource:
        """Give the focus, and what the option ``record`` brings, with the member's own rights."""
        type_, _, id_ = one.focus.partition("/")
        pairs = [("_id", id_), *push.record]
        page = self.store.search(sight, self.store.query(one.shard, (type_,), pairs))
        entries = (*page.matches, *page.included)
        if not page.matches:  # What a search does not find is gone only if a read says so, too.
            focus = self.store.read(sight, type_, id_)
            if focus is None or focus.is_deleted:
                raise _GoneError
            entries = (focus,)
        found = [codec.decode_stored(stored.body) for stored in entries]
        return {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [{"resource": resource} for resource in found],
        }


@cache
def _model() -> fhirpath.Model:
    return fhirpath.Model(load())
