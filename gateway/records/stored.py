"""STORE: versions, their index and owners, and who may see them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from gateway.records.audited import Seen
from gateway.records.mapped import BusinessKey
from gateway.records.plain import Issue, Resource

SENSITIVE = 64
"""In a version's classes: seen by others only through what opens this explicitly."""
OVERRIDE = 128
"""In a relation's classes: no exclusion holds against it (break-glass)."""


class IndexRow(NamedTuple):
    """One search index row of a resource, by kind of parameter.

    ``parameter`` is ``Type.code``. Columns by kind — token: (system, code) and text; string:
    normalised text; date: (low, high) as UTC microseconds; number: (low, high) Decimal;
    quantity: (low, high, system, code); reference: (target type, target id, canonical or
    identifier ``system|value``); uri: text; text: every term of a running text; position: latitude
    and longitude in degrees; composite: component rows share ``group``.
    """

    kind: Literal[
        "token", "string", "date", "number", "quantity", "reference", "uri", "text", "position"
    ]
    parameter: str
    values: tuple[Any, ...]
    group: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """One version to write, complete: body, index, ownership and what it must not overwrite.

    ``expected_version``: None = do not care, 0 = must not exist, n = current must be n (else
    GW-5001). ``owner`` is the member whose record it is; ``person`` the HMAC of the person it is
    about; ``classes`` the access classes as a bit set (``gateway.access``); ``parties`` the members
    named in it. ``event_utc`` the source's event time. ``body`` is encoded without meta.versionId
    and meta.lastUpdated, which the store writes in.
    """

    type: str
    id: str
    resource: Resource | None
    index: tuple[IndexRow, ...]
    owner: str
    person: str | None
    classes: int
    parties: tuple[str, ...] = ()
    expected_version: int | None = None
    event_utc: datetime | None = None
    keys: tuple[BusinessKey, ...] = ()
    is_deletion: bool = False
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """A member's right to see a person's records of some classes, of one owner or of all.

    ``member`` empty: every member's.
    """

    person: str
    member: str
    owner: str | None
    classes: int
    reason: str
    since_utc: datetime
    until_utc: datetime | None = None


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A person's records of some classes are closed to a member, or to all (None).

    ``owner`` None: the records of every member. ``is_exempt``: the member is taken out of what
    the same ``reason`` closes.
    """

    person: str
    member: str | None
    owner: str | None
    classes: int
    reason: str
    since_utc: datetime
    until_utc: datetime | None = None
    is_exempt: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """One outgoing notice (an outbox row): to whom, about what, in which order.

    ``stream`` orders notices for one recipient (a referral's id); ``idempotency_key`` is the same
    for every attempt.
    """

    recipient: str
    topic: str
    focus: str
    stream: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class Criteria:
    """What a conditional write found: its search must still find the same when it is committed.

    ``criteria`` are the decoded name and value pairs; ``found`` the ids. Writes under equal
    criteria take turns, so two conditional creates make one resource.
    """

    type: str
    criteria: tuple[tuple[str, str], ...]
    visibility: "Visibility"
    found: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Commit:
    """Everything one record or request changes: it happens whole or not at all.

    ``ended_relations`` are reasons: relations and exclusions of these end, before new ones begin.
    ``ends_message``: ``record`` is the only one of its message, which ends with it.
    """

    shard: int
    changes: tuple[Change, ...]
    relations: tuple[Relation, ...] = ()
    ended_relations: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    record: "RecordResult | None" = None
    conditions: tuple[Criteria, ...] = ()
    ends_message: bool = False


@dataclass(frozen=True, slots=True)
class RecordResult:
    """How one record of a message ended, for the journal."""

    message_id: str
    ordinal: int
    status: Literal["stored", "unchanged", "stale", "parked", "corrected"]
    stage: str | None = None
    error: str | None = None
    text_zh: str | None = None
    text_en: str | None = None
    place: str | None = None
    kind: str | None = None
    event_utc: datetime | None = None
    mapping: str | None = None
    mapping_hash: str | None = None
    keys: tuple[tuple[str, str], ...] = ()
    resources: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    lineage: bytes | None = None
    warnings: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class Stored:
    """One version as it stands in the store."""

    shard: int
    type: str
    id: str
    version: int
    updated_utc: datetime
    body: bytes
    owner: str
    person: str | None
    event_utc: datetime | None = None
    source: str | None = None
    is_deleted: bool = False
    is_created: bool = False
    is_changed: bool = True


Pairs = tuple[tuple[str, str], ...]
"""Search parameters by name and value."""


@dataclass(frozen=True, slots=True)
class Visibility:
    """Who asks, as the predicate that the store puts into every query (design: decided once).

    A row is visible when the member wrote it, when its classes meet ``classes`` (seen without any
    relation), when the member is a party of it, or through a live relation to its person.
    ``sees_all`` is for the operator's own tools and the pipeline. Of a type in ``narrowed`` only
    what one of its lists of search parameters finds is seen. ``seen`` gathers what is told to the
    asker, for the audit trail.
    """

    shard: int
    member: str
    classes: int = 0
    sees_all: bool = False
    types: frozenset[str] | None = None
    narrowed: tuple[tuple[str, tuple[Pairs, ...]], ...] = ()
    seen: Seen | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated client: who, for which member, with which scopes."""

    client: str
    member: str
    roles: frozenset[str]
    scopes: tuple[str, ...]
    visibility: Visibility
