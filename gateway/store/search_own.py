"""Parameters that the version itself answers: ``_id`` and ``_lastUpdated``."""

from sqlalchemy import ColumnElement, and_, false, not_, or_
from sqlalchemy.sql import FromClause

from gateway.fhir.search_model import Criterion, DateValue, TokenValue
from gateway.store.keys import first_key


def own_condition(criterion: Criterion, v: FromClause, now_us: int) -> ColumnElement[bool] | None:
    """Give the condition on the version's own columns; None for every other parameter."""
    if criterion.code == "_id":
        ids = [one.code for one in criterion.values if isinstance(one, TokenValue) and one.code]
        found: ColumnElement[bool] = v.c.id.in_(ids)
        return not_(found) if criterion.modifier == "not" else found
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
