"""$accept: the receiver takes a referral. Our own operation."""

from gateway.api.acting import act, case_of, task_request
from gateway.api.exchange import Answer, Exchange


def accept(exchange: Exchange, id_: str) -> Answer:
    """Answer the accepted Task; repeating it changes nothing. Raises GW-6201, GW-6202, GW-6207."""
    case = case_of(exchange, id_, frozenset())
    return act(case, [task_request(case.task(), "accepted")])
