"""The values that pass between the stages, and the Protocols through which siblings meet.

RECEIVE → PARSE → MAP → VALIDATE → STORE → ROUTE: Envelope → Parsed → Mapped → Checked →
Stored → Delivery. Everything here is data; nothing does I/O. A FHIR resource is a plain ``dict``
whose decimals are ``Decimal`` and whose key order is kept (``gateway.fhir.codec``).
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

Json = Any
Resource = dict[str, Any]
Severity = Literal["fatal", "error", "warning", "information"]
Format = Literal["hl7v2", "xml", "json", "rows", "fhir"]


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where a value stands in its source; lines and columns count from 1.

    A Struct, since a record makes hundreds of them and the coverage report compares them all.
    """

    path: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """Read as an engineer would say it: ``PID-7 (line 2)``."""
        if self.line is None:
            return self.path
        spot = f"line {self.line}" + (f", column {self.column}" if self.column else "")
        return f"{self.path} ({spot})" if self.path else spot


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding about a record or resource; texts never hold a patient's value."""

    severity: Severity
    code: str
    number: str
    text_zh: str
    text_en: str
    expression: str | None = None
    place: Place | None = None


# ---------------------------------------------------------------- RECEIVE


@dataclass(frozen=True, slots=True)
class Channel:
    """How one member's system sends one kind of record (a row of the store).

    ``mappings`` are ids of mappings tried in order of their ``source`` selectors. ``charset`` is a
    Python codec name, ``detect`` or None (then the format's own declaration rules). ``options``
    are the reader's: delimiter, header synonyms, child tables, MLLP port.
    """

    id: str
    shard: int
    member: str
    format: Format
    mappings: tuple[str, ...]
    charset: str | None = None
    zone: str | None = None
    policy: Literal["enforce", "warn"] = "enforce"
    options: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Envelope:
    """One received message whose raw bytes are durable in the journal."""

    message_id: str
    channel: Channel
    raw: bytes
    received_utc: datetime
    peer: str | None = None
    is_duplicate: bool = False


# ---------------------------------------------------------------- PARSE


@runtime_checkable
class Node(Protocol):
    """A value or group of a parsed source: its text, its place, nothing else."""

    @property
    def text(self) -> str | None:
        """Text as the mapping sees it: decoded, NFKC, trimmed; None when empty or absent."""

    @property
    def raw_text(self) -> str | None:
        """Text as it stood in the source after decoding."""

    @property
    def place(self) -> Place:
        """Where it stands."""


Selector = Callable[[Node, Node], Sequence[Node]]
"""A compiled source path: (anchor, root of the record) → nodes in source order."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """One record of a message as a tree that keeps every value's place.

    ``kind`` is what the mapping's ``source.messages`` selects on: ``ORU^R01``, ``C0053``,
    ``2304``, a table name. ``leaves`` yields every non-empty value for the coverage report;
    ``unread``, where a format has it, answers faster which of their places are neither in a set of
    places nor within the nodes given.
    """

    format: Format
    kind: str
    root: Node
    charset: str
    leaves: Callable[[], Iterator[Node]]
    ordinal: int = 0
    control_id: str | None = None
    issues: tuple[Issue, ...] = ()
    unread: Callable[[Set[Place], Sequence[Node]], list[Place]] | None = None


class PathDialect(Protocol):
    """Compiles the paths of one format; ``gateway.formats`` gives one per format."""

    format: Format

    def compile(self, path: str, prefixes: Mapping[str, str]) -> Selector:
        """Compile a path; raise ``PathError`` with the column and a hint when it cannot be."""


class PathError(ValueError):
    """A source path that does not parse: ``column`` counts from 1 within the path."""

    def __init__(self, text: str, column: int = 1) -> None:
        super().__init__(text)
        self.column = column


class Reader(Protocol):
    """Reads one format: raw bytes of a message become its records, lazily."""

    format: Format

    def read(self, envelope: Envelope) -> Iterable[Parsed]:
        """Yield the records in source order; raise GatewayError GW-2xxx with a place."""


# ---------------------------------------------------------------- MAP

LineageKind = Literal[
    "copied", "translated", "constant", "profile-fixed", "generated", "derived", "default"
]


class Lineage(msgspec.Struct, frozen=True, gc=False):
    """Where one leaf of the output came from; ``pointer`` is a JSON pointer into the bundle."""

    pointer: str
    kind: LineageKind
    sources: tuple[Place, ...]
    rule: str
    code_row: str | None = None


@dataclass(frozen=True, slots=True)
class BusinessKey:
    """A business identifier that names a resource within its member (or, ``shared``, for all)."""

    type: str
    system: str
    value: str
    is_shared: bool = False


@dataclass(frozen=True, slots=True)
class Contribution:
    """One resource as one record tells it.

    ``keys``: every business key present, the naming one first. ``write``: ``replace`` states the
    whole resource, ``merge`` only the elements it holds (an Encounter is told by ADT, by CDA and
    by the insurance messages), ``once`` writes only when nothing is stored.
    """

    resource: Resource
    keys: tuple[BusinessKey, ...]
    write: Literal["replace", "merge", "once"] = "replace"


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a mapping made of one record."""

    contributions: tuple[Contribution, ...]
    mapping: str
    mapping_hash: str
    event_time: str | None
    lineage: tuple[Lineage, ...] = ()
    unread: tuple[Place, ...] = ()
    issues: tuple[Issue, ...] = ()
    profile: str | None = None

    def bundle(self) -> Resource:
        """The contributions as a FHIR transaction Bundle of updates."""
        entries = [
            {
                "fullUrl": f"urn:uuid:{c.resource['id']}",
                "resource": c.resource,
                "request": {
                    "method": "PUT",
                    "url": f"{c.resource['resourceType']}/{c.resource['id']}",
                },
            }
            for c in self.contributions
        ]
        return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


