"""$events: the events that a subscriber missed, by their numbers.

http://hl7.org/fhir/uv/subscriptions-backport/STU1.1/OperationDefinition-backport-subscription-events.html
"""

from gateway.access import demand
from gateway.api.exchange import Answer, Exchange
from gateway.api.inputs import inputs
from gateway.api.read import current
from gateway.api.status import TYPE, notification_of
from gateway.delivery.subscription import CONTENTS, Content
from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.records import Resource

_LAST = 2**31 - 1
_MOST = 1000


def subscription_events(exchange: Exchange, id_: str) -> Answer:
    """Answer the events between two numbers, both included, that the client may still see.

    Raises GW-7020 for bounds that are no numbers or a content that the guide does not know.
    """
    demand(exchange.principal, TYPE, "read")
    given = inputs(exchange, frozenset({"eventsSinceNumber", "eventsUntilNumber", "content"}))
    stored = current(exchange, TYPE, id_)
    first, last = given.number("eventsSinceNumber"), given.number("eventsUntilNumber")
    said = notification_of(exchange, stored, "query-event", _content(given.text("content")))
    events = exchange.services.store.outbox.events(
        stored.shard, said.recipient, first or 1, _LAST if last is None else last, _MOST
    )
    seen = [one for one in events if _read(exchange, one.focus) is not None]
    bundle = said.bundle(seen, exchange.services.clock(), lambda focus: _read(exchange, focus))
    return Answer(resource=bundle)


def _content(given: str | None) -> Content | None:
    if given is None:
        return None
    for content in CONTENTS:
        if content == given:
            return content
    raise GatewayError("GW-7020", name="content", allowed=", ".join(CONTENTS))


def _read(exchange: Exchange, focus: str) -> Resource | None:
    type_, _, id_ = focus.partition("/")
    stored = exchange.services.store.read(exchange.visibility, type_, id_)
    return None if stored is None or stored.is_deleted else codec.decode_stored(stored.body)
