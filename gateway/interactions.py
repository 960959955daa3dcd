"""What FHIR clients ask to be written, turned into drafts against the current versions.

Ids of new resources are chosen here, references between the entries of a transaction resolved,
conditions looked up, and rights to change an existing record checked. Nothing is written.
https://hl7.org/fhir/R4/http.html#transaction
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol
from urllib.parse import parse_qsl
from uuid import uuid4

from gateway.access import demand_change, organizations_named
from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.fhir.merge import same_content
from gateway.fhir.references import references
from gateway.join import Draft, Resolver
from gateway.records import (
    BusinessKey,
    Criteria,
    Issue,
    Principal,
    Resource,
    Stored,
    Visibility,
)


@dataclass(frozen=True, slots=True)
class Request:
    """One write that a client asks for; ``if_match`` is the version that must be current."""

    method: Literal["create", "update", "delete"]
    type: str
    id: str | None = None
    resource: Resource | None = None
    if_match: int | None = None
    if_none_exist: str | None = None
    full_url: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What became of one request: the version that now stands, and findings worth telling."""

    stored: Stored
    issues: tuple[Issue, ...] = ()


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
    targets: tuple[str, ...]
    standing: Mapping[str, Stored] = field(default_factory=dict)
    conditions: tuple[Criteria, ...] = ()
    is_guarded: bool = False

    def answers(self, stored: Sequence[Stored], issues: tuple[Issue, ...]) -> list[Written]:
        """Pair each request with the version that now stands, in the order asked."""
        now = dict(self.standing) | {f"{one.type}/{one.id}": one for one in stored}
        return [Written(now[target], issues) for target in self.targets]


def plan(
    store: Versions,
    matches: Matches,
    member_of: Callable[[str], str | None],
    principal: Principal,
    requests: Sequence[Request],
) -> Plan:
    """Plan the writes of one request or transaction.

    Raises GW-7040 (If-Match), GW-7041 (a condition matches several), GW-7042 (a conditional
    reference), GW-7023 (two entries mean one resource), GW-8005 (not its to change).
    """
    planner = _Planner(store, matches, member_of, principal)
    named = [planner.name(request) for request in requests]
    _demand_distinct(named)
    renames = {
        request.full_url: target
        for request, target in zip(requests, named, strict=True)
        if request.full_url
    }
    drafts = []
    for request, target in zip(requests, named, strict=True):
        if target not in planner.standing:
            drafts.append(planner.draft(request, target, renames))
    return Plan(
        tuple(drafts),
        tuple(named),
        planner.standing,
        tuple(planner.conditions),
        any(request.if_match is not None for request in requests),
    )


def _demand_distinct(named: Sequence[str]) -> None:
    seen: dict[str, int] = {}
    for index, target in enumerate(named):
        first = seen.setdefault(target, index)
        if first != index:
            raise GatewayError("GW-7023", first=first, second=index)


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
        self.everything = replace(principal.visibility, sees_all=True)
        self.standing: dict[str, Stored] = {}
        self.conditions: list[Criteria] = []

    def name(self, request: Request) -> str:
        """Decide which resource a request means; a met condition means the one that stands."""
        if request.method != "create":
            return f"{request.type}/{request.id}"
        if request.if_none_exist:
            return self._conditional(request, request.if_none_exist)
        return f"{request.type}/{uuid4()}"

    def _conditional(self, request: Request, criteria: str) -> str:
        """Find the one match; the commit looks again, so that of two at once only one is made."""
        pairs = tuple(parse_qsl(criteria, keep_blank_values=True))
        found = tuple(self.matches(self.visibility, request.type, pairs))
        if len(found) > 1:
            raise GatewayError("GW-7041", type=request.type)
        self.conditions.append(Criteria(request.type, pairs, self.visibility, found))
        if not found:
            return f"{request.type}/{uuid4()}"
        target = f"{request.type}/{found[0]}"
        stored = self.store.read(self.visibility, request.type, found[0])
        if stored is None:
            raise GatewayError("GW-5002", what=request.type)
        self.standing[target] = replace(stored, is_created=False, is_changed=False)
        return target

    def draft(self, request: Request, target: str, renames: Mapping[str, str]) -> Draft:
        """Make one draft against the current version; what would change nothing just stands."""
        type_, _, id_ = target.partition("/")
        stored = self.store.read(self.everything, type_, id_)
        version = stored.version if stored else 0
        if request.if_match is not None and request.if_match != version:
            raise GatewayError("GW-7040", type=type_, version=request.if_match)
        current = stored if stored and not stored.is_deleted else None
        previous: Resource | None = codec.decode(current.body) if current else None
        if current is not None and previous is not None:
            self._demand_change(current, previous)
        resource = None
        if request.method != "delete" and request.resource is not None:
            resource = self._resolved(request.resource | {"id": id_}, renames)
        is_same = bool(previous and resource and same_content(previous, resource))
        if current is not None and is_same:
            self.standing[target] = replace(current, is_created=False, is_changed=False)
        owner = current.owner if current else self.principal.member
        return Draft(type_, id_, resource, owner, previous, version, is_changed=not is_same)

    def _demand_change(self, current: Stored, previous: Resource) -> None:
        """Only its owner changes a record; a Task also the members that it names."""
        named = organizations_named(previous)
        parties = {member for one in named if (member := self.member_of(one))}
        demand_change(self.principal, current.type, current.owner, parties)

    def _resolved(self, resource: Resource, renames: Mapping[str, str]) -> Resource:
        """Resolve references to entries, conditional references, and known identifiers."""
        for where, reference in references(resource):
            text = reference.get("reference")
            if not isinstance(text, str):
                continue
            if text in renames:
                reference["reference"] = renames[text]
            elif "?" in text and not text.startswith(("#", "urn:")):
                reference["reference"] = self._matched(text, where)
        resolve = Resolver(self.store, self.visibility.shard, self.principal.member)
        resolve.learn([resource])
        return resolve(resource)

    def _matched(self, text: str, where: str) -> str:
        type_, _, criteria = text.partition("?")
        found = self.matches(self.visibility, type_, parse_qsl(criteria, keep_blank_values=True))
        if len(found) != 1:
            raise GatewayError("GW-7042", type=type_[:64], found=len(found), expression=where)
        return f"{type_}/{found[0]}"
