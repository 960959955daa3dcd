"""history-instance: all versions of a resource. https://hl7.org/fhir/R4/http.html#history"""

from datetime import datetime

import msgspec

from gateway.access import demand
from gateway.api.exchange import Answer, Exchange
from gateway.api.paging import count_of, cursor_of, next_link, self_link, without_paging
from gateway.api.read import is_id
from gateway.errors import GatewayError
from gateway.fhir.times import format_instant, parse_instant
from gateway.records import Resource, Stored

_ALLOWED = frozenset({"_count", "_since"})


def history_instance(exchange: Exchange, type_: str, id_: str) -> Answer:
    """Answer the versions that the client may see, newest first; raise GW-7002 when none."""
    demand(exchange.principal, type_, "history")
    if not is_id(id_):
        raise GatewayError("GW-7002", type=type_)
    used = without_paging(exchange.query)
    for name, _ in used:
        if name not in _ALLOWED:
            raise GatewayError("GW-7020", name=name[:64], allowed="_count, _since")
    path = f"{type_}/{id_}/_history"
    page = exchange.services.store.history(
        exchange.visibility,
        type_=type_,
        id_=id_,
        since=_since(exchange),
        count=max(count_of(exchange), 1),
        cursor=cursor_of(exchange, path, used),
    )
    # Nothing since a date is an empty Bundle, nothing at all is 404.
    if not page.matches and not _exists(exchange, type_, id_):
        raise GatewayError("GW-7002", type=type_)
    links = [self_link(exchange, path, used)]
    if page.next:
        links.append(next_link(exchange, path, used, page.next))
    bundle: Resource = {"resourceType": "Bundle", "type": "history", "link": links}
    entries = [_entry(exchange, stored) for stored in page.matches]
    return Answer(200, resource=bundle | ({"entry": entries} if entries else {}))


def _entry(exchange: Exchange, stored: Stored) -> Resource:
    """Tell one version and the request that made it."""
    reference = f"{stored.type}/{stored.id}"
    entry: Resource = {"fullUrl": f"{exchange.address}/{reference}"}
    if stored.is_deleted:
        method, status = "DELETE", "204 No Content"
    else:
        entry["resource"] = msgspec.Raw(stored.body)
        method = "POST" if stored.version == 1 else "PUT"
        status = "201 Created" if stored.version == 1 else "200 OK"
    entry["request"] = {
        "method": method,
        "url": stored.type if method == "POST" else reference,
    }
    entry["response"] = {
        "status": status,
        "etag": f'W/"{stored.version}"',
        "lastModified": format_instant(stored.updated_utc),
    }
    return entry


def _since(exchange: Exchange) -> datetime | None:
    text = exchange.parameter("_since")
    if not text:
        return None
    try:
        return parse_instant(text)
    except (ValueError, OverflowError) as err:
        raise GatewayError("GW-7020", name="_since", allowed="2026-01-31T08:00:00+08:00") from err


def _exists(exchange: Exchange, type_: str, id_: str) -> bool:
    return exchange.services.store.read(exchange.visibility, type_, id_) is not None