class Program(Protocol):
    """A compiled mapping (``gateway.mapping``)."""

    id: str
    hash: str
    format: Format

    def accepts(self, parsed: Parsed) -> bool:
        """Say whether the mapping's source selector matches the record."""

    def run(self, parsed: Parsed, context: "MapContext") -> Mapped:
        """Map one record; raise GatewayError GW-3xxx with source place and rule line."""


@dataclass(frozen=True, slots=True)
class MapContext:
    """What a mapping may know besides the record: whose it is and how ids are made."""

    member: str
    zone: str | None
    received_utc: datetime
    id_for: Callable[[BusinessKey], str]
    options: Mapping[str, Json] = field(default_factory=dict)


# ---------------------------------------------------------------- VALIDATE


class Checks(Protocol):
    """A compiled validator (``gateway.validation``)."""

    def check(self, resource: Resource, profiles: Sequence[str] = ()) -> list[Issue]:
        """Check one resource (a Bundle with all its entries) against R4 and the profiles."""


class ShardChecks(Checks, Protocol):
    """Validators that know what each shard has stored (``gateway.validation.shards``)."""

    def of(self, shard: int) -> Checks:
        """Give the validator of a shard."""

    def committed(self, shard: int, types: Iterable[str]) -> None:
        """Learn that resources of these types were written or deleted in a shard."""


class CodeSets(Protocol):
    """The loaded terminology, as ``:in`` ``:not-in`` ``:above`` ``:below`` of a search ask it."""

    def members(self, value_set: str) -> Mapping[str, Collection[str]] | None:
        """Give a value set's codes by system; None when not loaded or not to be listed."""

    def related(
        self, system: str, code: str, direction: Literal["above", "below"]
    ) -> Collection[str] | None:
        """Give a code and its ancestors or descendants; None when the system is not loaded."""


# ---------------------------------------------------------------- STORE


@dataclass(frozen=True, slots=True)
class IndexRow:
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
    """A member's right to see a person's records of some classes, of one owner or of all."""

    person: str
    member: str
    owner: str | None
    classes: int
    reason: str
    since_utc: datetime
    until_utc: datetime | None = None


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
    """Everything one record or request changes: it happens whole or not at all."""

    shard: int
    changes: tuple[Change, ...]
    relations: tuple[Relation, ...] = ()
    ended_relations: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()
    record: "RecordResult | None" = None
    conditions: tuple[Criteria, ...] = ()


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
    is_deleted: bool = False
    is_created: bool = False
    is_changed: bool = True


@dataclass(frozen=True, slots=True)
class Visibility:
    """Who asks, as the predicate that the store puts into every query (design: decided once).

    A row is visible when the member wrote it, when its classes meet ``classes`` (seen without any
    relation), when the member is a party of it, or through a live relation to its person.
    ``sees_all`` is for the operator's own tools and the pipeline.
    """

    shard: int
    member: str
    classes: int = 0
    sees_all: bool = False
    types: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated client: who, for which member, with which scopes."""

    client: str
    member: str
    roles: frozenset[str]
    scopes: tuple[str, ...]
    visibility: Visibility


class Reading(Protocol):
    """What reactions may ask of the store within their shard (current versions only)."""

    def read(self, type_: str, id_: str) -> Resource | None:
        """Give the current version or None."""

    def find(self, type_: str, **parameters: str) -> list[Resource]:
        """Search by exact parameter values, as the FHIR search would (underscores for dashes)."""

    def person_of(self, type_: str, id_: str) -> str | None:
        """Give the person that a stored resource is about."""

    def member_of(self, organization: str) -> str | None:
        """Give the member whose directory entry is ``Organization/<id>``."""

    def owner_of(self, type_: str, id_: str) -> str | None:
        """Give the member whose record it is."""


@dataclass(frozen=True, slots=True)
class Reaction:
    """What the domain adds to a write: resources, relations, notices, findings."""

    resources: tuple[tuple[str, Resource], ...] = ()
    relations: tuple[Relation, ...] = ()
    ended_relations: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """What a reaction is told: the new version, the one before, whose it is, and the clock."""

    resource: Resource
    previous: Resource | None
    owner: str
    person: str | None
    now_utc: datetime


Reactor = Callable[[Sequence[Event], Reading, "MapContext"], Reaction]
