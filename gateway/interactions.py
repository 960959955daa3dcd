"""What FHIR clients ask to be written, turned into drafts against the current versions.

Ids of new resources are chosen here, references between the entries of a transaction resolved,
conditions looked up, and rights to change an existing record checked. Nothing is written.
https://hl7.org/fhir/R4/http.html#transaction
"""

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol
from urllib.parse import parse_qsl

from gateway.access import demand, demand_change, demand_id, organizations_named
from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.fhir.ids import ordered_id
from gateway.fhir.links import relink
from gateway.fhir.merge import same_content
from gateway.fhir.references import references, rewrite, server_of
from gateway.join import Draft, Resolver, demand_own_code
from gateway.records import (
    BusinessKey,
    Criteria,
    Issue,
    Principal,
    Resource,
    Stored,
    Visibility,
)

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One write that a client asks for.

    It names its resource by ``id``, or by ``criteria``, search parameters that one resource may
    match. ``if_match`` are versions of which one must be current (``*``: any), ``if_none_match``
    those that must not be; with ``needs_match`` an existing resource is changed only under
    ``if_match``. ``change`` patches the current version. ``may_choose_id``: a conditional update
    that finds nothing may create its resource under the id that it holds. ``is_entry``: it is
    part of a transaction, so a ``urn:uuid`` in it has to be the name of another part. ``server``:
    our own address, by which the client may call what is stored here.
    """

    method: Literal["create", "update", "patch", "delete"]
    type: str
    id: str | None = None
    resource: Resource | None = None
    if_match: tuple[str, ...] = ()
    if_none_exist: str | None = None
    full_url: str | None = None
    if_none_match: tuple[str, ...] = ()
    criteria: Pairs | None = None
    change: Callable[[Resource], Resource] | None = None
    needs_match: bool = False
    may_choose_id: bool = False
    is_entry: bool = False
    server: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of one request: the version that now stands, and findings worth telling.

    ``stored`` is None when a conditional delete found nothing.
    """

    stored: Stored | None
    issues: tuple[Issue, ...] = ()


class RequestError(GatewayError):
    """A refusal that one of several requests is the reason of; ``position`` says which."""

    def __init__(self, cause: GatewayError, position: int) -> None:
        super().__init__(
            cause.number,
            where=cause.where,
            expression=cause.expression,
            issues=cause.issues,
            retry_after_s=cause.retry_after_s,
            **cause.details,
        )
        self.position = position


class Versions(Protocol):
    """The part of the store that planning reads."""

    def identify(
        self, shard: int, member: str, keys: Sequence[BusinessKey]
    ) -> dict[BusinessKey, str]:
        """Give the resource ids that the keys are known to name."""

    def read(self, visibility: Visibility, type_: str, id_: str) -> Stored | None:
        """Give the current version, a deleted one included, or None."""


Matches = Callable[[Visibility, str, Sequence[tuple[str, str]]], Sequence[str]]
"""(who asks, type, search parameters) → ids of at most two matches."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The drafts of all requests, and how to answer each once they are committed."""

    drafts: tuple[Draft, ...]
    targets: tuple[str | None, ...]
    standing: Mapping[str, Stored] = field(default_factory=dict)
    conditions: tuple[Criteria, ...] = ()
    is_guarded: bool = False

    def answers(self, stored: Sequence[Stored], issues: tuple[Issue, ...]) -> list[Written]:
        """Pair each request with the version that now stands, in the order asked."""
        now = dict(self.standing) | {f"{one.type}/{one.id}": one for one in stored}
        return [Written(now[target] if target else None, issues) for target in self.targets]


def plan(
    store: Versions,
    matches: Matches,
    member_of: Callable[[str], str | None],
    principal: Principal,
    requests: Sequence[Request],
) -> Plan:
    """Plan the writes of one request or transaction.

    Raises GW-7040 to GW-7048 (conditions), GW-7023 (two requests mean one resource), GW-7061 to
    GW-7063 (patches), GW-8005 (not its to change); all as ``RequestError``.
    """
    planner = _Planner(store, matches, member_of, principal)
    named: list[str | None] = []
    for position, request in enumerate(requests):
        with _blamed(position):
            named.append(planner.name(request, position))
    _demand_distinct(named)
    names = _Names(requests, named)
    drafts = []
    for position, (request, target) in enumerate(zip(requests, named, strict=True)):
        if target is not None and target not in planner.standing:
            with _blamed(position):
                drafts.append(planner.draft(request, target, names.of(request)))
    return Plan(
        tuple(drafts),
        tuple(named),
        planner.standing,
        tuple(planner.conditions),
        any(request.if_match for request in requests),
    )


@contextmanager
def _blamed(position: int) -> Iterator[None]:
    try:
        yield
    except GatewayError as error:
        raise RequestError(error, position) from error


