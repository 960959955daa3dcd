"""Links from page to page: the query stays readable, where to go on is signed and opaque."""

from urllib.parse import urlencode

import msgspec

from gateway.api.exchange import Exchange, Pairs
from gateway.api.parameters import CONTROL
from gateway.errors import GatewayError
from gateway.records import Resource, Stored

PAGE = "_page"
_DEFAULT_COUNT = 50
_MOST = 1000


def self_link(exchange: Exchange, path: str, used: Pairs) -> Resource:
    """Make the link that says what was asked and understood."""
    return {"relation": "self", "url": _url(exchange, path, used)}


def next_link(exchange: Exchange, path: str, used: Pairs, cursor: str) -> Resource:
    """Make the link to the following page; it holds for this member and this query only."""
    token = exchange.services.access.pages.close(f"{_asked(exchange, path, used)}\n{cursor}")
    return {"relation": "next", "url": _url(exchange, path, (*used, (PAGE, token)))}


def cursor_of(exchange: Exchange, path: str, used: Pairs) -> str | None:
    """Give the cursor of a continued query; raise GW-7108 when the link was changed."""
    token = exchange.parameter(PAGE)
    if token is None:
        return None
    content = exchange.services.access.pages.open(token)
    asked, _, cursor = (content or "").partition("\n")
    if content is None or asked != _asked(exchange, path, used):
        raise GatewayError("GW-7108")
    return cursor


def without_paging(query: Pairs) -> Pairs:
    """Give the parameters that say what is asked, in their order."""
    return tuple((name, value) for name, value in query if name not in {PAGE, *CONTROL})


def count_of(exchange: Exchange) -> int:
    """Give the page size asked for, at most 1000; raise GW-7020 for what is no number."""
    text = exchange.parameter("_count")
    if text is None:
        return _DEFAULT_COUNT
    if not (text.isascii() and text.isdecimal()):
        raise GatewayError("GW-7020", name="_count", allowed="0…")
    return min(int(text[:9]), _MOST)


def entry_of(exchange: Exchange, stored: Stored, mode: str) -> Resource:
    """Make the search entry of a stored version; its body is passed on as it is."""
    return {
        "fullUrl": f"{exchange.address}/{stored.type}/{stored.id}",
        "resource": msgspec.Raw(stored.body),
        "search": {"mode": mode},
    }


def _asked(exchange: Exchange, path: str, used: Pairs) -> str:
    return urlencode([("", exchange.principal.member), ("", path), *used])


def _url(exchange: Exchange, path: str, used: Pairs) -> str:
    query = urlencode(used)
    return f"{exchange.address}/{path}" + (f"?{query}" if query else "")
