"""Join what one record tells with what the store holds already: identity, references, merging.

A business key that was ever stored names its resource, so a record that knows only a visit's
insurance number meets the visit that another system told by its inpatient number. Nothing here
writes: the outcome is a list of drafts with the version that each was made from.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import msgspec

from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.fhir.merge import merge, same_content
from gateway.fhir.references import references, rewrite
from gateway.fhir.systems import CREDIT_CODE, ORGANIZATION_CODE
from gateway.records import BusinessKey, Contribution, Resource, Stored

Identify = Callable[[int, str, Sequence[BusinessKey]], dict[BusinessKey, str]]


class Names(Protocol):
    """The part of the store that knows business keys."""

    def identify(
        self, shard: int, member: str, keys: Sequence[BusinessKey]
    ) -> dict[BusinessKey, str]:
        """Give the resource ids that the keys are known to name."""


class Versions(Names, Protocol):
    """The part of the store that joining reads."""

    def newest(self, shard: int, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Stored]:
        """Give the newest versions of (type, id), deletions included."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One resource about to be written, and the version it was made from.

    ``resource`` None means deletion. ``source`` is the message it came by: ids of messages sort by
    the time of receiving. ``is_stale``: a newer record stands already and nothing of
    this one was taken over. ``is_invented``: its id was made for this write, so nothing stored can
    refer to it.
    """

    type: str
    id: str
    resource: Resource | None
    owner: str
    previous: Resource | None
    version: int
    keys: tuple[BusinessKey, ...] = ()
    event_utc: datetime | None = None
    source: str | None = None
    is_changed: bool = True
    is_stale: bool = False
    profiles: tuple[str, ...] = ()
    is_invented: bool = False

    @property
    def reference(self) -> str:
        """The literal reference of the resource."""
        return f"{self.type}/{self.id}"


def join(
    store: Versions,
    shard: int,
    member: str,
    contributions: Sequence[Contribution],
    event_utc: datetime,
    source: str | None = None,
) -> list[Draft]:
    """Turn the contributions of one record into drafts against the current versions."""
    known = store.identify(shard, member, [key for c in contributions for key in c.keys])
    names = {id(c): _name(c, known) for c in contributions}
    renames = {
        f"{c.resource['resourceType']}/{c.resource['id']}": (
            f"{c.resource['resourceType']}/{names[id(c)]}"
        )
        for c in contributions
        if names[id(c)] != c.resource["id"]
    }
    drafts: dict[str, Draft] = {}
    resources = [
        rewrite(c.resource | {"id": names[id(c)]}, renames) if renames else c.resource
        for c in contributions
    ]
    Resolver(store, shard, member).resolve(resources)
    standing = store.newest(shard, [(one["resourceType"], one["id"]) for one in resources])
    for contribution, resource in zip(contributions, resources, strict=True):
        keys = _own(contribution, known, resource["id"])
        stored = standing.get((resource["resourceType"], resource["id"]))
        told = msgspec.structs.replace(contribution, resource=resource, keys=keys)
        draft = _draft(stored, member, told, (event_utc, source))
        drafts[draft.reference] = _together(drafts.get(draft.reference), draft)
    return list(drafts.values())


def _name(contribution: Contribution, known: dict[BusinessKey, str]) -> str:
    """The id that the record's keys are known by, else the one its naming key makes."""
    for key in contribution.keys:
        if key in known:
            return known[key]
    name: str = contribution.resource["id"]
    return name


def _own(
    contribution: Contribution, known: dict[BusinessKey, str], id_: str
) -> tuple[BusinessKey, ...]:
    """The keys that may be registered: those that name no other resource."""
    return tuple(key for key in contribution.keys if known.get(key, id_) == id_)


def _draft(
    stored: Stored | None,
    member: str,
    contribution: Contribution,
    told: tuple[datetime, str | None],
) -> Draft:
    resource = contribution.resource
    fresh = Draft(
        resource["resourceType"],
        resource["id"],
        resource,
        member,
        None,
        stored.version if stored else 0,
        contribution.keys,
        *told,
    )
    if stored is None or stored.is_deleted:
        # What only stands in until somebody tells more is of no time: an older record that knows
        # of the thing itself still replaces it.
        is_stand_in = contribution.write == "once"
        return replace(fresh, event_utc=None, source=None) if is_stand_in else fresh
    current: Resource = codec.decode(stored.body)
    return _against(fresh, current, stored, contribution)


