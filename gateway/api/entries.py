"""The entries of a batch or transaction as requests of their own.

https://hl7.org/fhir/R4/http.html#transaction
"""

from dataclasses import dataclass, replace
from typing import Literal, cast
from urllib.parse import urlsplit

from gateway.api.exchange import Exchange
from gateway.api.parameters import pairs
from gateway.api.preconditions import from_entry
from gateway.errors import GatewayError
from gateway.records import Json, Resource

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
# Deletions first, then creations, then changes, then reads (processing rules of the standard).
ORDER = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 2, "GET": 3, "HEAD": 3}


@dataclass(frozen=True)
class Entry:
    """One entry: its place in the Bundle, what it asks, and the exchange it runs as."""

    index: int
    method: Method
    path: tuple[str, ...]
    exchange: Exchange
    full_url: str | None

    @property
    def type_(self) -> str:
        """The resource type that the address begins with."""
        return self.path[0] if self.path else ""

    @property
    def is_query(self) -> bool:
        """Whether it is a POST that asks instead of creating: an operation or a search."""
        last = self.path[-1] if self.path else ""
        return self.method == "POST" and (last.startswith("$") or last == "_search")

    @property
    def where(self) -> str:
        """The FHIRPath of the entry."""
        return f"Bundle.entry[{self.index}]"


def entries(exchange: Exchange, bundle: Resource) -> list[Entry]:
    """Read the entries in their order; raise GW-7018 when there are too many of them."""
    listed = bundle.get("entry", [])
    limit = exchange.services.settings.max_bundle_entries
    if not isinstance(listed, list):
        raise GatewayError("GW-7015", expression="Bundle.entry")
    if len(listed) > limit:
        raise GatewayError("GW-7018", limit=limit, expression="Bundle.entry")
    return [entry(exchange, index, item) for index, item in enumerate(listed)]


def entry(exchange: Exchange, index: int, item: Json) -> Entry:
    """Read one entry; raise GW-7017 for what it lacks, GW-7001 for a type that does not exist."""
    request = item.get("request") if isinstance(item, dict) else None
    if not isinstance(request, dict):
        raise _incomplete(index, "request")
    method, url = request.get("method"), request.get("url")
    if method not in METHODS:
        raise _incomplete(index, "request.method")
    if not isinstance(url, str):
        raise _incomplete(index, "request.url")
    resource, full_url = item.get("resource"), item.get("fullUrl")
    path, query = _split(url, exchange.address)
    needs_resource = method in {"POST", "PUT", "PATCH"} and not (
        path and (path[-1].startswith("$") or path[-1] == "_search")
    )
    if needs_resource and not _is_resource(resource):
        raise _incomplete(index, "resource")
    is_typed = bool(path) and not path[0].startswith(("$", "_"))
    if is_typed and path[0] not in exchange.services.definitions.resource_types:
        raise GatewayError(
            "GW-7001", type=path[0][:64], expression=f"Bundle.entry[{index}].request.url"
        )
    inner = replace(
        exchange,
        query=pairs(query.encode()),
        preconditions=from_entry(request),
        body=resource if isinstance(resource, dict) else b"",
        content="json",
    )
    return Entry(
        index,
        cast("Method", method),
        path,
        inner,
        full_url if isinstance(full_url, str) else None,
    )


def _split(url: str, address: str) -> tuple[tuple[str, ...], str]:
    """Split ``Type/id?query``; an absolute address of this server is one of ours, too."""
    relative = url.removeprefix(address)
    try:
        parts = urlsplit(relative.lstrip("/"))
    except ValueError as err:
        raise GatewayError("GW-7010", expression="Bundle.entry.request.url") from err
    return tuple(part for part in parts.path.split("/") if part), parts.query


def _is_resource(value: Json) -> bool:
    return isinstance(value, dict) and isinstance(value.get("resourceType"), str)


def _incomplete(index: int, what: str) -> GatewayError:
    return GatewayError(
        "GW-7017", index=index, what=what, expression=f"Bundle.entry[{index}].{what}"
    )
