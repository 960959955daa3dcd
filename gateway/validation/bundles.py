"""The rules of Bundles that invariants do not state (R4, bundle.html, documents.html)."""

import re
from typing import Any

from gateway.records import Resource
from gateway.validation.joined import check_joined
from gateway.validation.places import Trail
from gateway.validation.references import literal
from gateway.validation.run import Run
from gateway.validation.searched import check_searched

_FREE = frozenset({"transaction", "batch", "transaction-response", "batch-response"})
_HEADS = {"document": "Composition", "message": "MessageHeader"}
_EXCHANGES = (
    ("bdl-3", "request", ("batch", "transaction", "history")),
    ("bdl-4", "response", ("batch-response", "transaction-response", "history")),
)
_SEARCH_LINKS = frozenset({"first", "previous", "next", "last"})
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.+")


def check_bundle(bundle: Resource, trail: Trail, run: Run) -> None:
    """Check the entries of a Bundle against its type."""
    type_, entries = bundle.get("type"), bundle.get("entry")
    if type(type_) is not str:
        type_ = None
    _check_exchange(bundle, trail, run)
    listed = [one if type(one) is dict else {} for one in entries] if type(entries) is list else []
    for index, entry in enumerate(listed):
        _check_url(entry, type_, trail, index, run)
        if type_ in ("transaction", "batch"):
            _check_request(entry, trail, index, run)
    head = _HEADS.get(type_) if type(type_) is str else None
    if head and listed and type(listed[0].get("resource")) is not dict:
        run.report("GW-4214", trail, "entry", 0, type=type_, expected=head)
    if type_ == "searchset":
        check_searched(bundle, listed, trail, run)
    if head:
        check_joined(listed, head, trail, run)
    if type_ == "document":
        _check_document_links(bundle, trail, run)


def _check_exchange(bundle: Resource, trail: Trail, run: Run) -> None:
    """Check bdl-3, bdl-4 and bdl-7: requests and responses by type, no fullUrl twice."""
    type_, entries = bundle.get("type"), bundle.get("entry")
    seen: set[tuple[str, Any]] = set()
    for index, entry in enumerate(entries if type(entries) is list else ()):
        if type(entry) is not dict:
            continue
        for key, member, types in _EXCHANGES:
            if (member in entry) is not (type_ in types):
                run.report(
                    "GW-4012", trail, "entry", index, key=key, human=f"{member} by type of Bundle"
                )
        url = entry.get("fullUrl")
        if type(url) is str and type_ != "history":
            resource = entry.get("resource")
            meta = resource.get("meta") if type(resource) is dict else None
            name = (url, str(meta.get("versionId")) if type(meta) is dict else "None")
            if name in seen:
                run.report("GW-4220", trail, "entry", index)
            seen.add(name)


def _check_url(entry: Resource, type_: Any, trail: Trail, index: int, run: Run) -> None:
    resource = entry.get("resource")
    url = entry.get("fullUrl")
    if type(resource) is not dict:
        return
    if type(url) is not str:
        if resource.get("resourceType") == "OperationOutcome" and "id" not in resource:
            # It tells about the search and has no identity of its own.
            return
        if type_ not in _FREE and type(type_) is str and "_fullUrl" not in entry:
            run.report("GW-4210", trail, "entry", index)
        return
    if _ABSOLUTE.fullmatch(url) is None:
        run.report("GW-4211", trail, "entry", index)
        return
    parts = literal(url) if url.startswith("http") else None
    if parts is None or parts.type not in run.engine.resource_types:
        return
    name = f"{resource.get('resourceType')}/{resource.get('id')}"
    is_unnamed = type_ in _FREE and "id" not in resource
    if f"{parts.type}/{parts.id}" != name and not is_unnamed:
        run.report("GW-4212", trail, "entry", index)


def _check_request(entry: Resource, trail: Trail, index: int, run: Run) -> None:
    request: Any = entry.get("request")
    resource: Any = entry.get("resource")
    if type(request) is not dict:
        return
    method, url = request.get("method"), request.get("url")
    has_resource = type(resource) is dict
    if method in ("POST", "PUT") and not has_resource:
        reason = f"{method} needs a resource"
        run.report("GW-4216", trail, "entry", index, reason=reason)
        return
    if not has_resource or type(url) is not str or method not in ("POST", "PUT"):
        return
    path = url.partition("?")[0]
    if "$" in path:
        # An operation: what it takes is often Parameters.
        return
    named = literal(path)
    type_ = path.rpartition("/")[2] if named is None else named.type
    if type_ in run.engine.resource_types and type_ != resource.get("resourceType"):
        run.report("GW-4216", trail, "entry", index, reason="another type in request.url")
    elif method == "PUT" and named is not None and named.id != resource.get("id"):
        run.report("GW-4216", trail, "entry", index, reason="another id in request.url")


def _check_document_links(bundle: Resource, trail: Trail, run: Run) -> None:
    links = bundle.get("link")
    for index, link in enumerate(links if type(links) is list else ()):
        relation = link.get("relation") if type(link) is dict else None
        if type(relation) is str and relation in _SEARCH_LINKS:
            run.report("GW-4218", trail, "link", index)
