"""$status: how Subscriptions do, and how many events each has had.

http://hl7.org/fhir/uv/subscriptions-backport/STU1.1/OperationDefinition-backport-subscription-status.html
"""

from functools import partial

from gateway.access import demand
from gateway.api.exchange import Answer, Exchange
from gateway.api.inputs import Inputs, inputs
from gateway.api.read import current
from gateway.delivery import Notification
from gateway.delivery.notification import Kind
from gateway.delivery.subscription import Content, read_subscription
from gateway.fhir import codec
from gateway.fhir.times import format_instant
from gateway.outlets import may_see
from gateway.records import Resource, Stored

TYPE = "Subscription"


def subscription_status(exchange: Exchange, id_: str | None = None) -> Answer:
    """Answer one status for each Subscription asked for that the client sees."""
    demand(exchange.principal, TYPE, "read")
    given = inputs(exchange, frozenset() if id_ else frozenset({"id", "status"}))
    found = [current(exchange, TYPE, id_)] if id_ else _searched(exchange, given)
    entries = []
    for stored in found:
        said = notification_of(exchange, stored, "query-status")
        entry = {"fullUrl": f"urn:uuid:{said.id}", "resource": said.parameters()}
        entries.append(entry | {"search": {"mode": "match"}})
    bundle: Resource = {"resourceType": "Bundle", "type": "searchset", "total": len(entries)}
    bundle["timestamp"] = format_instant(exchange.services.clock())
    return Answer(resource=bundle | ({"entry": entries} if entries else {}))


def notification_of(
    exchange: Exchange, stored: Stored, kind: Kind, content: Content | None = None
) -> Notification:
    """Say what there is to say of a Subscription without its events, those that wait counted."""
    wish = read_subscription(codec.decode_stored(stored.body))
    services = exchange.services
    sight = services.access.viewer(stored.shard, stored.owner)
    permits = partial(may_see, services.store, sight)
    services.store.outbox.number(stored.shard, wish.recipient, services.clock(), permits)
    return Notification(
        exchange.address,
        wish.recipient,
        wish.criteria,
        kind,
        f"{wish.recipient}/{kind}/{exchange.services.clock().isoformat()}",
        exchange.services.store.outbox.last_number(stored.shard, wish.recipient),
        wish.status,
        content or wish.content,
        wish.error,
    )


def _searched(exchange: Exchange, given: Inputs) -> list[Stored]:
    pairs = [("_count", "1000")]
    for name, parameter in (("id", "_id"), ("status", "status")):
        values = given.texts(name)
        if values:
            pairs.append((parameter, ",".join(values)))
    store = exchange.services.store
    query = store.query(exchange.visibility.shard, (TYPE,), pairs)
    return list(store.search(exchange.visibility, query).matches)