def _demand_distinct(named: Sequence[str | None]) -> None:
    seen: dict[str, int] = {}
    for index, target in enumerate(named):
        first = seen.setdefault(target, index) if target else index
        if first != index:
            raise RequestError(GatewayError("GW-7023", first=first, second=index), index)


class _Names:
    """What the resources of a transaction are called in it, and what they are called now.

    An entry is known by its ``fullUrl``; where that is an address, entries under the same root
    also refer to each other relatively.
    """

    def __init__(self, requests: Sequence[Request], named: Sequence[str | None]) -> None:
        self.everywhere: dict[str, str] = {}
        self.below: dict[str, dict[str, str]] = {}
        for request, target in zip(requests, named, strict=True):
            if not request.full_url or target is None:
                continue
            self.everywhere[request.full_url] = target
            root, relative = _split(request.full_url)
            if root and relative != target:
                self.below.setdefault(root, {})[relative] = target

    def of(self, request: Request) -> Mapping[str, str]:
        """Give the names that hold within one request's resource."""
        root, _ = _split(request.full_url or "")
        return self.everywhere | self.below[root] if root in self.below else self.everywhere


def _split(full_url: str) -> tuple[str, str]:
    """Split ``https://host/root/Type/id`` into its root and the rest; ("", "") for a URN."""
    parts = full_url.rsplit("/", 2)
    if len(parts) < 3 or not full_url.startswith(("http://", "https://")):
        return "", ""
    return parts[0], f"{parts[1]}/{parts[2]}"


class _Planner:
    """Looks up what the requests of one principal meet in the store."""

    def __init__(
        self,
        store: Versions,
        matches: Matches,
        member_of: Callable[[str], str | None],
        principal: Principal,
    ) -> None:
        self.store, self.matches, self.member_of = store, matches, member_of
        self.principal = principal
        self.visibility = principal.visibility
        self.everything = replace(principal.visibility, sees_all=True, types=None, narrowed=())
        self.resolver = Resolver(store, principal.visibility.shard, principal.member)
        self.invented: set[str] = set()
        self.standing: dict[str, Stored] = {}
        self.conditions: list[Criteria] = []
        self.unmet: dict[tuple[str, frozenset[tuple[str, str]]], int] = {}

    def name(self, request: Request, position: int) -> str | None:
        """Decide which resource a request means; None for a deletion of nothing.

        A conditional create whose condition is met means the resource that stands.
        """
        if request.criteria is not None:
            return self._meant(request, request.criteria, position)
        if request.method != "create":
            return f"{request.type}/{request.id}"
        if request.if_none_exist:
            return self._conditional(request, request.if_none_exist, position)
        return self._invent(request.type)

    def _find(self, request: Request, pairs: Pairs, position: int) -> str | None:
        """Find the one match; the commit looks again, so that of two at once only one is made."""
        found = tuple(self.matches(self.visibility, request.type, pairs))
        if len(found) > 1:
            raise GatewayError("GW-7041", type=request.type)
        self.conditions.append(Criteria(request.type, pairs, self.visibility, found))
        if not found:
            # Two requests under one condition that nothing meets mean the same new resource.
            first = self.unmet.setdefault((request.type, frozenset(pairs)), position)
            if first != position and request.method != "delete":
                raise GatewayError("GW-7023", first=first, second=position)
        return found[0] if found else None

    def _conditional(self, request: Request, criteria: str, position: int) -> str:
        """Name the resource of a conditional create: the match, or a new one."""
        pairs = tuple(parse_qsl(criteria, keep_blank_values=True))
        found = self._find(request, pairs, position)
        if found is None:
            return self._invent(request.type)
        target = f"{request.type}/{found}"
        stored = self.store.read(self.visibility, request.type, found)
        if stored is None:
            raise GatewayError("GW-5002", what=request.type)
        self.standing[target] = replace(stored, is_created=False, is_changed=False)
        return target

    def _meant(self, request: Request, pairs: Pairs, position: int) -> str | None:
        """Name the resource of a conditional update, patch or delete.

        https://hl7.org/fhir/R4/http.html#cond-update
        """
        found = self._find(request, pairs, position)
        stated = (request.resource or {}).get("id")
        if found is not None:
            if request.method == "update" and stated not in (None, found):
                raise GatewayError("GW-7046", type=request.type, expression=f"{request.type}.id")
            return f"{request.type}/{found}"
        if request.method == "delete":
            return None
        if request.method == "patch":
            raise GatewayError("GW-7048", type=request.type)
        demand(self.principal, request.type, "create")
        if stated is None:
            return self._invent(request.type)
        stored = self.store.read(self.visibility, request.type, stated)
        if stored is None:
            demand_id(self.principal, stated, is_allowed=request.may_choose_id)
        elif not stored.is_deleted:
            raise GatewayError("GW-7047", type=request.type, expression=f"{request.type}.id")
        return f"{request.type}/{stated}"

    def _invent(self, type_: str) -> str:
        """Name a new resource; nothing can stand under such a name yet."""
        target = f"{type_}/{ordered_id(time.time_ns() // 1_000_000, secrets.token_bytes(10))}"
        self.invented.add(target)
        return target

    def draft(self, request: Request, target: str, names: Mapping[str, str]) -> Draft:
        """Make one draft against the current version; what would change nothing just stands."""
        type_, _, id_ = target.partition("/")
        is_new = target in self.invented
        stored = None if is_new else self.store.read(self.everything, type_, id_)
        version = stored.version if stored else 0
        current = stored if stored and not stored.is_deleted else None
        _demand_version(request, current, version)
        previous: Resource | None = codec.decode(current.body) if current else None
        if current is not None and previous is not None:
            self._demand_change(current, previous)
        content = _content(request, previous, stored)
        if content is not None and type_ == "Organization" and not self.visibility.sees_all:
            demand_own_code(self.store, self.visibility.shard, self.principal.member, id_, content)
        resource = (
            None if content is None else self._resolved(request, content | {"id": id_}, names)
        )
        is_same = bool(previous and resource and same_content(previous, resource))
        if current is not None:
            # It stands when nothing is written: also when a reaction takes all of the change back.
            self.standing[target] = replace(current, is_created=False, is_changed=False)
        owner = current.owner if current else self.principal.member
        return Draft(
            *(type_, id_, resource, owner, previous, version),
            is_changed=not is_same,
            is_invented=is_new,
        )

    def _demand_change(self, current: Stored, previous: Resource) -> None:
        """Only its owner changes a record; a Task also the members that it names."""
        named = organizations_named(previous)
        parties = {member for one in named if (member := self.member_of(one))}
        demand_change(self.principal, current.type, current.owner, parties)

    def _resolved(self, request: Request, resource: Resource, names: Mapping[str, str]) -> Resource:
        """Resolve links to entries, conditional references, and known identifiers.

        What was asked stays as it is: after a conflict it is planned anew, under other ids.
        """
        found: dict[str, str] = {}
        own: dict[str, str] = {}
        is_logical = False
        for where, reference in references(resource):
            text = reference.get("reference")
            is_logical |= not text
            if isinstance(text, str) and "?" in text and not text.startswith(("#", "urn:")):
                found[text] = self._matched(text, where)
            elif request.is_entry and isinstance(text, str) and _is_dangling(text, names, resource):
                raise GatewayError("GW-7064", expression=where)
            elif isinstance(text, str) and text not in names and _is_ours(text, request):
                own[text] = text.removeprefix(f"{request.server}/")
        # What stands here is found by its place here, whatever this server is called.
        resource = rewrite(resource, own) if own else resource
        resource = relink(resource, {**names, **found} if found else names)
        if not is_logical:
            return resource
        self.resolver.resolve([resource])
        return resource

    def _matched(self, text: str, where: str) -> str:
        type_, _, criteria = text.partition("?")
        found = self.matches(self.visibility, type_, parse_qsl(criteria, keep_blank_values=True))
        if len(found) != 1:
            raise GatewayError("GW-7042", type=type_[:64], found=len(found), expression=where)
        return f"{type_}/{found[0]}"


