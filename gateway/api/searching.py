"""A page of matches with what they include, of whatever they are searched in.

https://hl7.org/fhir/R4/http.html#search
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Literal

from gateway.api.audit_events import TYPE as AUDIT_EVENT
from gateway.api.delivered import page_of
from gateway.api.exchange import Answer, Exchange
from gateway.api.paging import cursor_of, entry_of, next_link, self_link, without_paging
from gateway.api.subset import subset
from gateway.api.terminology import terminology_of
from gateway.errors import issue
from gateway.fhir import codec
from gateway.fhir.outcome import operation_outcome
from gateway.fhir.search_code_sets import LoadedCodeSets
from gateway.fhir.search_model import Condition, Criterion, DateValue, Query
from gateway.fhir.times import format_instant
from gateway.records import Resource, Stored
from gateway.store import Page


def search_in(
    exchange: Exchange, types: Sequence[str], path: str, within: tuple[Condition, ...] = ()
) -> Answer:
    """Answer a page; ``within`` narrows the search besides what the client asks.

    Raises GW-71xx for a parameter, modifier or value that is not understood.
    """
    asked = without_paging(exchange.query)
    query = exchange.services.store.query(
        *(exchange.visibility.shard, types, asked, _mode(exchange)),
        server=exchange.address,
        code_sets=LoadedCodeSets(terminology_of(exchange)),
    )
    query = replace(query, conditions=(*within, *query.conditions))
    page = page_of(exchange, query, cursor_of(exchange, path, asked))
    bundle: Resource = {"resourceType": "Bundle", "type": "searchset"}
    if page.complete_ms and query.types != (AUDIT_EVENT,):
        bundle["meta"] = {"lastUpdated": _complete_until(query, page)}
    if page.total is not None:
        bundle["total"] = page.total
    bundle["link"] = [self_link(exchange, path, query.used)]
    if page.next:
        bundle["link"].append(next_link(exchange, path, asked, page.next))
    entries = [_entry(exchange, query, stored, "match") for stored in page.matches]
    entries += [_entry(exchange, query, stored, "include") for stored in page.included]
    if query.ignored:
        entries.append(_told(exchange, query))
    if exchange.parameter("_explain") == "true":
        entries.append(_explained(page))
    return Answer(200, resource=bundle | ({"entry": entries} if entries else {}))


def _complete_until(query: Query, page: Page) -> str:
    """Give the ``_lastUpdated`` to ask with next: nothing is missed then and nothing given twice.

    ``ge`` goes on with the first moment that is not complete, ``gt`` with the last that is.
    """
    is_after = any(
        isinstance(value, DateValue) and value.prefix != "ge"
        for one in query.conditions
        if isinstance(one, Criterion) and one.code == "_lastUpdated"
        for value in one.values
    )
    return format_instant(page.complete_utc - timedelta(milliseconds=is_after))


def _explained(page: Page) -> Resource:
    """Say how the page was found: where the search began, and what was then asked of each."""
    told = {"severity": "information", "code": "informational", "diagnostics": page.plan}
    outcome = {"resourceType": "OperationOutcome", "issue": [told]}
    return {"resource": outcome, "search": {"mode": "outcome"}}


def _entry(exchange: Exchange, query: Query, stored: Stored, mode: str) -> Resource:
    """Make one entry, with the part of the resource that was asked for."""
    entry = entry_of(exchange, stored, mode)
    if query.elements or query.summary not in {None, "false"}:
        entry["resource"] = subset(
            exchange.services.definitions,
            codec.decode_stored(stored.body),
            query.summary,
            query.elements,
        )
    return entry


def _told(exchange: Exchange, query: Query) -> Resource:
    """Say which parameters were left out."""
    found = [issue("GW-7029", "warning", name=name[:64]) for name in query.ignored]
    return {
        "resource": operation_outcome(found, exchange.language),
        "search": {"mode": "outcome"},
    }


def _mode(exchange: Exchange) -> Literal["strict", "lenient"] | None:
    """What to do with unknown parameters, as the client or the setting says."""
    match exchange.prefer.get("handling"):
        case "strict":
            return "strict"
        case "lenient":
            return "lenient"
    return "lenient" if exchange.services.settings.lenient_search else None
