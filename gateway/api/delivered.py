"""The shared definitions beside what members stored, in reads and searches.

They follow the stored matches, in the order of their urls, and belong to no snapshot: they change
only with the gateway itself. A search of several types leaves them out.
"""

from dataclasses import replace

from gateway.api.audit_events import TYPE, audit_page, audited
from gateway.api.exchange import Exchange
from gateway.fhir import codec
from gateway.fhir.conformance import TYPES
from gateway.fhir.search_model import Criterion, Query, TextValue, TokenValue
from gateway.records import Resource, Stored
from gateway.store import Page

_MARK = "delivered:"
_DEFAULT_COUNT = 50
_CHUNK = 200


def delivered(exchange: Exchange, type_: str, id_: str) -> Stored | None:
    """Give a shared definition as if it were stored; None when there is none."""
    if type_ not in TYPES:
        return None
    found = exchange.services.conformance.read(type_, id_)
    return None if found is None else _as_stored(exchange, found)


def shared(exchange: Exchange, type_: str, id_: str) -> Stored | None:
    """Give a shared definition unless something stored stands, or stood, under its id.

    An access of the audit trail is given in the same way.
    """
    found = delivered(exchange, type_, id_) or audited(exchange, type_, id_)
    if found is None or exchange.services.store.read(exchange.visibility, type_, id_) is not None:
        return None
    return found


def page_of(exchange: Exchange, query: Query, cursor: str | None) -> Page:
    """Give a page of what is stored, and behind the last of it what nobody stored.

    That are the shared definitions, and the accesses of the audit trail.
    """
    if query.types == (TYPE,):
        return audit_page(exchange, query, cursor)
    if cursor is not None and cursor.startswith(_MARK):
        offset, _, total = cursor.removeprefix(_MARK).partition("/")
        page = Page((), total=int(total) if total else None)
        return _filled(exchange, query, page, int(offset), _matching(exchange, query))
    page = exchange.services.store.search(exchange.visibility, query, cursor=cursor)
    if len(query.types) != 1 or query.types[0] not in TYPES:
        return page
    found = _matching(exchange, query)
    if page.total is not None:
        page = replace(page, total=page.total + len(found))
    is_counting = query.summary == "count" or query.count == 0
    if page.next is not None or is_counting:
        return page
    return _filled(exchange, query, page, 0, found)


def _filled(
    exchange: Exchange, query: Query, page: Page, offset: int, found: list[Resource]
) -> Page:
    """Fill up a page from an offset in the shared definitions."""
    count = _DEFAULT_COUNT if query.count is None else query.count
    end = offset + max(count - len(page.matches), 0)
    matches = [_as_stored(exchange, one) for one in found[offset:end]]
    total = "" if page.total is None else str(page.total)
    following = f"{_MARK}{end}/{total}" if end < len(found) else None
    return replace(page, matches=(*page.matches, *matches), next=following)


def _matching(exchange: Exchange, query: Query) -> list[Resource]:
    """Give the shared definitions that match; a stored one of the same id or url hides its own."""
    found = exchange.services.conformance.search(query.types[0], query.conditions)
    ids, urls = set(), set()
    if found and _search(exchange, Query(query.types, count=0)).total:
        for start in range(0, len(found), _CHUNK):
            for condition in _same(query.types, found[start : start + _CHUNK]):
                page = _search(exchange, Query(query.types, (condition,), count=_CHUNK))
                ids |= {stored.id for stored in page.matches}
                urls |= {codec.decode_stored(stored.body).get("url") for stored in page.matches}
    return [one for one in found if one["id"] not in ids and one["url"] not in urls]


def _same(types: tuple[str, ...], found: list[Resource]) -> tuple[Criterion, Criterion]:
    """Ask for the stored definitions that share an id or a url with these."""
    ids = tuple(TokenValue(None, str(one["id"])) for one in found)
    urls = tuple(TextValue(one["url"]) for one in found)
    return Criterion(types, "_id", "token", ids), Criterion(types, "url", "uri", urls)


def _search(exchange: Exchange, query: Query) -> Page:
    return exchange.services.store.search(exchange.visibility, query)


def _as_stored(exchange: Exchange, resource: Resource) -> Stored:
    return Stored(
        exchange.visibility.shard,
        resource["resourceType"],
        str(resource["id"]),
        1,
        exchange.services.conformance.updated_utc(resource),
        codec.encode(resource),
        "",
        None,
    )
