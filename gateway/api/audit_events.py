"""The audit trail as AuditEvents: read by id, and behind what members stored in a search.

Every member sees the accesses of its own clients, an auditor those of the whole consortium. A
search names patients and other entities by ``Type/id``; a patient's trail holds every access to
anything about that person, at whatever member.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from gateway.api.exchange import Exchange
from gateway.fhir import codec
from gateway.fhir.audit_event import PREFIX, audit_event
from gateway.fhir.matching import can_match, matches
from gateway.fhir.search_model import (
    Condition,
    Criterion,
    DateValue,
    Query,
    ReferenceValue,
)
from gateway.records import Audited, Resource, Stored
from gateway.store import Page, Wanted
from gateway.store.keys import instant

MARK = "audit:"
TYPE = "AuditEvent"
AUDITORS = frozenset({"auditor", "operator"})
_CHUNK = 500
_DEFAULT_COUNT = 50
_NEWEST_FIRST = frozenset({"date", "_lastUpdated"})


@dataclass(frozen=True, slots=True)
class _Search:
    """What the trail is asked: by its indexes, and then of each event."""

    wanted: Wanted
    tests: tuple[Criterion, ...]
    patient: str | None


def audited(exchange: Exchange, type_: str, id_: str) -> Stored | None:
    """Give an access of the trail as if it were stored; None for none that the asker sees."""
    number = id_.removeprefix(PREFIX)
    if type_ != TYPE or number == id_ or not (number.isascii() and number.isdecimal()):
        return None
    visibility = exchange.visibility
    if len(number) > 18 or (visibility.types is not None and TYPE not in visibility.types):
        return None
    shard = visibility.shard
    found = exchange.services.store.audit.read(shard, int(number), _member(exchange))
    return None if found is None else _as_stored(audit_event(found), found)


def audit_page(exchange: Exchange, query: Query, cursor: str | None) -> Page:
    """Give a page of what members stored, and behind it the trail, newest first.

    The trail holds nothing that a chain, another order or an element it never fills could find.
    """
    search = _read_query(exchange, query)
    if search is None:
        return exchange.services.store.search(exchange.visibility, query, cursor=cursor)
    if cursor is not None and cursor.startswith(MARK):
        key = int(cursor.removeprefix(MARK))
        return _filled(exchange, query, Page(()), _before(search, key))
    page = exchange.services.store.search(exchange.visibility, query, cursor=cursor)
    if query.summary == "count" or query.count == 0:
        counted = sum(1 for _ in _found(exchange, search))
        return replace(page, total=(page.total or 0) + counted)
    return page if page.next is not None else _filled(exchange, query, page, search)


def _before(search: _Search, key: int) -> _Search:
    return replace(search, wanted=replace(search.wanted, before=key))


def _filled(exchange: Exchange, query: Query, page: Page, search: _Search) -> Page:
    """Fill up a page with accesses; without any more the total is what was given."""
    count = _DEFAULT_COUNT if query.count is None else query.count
    room = count - len(page.matches)
    matched: list[Stored] = []
    last = search.wanted.before
    for access, event in _found(exchange, search):
        if len(matched) == room:
            following = f"{MARK}{last if last is not None else access.key + 1}"
            return replace(page, matches=(*page.matches, *matched), total=None, next=following)
        matched.append(_as_stored(event, access))
        last = access.key
    every = (*page.matches, *matched)
    is_first = search.wanted.before is None
    return replace(page, matches=every, total=len(every) if is_first else None, next=None)


def _found(exchange: Exchange, search: _Search) -> Iterator[tuple[Audited, Resource]]:
    """Give the accesses that match, newest first."""
    wanted, shard = search.wanted, exchange.visibility.shard
    indexer = exchange.services.pipeline.preparer.indexer
    while True:
        chunk = exchange.services.store.audit.find(shard, wanted, _CHUNK)
        for access in chunk:
            event = audit_event(access, search.patient)
            rows = indexer.rows(event) if search.tests else ()
            if all(matches(one, event, rows) for one in search.tests):
                yield access, event
        if len(chunk) < _CHUNK:
            return
        wanted = replace(wanted, before=chunk[-1].key)


def _read_query(exchange: Exchange, query: Query) -> _Search | None:
    """Read what the trail can be asked; None when it cannot be asked this."""
    if any(one.code not in _NEWEST_FIRST or not one.is_descending for one in query.sorts):
        return None
    search: _Search | None = _Search(Wanted(_member(exchange)), (), None)
    for condition in query.conditions:
        search = search and _with(exchange, search, condition)
    return search


def _with(exchange: Exchange, search: _Search, condition: Condition) -> _Search | None:
    """Add one condition; None for one that neither index nor test knows."""
    if not isinstance(condition, Criterion):
        return None
    if condition.is_missing is not None:
        return replace(search, tests=(*search.tests, condition))
    single = condition.values[0] if len(condition.values) == 1 else None
    if condition.code in _NEWEST_FIRST and isinstance(single, DateValue):
        wanted = _dated(search.wanted, single)
        return None if wanted is None else replace(search, wanted=wanted)
    if condition.code in {"patient", "entity"} and isinstance(single, ReferenceValue):
        return _touching(exchange, search, condition.code, single)
    if not can_match(condition):
        return None
    return replace(search, tests=(*search.tests, condition))


def _touching(exchange: Exchange, search: _Search, code: str, value: ReferenceValue) -> _Search:
    """Ask for what touched a resource; for a patient, for whatever is about the person."""
    target = f"{value.type or 'Patient'}/{value.id}"
    touched, patient = target, search.patient
    if code == "patient":
        person = _person(exchange, str(value.id))
        touched, patient = (f"person:{person}" if person else target), target
    wanted = replace(search.wanted, touched=(*search.wanted.touched, touched))
    return replace(search, wanted=wanted, patient=patient)


def _person(exchange: Exchange, patient: str) -> str | None:
    """Name the person of a Patient; one that the asker does not see is nobody to it."""
    store = exchange.services.store
    if _member(exchange) is None:
        return store.reading(exchange.visibility.shard).person_of("Patient", patient)
    stored = store.read(exchange.visibility, "Patient", patient)
    return stored.person if stored is not None else None


def _dated(wanted: Wanted, value: DateValue) -> Wanted | None:
    """Narrow the time; None for a prefix that no range says."""
    low, end = instant(value.low), instant(value.high + 1)
    since, until = wanted.since, wanted.until
    match value.prefix:
        case "eq":
            since, until = low, end
        case "ge":
            since = low
        case "gt" | "sa":
            since = end
        case "lt" | "eb":
            until = low
        case "le":
            until = end
        case _:
            return None
    if wanted.since is not None and since is not None:
        since = max(since, wanted.since)
    if wanted.until is not None and until is not None:
        until = min(until, wanted.until)
    return replace(wanted, since=since, until=until)


def _member(exchange: Exchange) -> str | None:
    """Give the member whose accesses the asker sees; None for all."""
    return None if AUDITORS & exchange.principal.roles else exchange.principal.member


def _as_stored(event: Resource, access: Audited) -> Stored:
    at = access.at_utc
    if at is None:
        raise ValueError("an access that was not stored has no time")
    return Stored(access.shard, TYPE, event["id"], 1, at, codec.encode(event), "", None)