def _against(fresh: Draft, current: Resource, stored: Stored, told: Contribution) -> Draft:
    """Apply the record to the current version: newer replaces, older only fills in (rule 9)."""
    assert fresh.resource is not None  # noqa: S101 - a contribution always has a resource.
    is_older = _is_older(fresh, stored)
    if told.write == "merge":
        joined = merge(current, fresh.resource, is_older, told.cleared)
    elif told.write == "once" or is_older:
        joined = current
    else:
        joined = fresh.resource
    is_changed = not same_content(joined, current)
    return replace(
        fresh,
        resource=joined,
        owner=stored.owner,
        previous=current,
        event_utc=stored.event_utc if is_older else fresh.event_utc,
        source=stored.source if is_older else fresh.source,
        is_changed=is_changed,
        is_stale=is_older and not is_changed,
    )


def _is_older(fresh: Draft, stored: Stored) -> bool:
    """Say whether a newer record stands: of two that tell of one time, the later received."""
    if stored.event_utc is None or fresh.event_utc is None:
        return False
    if stored.event_utc != fresh.event_utc or stored.source is None or fresh.source is None:
        return fresh.event_utc < stored.event_utc
    return fresh.source < stored.source


def _together(first: Draft | None, second: Draft) -> Draft:
    """Unite two contributions of one record that turn out to mean one resource."""
    if first is None or first.resource is None or second.resource is None:
        return second
    return replace(
        second,
        resource=merge(first.resource, second.resource, fill_only=False),
        keys=(*first.keys, *(key for key in second.keys if key not in first.keys)),
        is_changed=first.is_changed or second.is_changed,
        is_stale=first.is_stale and second.is_stale,
    )


class Resolver:
    """Turns logical references whose identifier the store knows into literal ones."""

    def __init__(self, store: Names, shard: int, member: str) -> None:
        """Resolve within one shard, for the records of one member."""
        self.store, self.shard, self.member = store, shard, member
        self._known: dict[BusinessKey, str] = {}
        self._asked: set[BusinessKey] = set()

    def resolve(self, resources: Iterable[Resource]) -> None:
        """Make the logical references of resources literal where they are known, in place.

        All of them are looked up in one question, none of them twice.
        """
        logical = [
            (reference, keys)
            for resource in resources
            for _, reference in references(resource)
            if (keys := _keys(reference))
        ]
        asked = {key for _, keys in logical for key in keys} - self._asked
        if asked:
            ordered = sorted(asked, key=lambda key: (key.type, key.system, key.value))
            self._known |= self.store.identify(self.shard, self.member, ordered)
            self._asked |= asked
        for reference, keys in logical:
            for key in keys:
                if key in self._known:
                    reference["reference"] = f"{key.type}/{self._known[key]}"
                    break


def _keys(reference: Resource) -> tuple[BusinessKey, ...]:
    """The keys a logical reference may mean: the member's own resource, or the directory's."""
    identifier = reference.get("identifier") or {}
    type_, system, value = reference.get("type"), identifier.get("system"), identifier.get("value")
    if reference.get("reference") or not (type_ and system and value):
        return ()
    return (
        BusinessKey(type_, system, value),
        BusinessKey(type_, system, value, is_shared=True),
    )


def demand_own_code(
    store: Names, shard: int, member: str, id_: str, organization: Resource
) -> None:
    """Raise GW-8025 where the directory has an Organization's code under another entry."""
    type_, listed = "Organization", organization.get("identifier")
    keys = [
        BusinessKey(type_, one["system"], str(one.get("value")).upper(), is_shared=True)
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, dict) and one.get("system") in {CREDIT_CODE, ORGANIZATION_CODE}
    ]
    found = store.identify(shard, member, keys)
    if any(known != id_ for known in found.values()):
        raise GatewayError("GW-8025", expression="Organization.identifier")
