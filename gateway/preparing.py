"""From drafts to one commit: validate, let the domain react, validate what it added, index.

Nothing is written here. Everything that one record or request changes ends up in one ``Commit``,
with the version that each resource was made from, so that a write in between is noticed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from gateway.access import classify, organizations_named
from gateway.errors import GatewayError
from gateway.fhir.merge import same_content
from gateway.fhir.search_index import Indexer
from gateway.join import Draft
from gateway.overlay import Overlay, StoredReading
from gateway.records import (
    Change,
    Commit,
    Event,
    Exclusion,
    Issue,
    MapContext,
    Notice,
    Reaction,
    Reactor,
    Relation,
    Resource,
    ShardChecks,
)

ROUNDS = 6
HISTORICAL = "historical"
"""The option of a channel whose records are loaded back: they move nobody to act."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A commit ready to be written, and the findings that do not refuse it."""

    commit: Commit
    drafts: tuple[Draft, ...]
    issues: tuple[Issue, ...]


class Known(Protocol):
    """What is stored, as this write will leave it."""

    def read(self, type_: str, id_: str) -> Resource | None:
        """Give a resource."""


@dataclass(slots=True)
class _Gathered:
    """What the reactions of one write add up to."""

    relations: dict[tuple[str, str, str | None, str], Relation]
    ended: set[str]
    notices: dict[str, Notice]
    issues: list[Issue]
    exclusions: dict[Exclusion, None]


class Watching(Protocol):
    """Who waits for what (``gateway.subscriptions``)."""

    def notices(
        self, shard: int, changes: Sequence[Change], previous: Mapping[str, Resource | None]
    ) -> Sequence[Notice]:
        """Give the notices of a write, asking nothing of the store for any one of them."""

    def copies(self, shard: int, notices: Iterable[Notice]) -> Sequence[Notice]:
        """Give the notices that also go out in a member's own format."""

    def committed(self, shard: int, types: Iterable[str]) -> None:
        """Learn that resources of these types were written."""


class Preparer:
    """Holds the compiled validator, indexer and reactions."""

    def __init__(
        self,
        validator: ShardChecks,
        indexer: Indexer,
        reactors: Sequence[Reactor],
        secret: bytes,
        watching: Watching | None = None,
    ) -> None:
        """Take the compiled parts; ``secret`` names persons by keyed hashes."""
        self.watching = watching
        self.validator, self.indexer = validator, indexer
        self.reactors, self.secret = tuple(reactors), secret

    def prepare(
        self,
        shard: int,
        drafts: Sequence[Draft],
        reading: StoredReading,
        context: MapContext,
        *,
        enforce: bool = True,
    ) -> Prepared:
        """Make the commit of the drafts; raise GW-4801 with all findings when one is invalid."""
        issues = self._checked(shard, drafts, enforce)
        overlay = Overlay(reading, self.indexer, self.secret)
        overlay.lay(drafts)
        gathered = self._react(drafts, overlay, context)
        asked = {id(draft) for draft in drafts}
        added = [draft for draft in overlay.drafts.values() if id(draft) not in asked]
        issues += self._checked(shard, added, enforce=True) + gathered.issues
        changes = tuple(
            self._change(draft, overlay) for draft in overlay.drafts.values() if draft.is_changed
        )
        notices = _of_versions(gathered.notices.values(), changes)
        if self.watching is not None and not context.options.get(HISTORICAL):
            previous = {draft.reference: draft.previous for draft in overlay.drafts.values()}
            notices += self.watching.copies(shard, notices)
            notices += self.watching.notices(shard, changes, previous)
        commit = Commit(
            shard,
            changes,
            tuple(gathered.relations.values()),
            tuple(sorted(gathered.ended | _gone(overlay.drafts.values()))),
            tuple(notices),
            tuple(gathered.exclusions),
        )
        return Prepared(commit, tuple(overlay.drafts.values()), tuple(issues))

    def committed(self, commit: Commit) -> None:
        """Let definitions that were just written take effect."""
        types = {change.type for change in commit.changes}
        self.validator.committed(commit.shard, types)
        if self.watching is not None:
            self.watching.committed(commit.shard, types)

    def _checked(self, shard: int, drafts: Iterable[Draft], enforce: bool) -> list[Issue]:
        """Validate; errors refuse the whole write unless the channel only warns."""
        found: list[Issue] = []
        validator = self.validator.of(shard)
        for draft in drafts:
            if draft.resource is not None and draft.is_changed:
                found += validator.check(draft.resource, draft.profiles)
        errors = [one for one in found if one.severity in {"error", "fatal"}]
        if errors and enforce:
            raise GatewayError("GW-4801", issues=tuple(found), count=len(errors))
        return [
            replace(one, severity="warning") if one.severity in {"error", "fatal"} else one
            for one in found
        ]

    def _react(self, drafts: Sequence[Draft], overlay: Overlay, context: MapContext) -> _Gathered:
        """Let the domain react, also to what reactions add, until nothing new comes."""
        gathered = _Gathered({}, set(), {}, [], {})
        waiting = [draft for draft in drafts if draft.is_changed]
        for _ in range(ROUNDS):
            if not waiting:
                return gathered
            before = dict(overlay.drafts)
            events = _events(waiting, overlay, context)
            for reactor in self.reactors:
                reaction = reactor(events, overlay, context)
                if context.options.get(HISTORICAL):
                    reaction = silenced(reaction, overlay)
                self._gather(gathered, reaction.relations, reaction.notices)
                gathered.ended |= set(reaction.ended_relations)
                gathered.issues += reaction.issues
                gathered.exclusions |= dict.fromkeys(reaction.exclusions)
                if reaction.resources:
                    overlay.lay(
                        _reacted(owner, resource, overlay) for owner, resource in reaction.resources
                    )
                    events = _events(waiting, overlay, context)
            waiting = [
                draft
                for reference, draft in overlay.drafts.items()
                if draft.is_changed and before.get(reference) is not draft
            ]
        raise GatewayError("GW-4802", rounds=ROUNDS)

    @staticmethod
    def _gather(
        gathered: _Gathered, relations: Iterable[Relation], notices: Iterable[Notice]
    ) -> None:
        for relation in relations:
            key = (relation.person, relation.member, relation.owner, relation.reason)
            gathered.relations[key] = relation
        for notice in notices:
            gathered.notices[notice.idempotency_key] = notice

    def _change(self, draft: Draft, overlay: Overlay) -> Change:
        resource = draft.resource
        if resource is None:
            return Change(
                draft.type, draft.id, None, (), draft.owner, None, 0,
                expected_version=draft.version, event_utc=draft.event_utc, is_deletion=True,
            )  # fmt: skip
        named = (overlay.member_of(organization) for organization in organizations_named(resource))
        return Change(
            draft.type,
            draft.id,
            resource,
            overlay.rows(resource),
            draft.owner,
            overlay.person_of_draft(draft),
            classify(resource),
            tuple(sorted({member for member in named if member} - {draft.owner})),
            draft.version,
            draft.event_utc,
            draft.keys,
            source=draft.source,
        )


