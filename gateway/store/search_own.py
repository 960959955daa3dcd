"""Parameters that the version itself answers: ``_id``, ``_lastUpdated`` and its type."""

from sqlalchemy import ColumnElement, and_, false, not_, or_
from sqlalchemy.sql import FromClause

from gateway.fhir.search_model import Criterion, DateValue, Query, TokenValue
from gateway.store.keys import first_key


def own_condition(criterion: Criterion, v: FromClause, now_us: int) -> ColumnElement[bool] | None:
    """Give the condition on the version's own columns; None for every other parameter."""
    if criterion.code == "_id":
        ids = [one.code for one in criterion.values if isinstance(one, TokenValue) and one.code]
        found: ColumnElement[bool] = v.c.id.in_(ids)
        return not_(found) if criterion.modifier == "not" else found
    if criterion.code == "_type":
        return v.c.type.in_(criterion.types)
    if criterion.code == "_lastUpdated":
        spans = [one for one in criterion.values if isinstance(one, DateValue)]
        return or_(false(), *(_updated(v, span, now_us) for span in spans))
    return None


def _updated(v: FromClause, span: DateValue, now_us: int) -> ColumnElement[bool]:
    """Compare keys: they begin with the millisecond of ``lastUpdated``."""
    from_low = v.c.pk >= first_key(-(-span.low // 1000))
    after_high = v.c.pk >= first_key((span.high + 1) // 1000)
    match span.prefix:
        case "eq":
            return and_(from_low, not_(after_high))
        case "ne":
            return or_(not_(from_low), after_high)
        case "gt" | "sa":
            return after_high
        case "lt" | "eb":
            return not_(from_low)
        case "ge":
            return from_low
        case "le":
            return not_(after_high)
        case "ap":
            slack = abs(now_us - span.low) // 10
            low, high = (span.low - slack) // 1000, (span.high + slack) // 1000
            return and_(v.c.pk >= first_key(low), v.c.pk < first_key(high + 1))


def newer_than_ms(query: Query) -> int | None:
    """Give the first millisecond (since 1970) of a search for what is newer; None for others.

    So asks whoever polls: what was given once is not asked for again.
    """
    firsts = []
    for one in query.conditions:
        if isinstance(one, Criterion) and one.code == "_lastUpdated":
            spans = [span for span in one.values if isinstance(span, DateValue)]
            if spans and all(span.prefix in {"ge", "gt", "sa"} for span in spans):
                firsts.append(min(_first_ms(span) for span in spans))
    return max(firsts, default=None)


def _first_ms(span: DateValue) -> int:
    return -(-span.low // 1000) if span.prefix == "ge" else (span.high + 1) // 1000
