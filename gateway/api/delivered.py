"""The shared definitions beside what members stored, in reads and searches.

They follow the stored matches, in the order of their urls, and belong to no snapshot: they change
only with the gateway itself. A search of several types leaves them out.
"""

from dataclasses import replace

from gateway.api.exchange import Exchange
from gateway.fhir import codec
from gateway.fhir.conformance import TYPES
from gateway.fhir.search_model import Criterion, Query, TokenValue
from gateway.records import Resource, Stored
from gateway.store import Page

_MARK = "delivered:"
_DEFAULT_COUNT = 50


def delivered(exchange: Exchange, type_: str, id_: str) -> Stored | None:
    """Give a shared definition as if it were stored; None when there is none."""
    if type_ not in TYPES:
        return None
    found = exchange.services.conformance.read(type_, id_)
    return None if found is None else _as_stored(exchange, found)


def page_of(exchange: Exchange, query: Query, cursor: str | None) -> Page:
    """Give a page of what is stored, and behind the last of it the shared definitions."""
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
    """Give the shared definitions that match; a stored one of the same id stands for its own."""
    [type_] = query.types
    found = exchange.services.conformance.search(type_, query.conditions)
    if not found:
        return []
    ids = tuple(TokenValue(None, str(one["id"])) for one in found)
    same = Query(query.types, (Criterion(query.types, "_id", "token", ids),), count=len(ids))
    hidden = {one.id for one in exchange.services.store.search(exchange.visibility, same).matches}
    return [one for one in found if one["id"] not in hidden]


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
