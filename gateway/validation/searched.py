"""Bundles of search results: what an entry may be by its mode and by the search that was made."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from gateway.records import Resource
from gateway.validation.places import Trail
from gateway.validation.run import Run


def check_searched(bundle: Resource, listed: list[Resource], trail: Trail, run: Run) -> None:
    """Check the entries of a searchset against its self link and their ``search.mode``."""
    wanted = _types_searched(bundle, run.engine.resource_types)
    for index, entry in enumerate(listed):
        _check_match(entry, wanted, (trail, "entry", index), run)


def _check_match(entry: Resource, wanted: frozenset[str], trail: Trail, run: Run) -> None:
    resource = entry.get("resource")
    if type(resource) is not dict:
        return
    search = entry.get("search")
    mode = search.get("mode") if type(search) is dict else None
    named = resource.get("resourceType")
    is_outcome = named == "OperationOutcome"
    if mode == "outcome" and not is_outcome:
        run.report("GW-4219", trail, expected="OperationOutcome")
    elif mode == "match" and wanted and named not in wanted:
        run.report("GW-4219", trail, expected=", ".join(sorted(wanted)))
    if "id" not in resource and not (is_outcome and mode != "match"):
        run.report("GW-4215", trail)


def _types_searched(bundle: Resource, known: frozenset[str]) -> frozenset[str]:
    """Read the types that the self link searched; none where it does not tell."""
    links: Any = bundle.get("link")
    for link in links if type(links) is list else ():
        url = link.get("url") if type(link) is dict and link.get("relation") == "self" else None
        if type(url) is not str:
            continue
        try:
            parts = urlsplit(url)
        except ValueError:
            return frozenset()
        named = [value for name, value in parse_qsl(parts.query) if name == "_type"]
        types = {one for value in named for one in value.split(",")}
        types = types or {parts.path.rstrip("/").rpartition("/")[2]}
        return frozenset(types) if types <= known else frozenset()
    return frozenset()
