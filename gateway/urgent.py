"""Break-glass: a hospital opens a person's records in an emergency; the consortium is told."""

from datetime import datetime, timedelta
from uuid import uuid4

from gateway.access import CLINICAL, IDENTITY
from gateway.fhir.audit_event import emergency_event
from gateway.pipeline import Pipeline
from gateway.records import OVERRIDE, SENSITIVE, Change, Commit, Notice, Principal, Relation

OPEN_FOR = timedelta(hours=4)
SHORTEST_REASON = 5
_TOLD = frozenset({"regulator", "auditor", "operator"})


def open_records(pipeline: Pipeline, principal: Principal, person: str, reason: str) -> datetime:
    """Open the records, keep the event for those who watch over it, and tell them; give the end.

    What the person closed and what is sensitive opens too. All of it is one commit.
    """
    shard, now, id_ = principal.visibility.shard, pipeline.now(), str(uuid4())
    event = emergency_event(id_, principal, person, reason, now)
    told = tuple(
        one.id
        for one in pipeline.store.registry.members(shard)
        if _TOLD & set(one.roles) and one.id != principal.member
    )
    focus = f"AuditEvent/{id_}"
    change = Change(
        "AuditEvent",
        id_,
        event,
        pipeline.preparer.indexer.rows(event),
        principal.member,
        person,
        0,
        told,
    )
    classes = CLINICAL | IDENTITY | SENSITIVE | OVERRIDE
    opened = Relation(
        person, principal.member, None, classes, f"break-glass/{id_}", now, now + OPEN_FOR
    )
    notices = tuple(
        Notice(one, "break-glass", focus, focus, f"break-glass/{id_}/{one}") for one in told
    )
    stored = pipeline.store.commit(Commit(shard, (change,), (opened,), notices=notices))
    if principal.visibility.seen is not None:
        principal.visibility.seen.add(stored)
    return opened.until_utc or now