def silenced(reaction: Reaction, known: Known) -> Reaction:
    """Leave what moves nobody to act: no notices, no new order or task; rights stay."""
    quiet = tuple(
        (owner, resource)
        for owner, resource in reaction.resources
        if resource["resourceType"] not in {"ServiceRequest", "Task"}
        or known.read(resource["resourceType"], resource["id"]) is not None
    )
    return replace(reaction, resources=quiet, notices=())


def _of_versions(notices: Iterable[Notice], changes: Iterable[Change]) -> list[Notice]:
    """Name each notice by the version that it tells of: what happens anew is told anew."""
    versions = {
        f"{change.type}/{change.id}": change.expected_version + 1
        for change in changes
        if change.expected_version is not None
    }
    return [
        replace(notice, idempotency_key=f"{notice.idempotency_key}/{versions[notice.focus]}")
        if notice.focus in versions
        else notice
        for notice in notices
    ]


def _gone(drafts: Iterable[Draft]) -> set[str]:
    """Name what is deleted: the rights that rest on it end."""
    return {draft.reference for draft in drafts if draft.resource is None}


def _events(waiting: Iterable[Draft], overlay: Overlay, context: MapContext) -> list[Event]:
    """Tell what is new, in the form that it has by now; deletions make no events."""
    newest = [overlay.drafts[draft.reference] for draft in waiting if draft.resource is not None]
    return [
        Event(
            draft.resource,
            draft.previous,
            draft.owner,
            overlay.person_of_draft(draft),
            context.received_utc,
        )
        for draft in newest
        if draft.resource is not None
    ]


def _reacted(owner: str, resource: Resource, overlay: Overlay) -> Draft:
    """Make the draft of a resource that a reaction gives."""
    type_, id_ = resource["resourceType"], resource["id"]
    there = overlay.drafts.get(f"{type_}/{id_}")
    if there is not None and there.resource is not None:
        if same_content(there.resource, resource):
            return there
        is_changed = there.previous is None or not same_content(there.previous, resource)
        return replace(there, resource=resource, is_changed=is_changed, is_stale=False)
    previous = overlay.stored.read(type_, id_)
    return Draft(
        type_,
        id_,
        resource,
        owner if previous is None else overlay.stored.owner_of(type_, id_) or owner,
        previous,
        overlay.version_of(type_, id_),
        is_changed=previous is None or not same_content(previous, resource),
    )