def _is_dangling(text: str, names: Mapping[str, str], resource: Resource) -> bool:
    """Say whether a reference names an entry that is not there; a Bundle has entries of its own."""
    is_name = text.startswith("urn:uuid:") and resource.get("resourceType") != "Bundle"
    return is_name and text not in names


def _is_ours(text: str, request: Request) -> bool:
    """Say whether a reference writes our own address out; a Bundle's entries are kept as sent."""
    return bool(request.server) and server_of(text) == request.server and request.type != "Bundle"


def _demand_version(request: Request, current: Stored | None, version: int) -> None:
    """Raise unless If-Match and If-None-Match hold for the newest version."""
    asked = request.if_match
    is_met = current is not None if "*" in asked else str(version) in asked
    if asked and not is_met:
        raise GatewayError("GW-7040", type=request.type, version=", ".join(asked)[:64])
    if current is None:
        return
    if "*" in request.if_none_match or str(version) in request.if_none_match:
        raise GatewayError("GW-7044", type=request.type)
    if request.needs_match and not request.if_match:
        raise GatewayError("GW-7045", type=request.type)


def _content(request: Request, previous: Resource | None, stored: Stored | None) -> Resource | None:
    """Give the content that shall stand; None for a deletion. Raises GW-7002, GW-7003, GW-7063."""
    if request.method == "delete":
        return None
    if request.change is None:
        return request.resource
    if previous is None:
        raise GatewayError("GW-7003" if stored else "GW-7002", type=request.type)
    patched = request.change(previous)
    for element in ("resourceType", "id"):
        if patched.get(element) != previous[element]:
            raise GatewayError("GW-7063", expression=f"{request.type}.{element}")
    return patched
