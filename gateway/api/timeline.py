"""$timeline: one page that tells a nurse everything about a referral. Our own operation."""

from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from gateway.access import demand
from gateway.api.exchange import Answer, Exchange
from gateway.api.inputs import inputs
from gateway.api.read import current
from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.reactions import is_referral, literal, name
from gateway.records import Json, Resource
from gateway.referral import Way, timeline

_MOST = "1000"


def referral_timeline(exchange: Exchange, id_: str) -> Answer:
    """Answer Parameters: every step there was of slip, tasks, stay and way back, and what is next.

    It holds what the client sees and no more. Raises GW-7002, GW-6207 for what is no referral.
    """
    demand(exchange.principal, "ServiceRequest", "read")
    inputs(exchange, frozenset())
    order = codec.decode_stored(current(exchange, "ServiceRequest", id_).body)
    if not is_referral(order):
        raise GatewayError("GW-6207", kind="referral", expression="ServiceRequest.category")
    names: dict[str, str] = {}
    page = timeline(
        _way(exchange, order),
        partial(_name, exchange, names),
        exchange.services.clock(),
        partial(_local, ZoneInfo(exchange.services.settings.zone)),
    )
    return Answer(200, resource=page)


def _way(exchange: Exchange, order: Resource) -> Way:
    """Find what carries the referral's requisition, and what is based on its orders."""
    number = order.get("requisition") or {}
    token = f"{number.get('system', '')}|{number.get('value', '')}"
    if not number.get("value"):
        return Way((order,), _found(exchange, "Task", "focus", name(order)))
    orders = _found(exchange, "ServiceRequest", "requisition", token) or (order,)
    based = ",".join(name(one) for one in orders)
    return Way(
        orders,
        _found(exchange, "Task", "group-identifier", token),
        _found(exchange, "Encounter", "based-on", based),
        _found(exchange, "Communication", "based-on", based),
    )


def _found(exchange: Exchange, type_: str, parameter: str, value: str) -> tuple[Resource, ...]:
    store, visibility = exchange.services.store, exchange.visibility
    query = store.query(visibility.shard, (type_,), [(parameter, value), ("_count", _MOST)])
    matches = store.search(visibility, query).matches
    return tuple(codec.decode_stored(one.body) for one in matches)


def _name(exchange: Exchange, names: dict[str, str], reference: Json) -> str:
    """Give an organisation's name in the directory, else what the reference displays."""
    target = literal(reference)
    if target is None or target[0] != "Organization":
        return str((reference or {}).get("display", ""))
    if target[1] not in names:
        stored = exchange.services.store.read(exchange.visibility, *target)
        entry = codec.decode_stored(stored.body) if stored and not stored.is_deleted else {}
        names[target[1]] = entry.get("name") or (reference or {}).get("display", "")
    return names[target[1]]


def _local(zone: ZoneInfo, at_us: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M")
