"""References: into contained resources, within a Bundle, and the types they may point to."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from gateway.records import Resource, Severity
from gateway.validation.run import Link, Run, Scope

_LITERAL = re.compile(
    r"(?P<base>.*/)?(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})"
    r"(?:/_history/(?P<version>[A-Za-z0-9\-.]{1,64}))?(?:#.*)?"
)
# In these a urn can only be resolved within the Bundle itself.
_CLOSED = frozenset({"transaction", "batch", "document", "message"})
_URN = ("urn:uuid:", "urn:oid:")


@dataclass(frozen=True, slots=True)
class Literal:
    """A RESTful reference taken apart; ``server`` is empty for a relative one."""

    server: str
    type: str
    id: str
    version: str | None


@lru_cache(maxsize=8192)
def literal(reference: str) -> Literal | None:
    """Take a reference apart; None when it does not look RESTful."""
    match = _LITERAL.fullmatch(reference)
    if match is None:
        return None
    return Literal(match["base"] or "", match["type"], match["id"], match["version"])


@dataclass(slots=True)
class Entries:
    """The entries of a Bundle by fullUrl, and by type and id."""

    by_url: dict[str, list[Resource]] = field(default_factory=dict)
    by_id: dict[str, list[Resource]] = field(default_factory=dict)
    url_of: dict[int, str] = field(default_factory=dict)
    is_open: bool = False

    def by_urn(self, id_: str) -> Resource | None:
        """Give the entry whose fullUrl is that UUID: a relative reference may mean it."""
        found = self.by_url.get("urn:uuid:" + id_)
        return found[0] if found else None

    def find(self, reference: str, full_url: str | None) -> list[Resource]:
        """Give the entries that a reference names from an entry with that fullUrl (bundle.html)."""
        plain, _, version = reference.partition("/_history/")
        found = self.by_url.get(plain)
        if found is None:
            parts = literal(plain)
            if parts is None:
                return []
            if not parts.server:
                found = self._relative(parts, full_url)
        found = found or []
        if version:
            version = version.partition("#")[0]
            return [one for one in found if _version(one) == version]
        return found

    def _relative(self, parts: Literal, full_url: str | None) -> list[Resource]:
        name = f"{parts.type}/{parts.id}"
        own = literal(full_url) if full_url else None
        if own is not None and own.server:
            return self.by_url.get(own.server + name, [])
        # Without a RESTful fullUrl there is no base: only entries without one of their own match.
        return [
            one
            for one in self.by_id.get(name, [])
            if (url := self.url_of.get(id(one), "")) == "" or not _is_restful(url)
        ]


def _is_restful(url: str) -> bool:
    return url.startswith(("http:", "https:"))


def _version(resource: Resource) -> Any:
    meta = resource.get("meta")
    return meta.get("versionId") if type(meta) is dict else None


def entries_of(bundle: Resource) -> Entries:
    """Index a Bundle's entries."""
    type_ = bundle.get("type")
    found = Entries(is_open=type(type_) is not str or type_ not in _CLOSED)
    entries = bundle.get("entry")
    for entry in entries if type(entries) is list else ():
        resource = entry.get("resource") if type(entry) is dict else None
        if type(resource) is not dict:
            continue
        url = entry.get("fullUrl")
        if type(url) is str:
            found.by_url.setdefault(url, []).append(resource)
            found.url_of[id(resource)] = url
        name = f"{resource.get('resourceType')}/{resource.get('id')}"
        found.by_id.setdefault(name, []).append(resource)
    return found


def contained_of(scope: Scope) -> dict[str, Resource]:
    """Give the contained resources of a scope's root by id."""
    if scope.contained is None:
        contained = scope.root.get("contained")
        scope.contained = {
            one["id"]: one
            for one in (contained if type(contained) is list else ())
            if type(one) is dict and type(one.get("id")) is str
        }
    return scope.contained


def resolve(reference: str, scope: Scope, run: Run) -> Resource | None:
    """Find what a reference names: contained, in the Bundle, or with the caller's fetcher."""
    if reference[:1] == "#":
        return scope.root if reference == "#" else contained_of(scope).get(reference[1:])
    if run.bundle is not None:
        found: list[Resource] = run.bundle.find(reference, scope.full_url)
        if found:
            return found[0]
    return None if run.options.fetch is None else run.options.fetch(reference)


def check_links(links: Iterable[Link], run: Run) -> None:
    """Check each reference that was collected."""
    for link in links:
        reference = link.value.get("reference")
        if type(reference) is str and reference:
            _check_literal(link, reference, run)
        else:
            stated = link.value.get("type")
            if type(stated) is str and link.targets and _plain(stated) in run.engine.resource_types:
                _demand_target(link, _plain(stated), run)


def _check_literal(link: Link, reference: str, run: Run) -> None:
    if reference[0] == "#":
        target = resolve(reference, link.scope, run)
        if target is None:
            run.report("GW-4202", link.trail)
        elif run.options.checks_contained:
            _check_type(link, target.get("resourceType"), run)
        return
    found = [] if run.bundle is None else run.bundle.find(reference, link.scope.full_url)
    if found:
        if len(found) > 1 and "/_history/" not in reference:
            run.report("GW-4213", link.trail)
        else:
            _check_type(link, found[0].get("resourceType"), run)
        return
    if reference.startswith(_URN):
        if run.bundle is not None:
            severity: Severity = "warning" if run.bundle.is_open else "error"
            run.report("GW-4203", link.trail, severity=severity)
        return
    parts = literal(reference)
    if parts is None:
        return
    if parts.type in run.engine.resource_types:
        same = None if run.bundle is None or parts.server else run.bundle.by_urn(parts.id)
        if same is not None and same.get("resourceType") != parts.type:
            run.report("GW-4204", link.trail)
        else:
            _check_type(link, parts.type, run)
    elif not parts.server:
        _demand_target(link, parts.type, run)


def check_target_type(link: Link, run: Run) -> None:
    """Check one reference's target type alone (a profile narrows it)."""
    reference = str(link.value.get("reference", ""))
    found = resolve(reference, link.scope, run)
    if found is not None:
        _demand_target(link, str(found.get("resourceType")), run)
        return
    parts = literal(reference)
    if parts is not None and parts.type in run.engine.resource_types:
        _demand_target(link, parts.type, run)


def _plain(type_: str) -> str:
    return type_.removeprefix("http://hl7.org/fhir/StructureDefinition/")


def _check_type(link: Link, type_: Any, run: Run) -> None:
    if type(type_) is not str:
        return
    before = len(run.issues)
    _demand_target(link, type_, run)
    stated = link.value.get("type")
    if len(run.issues) == before and type(stated) is str and _plain(stated) != type_:
        run.report("GW-4204", link.trail)


def _demand_target(link: Link, type_: str, run: Run) -> None:
    if link.targets is not None and type_ not in link.targets:
        allowed = ", ".join(sorted(link.targets))
        known = type_ if type_ in run.engine.resource_types else "?"
        run.report("GW-4201", link.trail, found=known, allowed=allowed)
