"""A page of versions, of whatever they are asked for. https://hl7.org/fhir/R4/http.html#history"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from gateway.access import demand
from gateway.api.exchange import Answer, Exchange
from gateway.api.paging import PAGE, count_of, cursor_of, next_link, self_link, without_paging
from gateway.api.vread import version_number
from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.fhir.references import server_of, split
from gateway.fhir.times import format_instant, interval, parse_instant
from gateway.records import Resource, Stored, Visibility
from gateway.store.pages import Page
from gateway.store.versions import Named

_ALLOWED = ("_count", "_since", "_at", "_list")
_MOST_NAMED = 5_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def page_of(
    exchange: Exchange,
    path: str,
    visibility: Visibility,
    *,
    type_: str | None = None,
    id_: str | None = None,
) -> Page:
    """Give the versions asked for, newest first; raise GW-7020 for a parameter not understood."""
    used = without_paging(exchange.query)
    for name, _ in used:
        if name not in _ALLOWED:
            raise GatewayError("GW-7020", name=name[:64], allowed=", ".join(_ALLOWED))
    return exchange.services.store.history(
        visibility,
        type_=type_,
        id_=id_,
        since=_since(exchange),
        at=_at(exchange),
        named=_named(exchange),
        count=max(count_of(exchange), 1),
        cursor=cursor_of(exchange, path, used),
    )


def bundle_of(exchange: Exchange, path: str, page: Page) -> Answer:
    """Answer a page as a history Bundle."""
    used = without_paging(exchange.query)
    links = [self_link(exchange, path, used)]
    if page.next:
        links.append(next_link(exchange, path, used, page.next))
    bundle: Resource = {"resourceType": "Bundle", "type": "history"}
    if page.next is None and exchange.parameter(PAGE) is None:
        bundle["total"] = len(page.matches)
    if exchange.parameter("_since"):
        # Asked with it as the next _since, nothing is missed and nothing given twice.
        bundle["meta"] = {"lastUpdated": format_instant(page.complete_utc)}
    bundle["link"] = links
    entries = [_entry(exchange, stored) for stored in page.matches]
    return Answer(200, resource=bundle | ({"entry": entries} if entries else {}))


def is_within(exchange: Exchange, stored: Stored) -> bool:
    """Say whether a version that nothing followed is among those asked for."""
    since, at = _since(exchange), _at(exchange)
    return (since is None or stored.updated_utc >= since) and (
        at is None or stored.updated_utc < at[1]
    )


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


def _named(exchange: Exchange) -> tuple[Named, ...] | None:
    """Give what the Lists of ``_list`` name, as far as the client sees these; None without it."""
    asked = exchange.parameter("_list")
    if asked is None:
        return None
    if asked.startswith("$"):
        raise GatewayError("GW-7020", name="_list", allowed="List.id")
    demand(exchange.principal, "List", "read")
    found: list[Named] = []
    for one in asked.split(","):
        id_ = one.strip().removeprefix("List/")
        stored = exchange.services.store.read(exchange.visibility, "List", id_)
        if stored is not None and not stored.is_deleted:
            found += _items(codec.decode_stored(stored.body))
    if len(found) > _MOST_NAMED:
        raise GatewayError("GW-7020", name="_list", allowed=f"≤ {_MOST_NAMED} List.entry")
    return tuple(dict.fromkeys(found))


def _items(listed: Resource) -> Iterator[Named]:
    for one in listed.get("entry", ()):
        reference = one["item"].get("reference", "")
        target = split(reference)
        if target is None or server_of(reference) is not None:
            continue
        if target.version is None:
            yield target.type, target.id, None
        elif (number := version_number(target.version)) is not None:
            yield target.type, target.id, number


def _since(exchange: Exchange) -> datetime | None:
    text = exchange.parameter("_since")
    if not text:
        return None
    try:
        return parse_instant(text)
    except (ValueError, OverflowError) as err:
        raise GatewayError("GW-7020", name="_since", allowed="2026-01-31T08:00:00+08:00") from err


def _at(exchange: Exchange) -> tuple[datetime, datetime] | None:
    """Give the half-open range of time that ``_at`` names; a day is a day long."""
    text = exchange.parameter("_at")
    if not text:
        return None
    try:
        low, high = (_EPOCH + timedelta(microseconds=us) for us in interval(text))
        return low, high + timedelta(microseconds=1)
    except (ValueError, OverflowError) as err:
        raise GatewayError("GW-7020", name="_at", allowed="2026-01, 2026-01-31, …") from err
