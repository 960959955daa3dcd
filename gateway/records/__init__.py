"""The values that pass between the stages, and the Protocols through which siblings meet.

RECEIVE → PARSE → MAP → VALIDATE → STORE → ROUTE: Envelope → Parsed → Mapped → Checked →
Stored → Delivery. Everything here is data; nothing does I/O. A FHIR resource is a plain ``dict``
whose decimals are ``Decimal`` and whose key order is kept (``gateway.fhir.codec``).
"""

from gateway.records.audited import UNNAMED, Audited, Seen
from gateway.records.mapped import (
    BusinessKey,
    Checks,
    CodeSets,
    Contribution,
    Lineage,
    LineageKind,
    MapContext,
    Mapped,
    Program,
    ShardChecks,
)
from gateway.records.plain import Format, Issue, Json, Place, Resource, Severity
from gateway.records.reacted import Event, Reaction, Reactor, Reading
from gateway.records.received import (
    Channel,
    Envelope,
    Node,
    Parsed,
    PathDialect,
    PathError,
    Reader,
    Selector,
)
from gateway.records.stored import (
    OVERRIDE,
    SENSITIVE,
    Change,
    Commit,
    Criteria,
    Exclusion,
    IndexRow,
    Notice,
    Pairs,
    Principal,
    RecordResult,
    Relation,
    Stored,
    Visibility,
)

__all__ = [
    "OVERRIDE",
    "SENSITIVE",
    "UNNAMED",
    "Audited",
    "BusinessKey",
    "Change",
    "Channel",
    "Checks",
    "CodeSets",
    "Commit",
    "Contribution",
    "Criteria",
    "Envelope",
    "Event",
    "Exclusion",
    "Format",
    "IndexRow",
    "Issue",
    "Json",
    "Lineage",
    "LineageKind",
    "MapContext",
    "Mapped",
    "Node",
    "Notice",
    "Pairs",
    "Parsed",
    "PathDialect",
    "PathError",
    "Place",
    "Principal",
    "Program",
    "Reaction",
    "Reactor",
    "Reader",
    "Reading",
    "RecordResult",
    "Relation",
    "Resource",
    "Seen",
    "Selector",
    "Severity",
    "ShardChecks",
    "Stored",
    "Visibility",
]
