"""$withdraw: the sender takes a referral back. Our own operation."""

from gateway.access import demand
from gateway.api.acting import act, case_of, change, task_request
from gateway.api.exchange import Answer, Exchange
from gateway.referral import tasks_of_kind
from gateway.referral.table import FULFIL


def withdraw(exchange: Exchange, id_: str) -> Answer:
    """Answer the revoked ServiceRequest; its open tasks are cancelled for the same ``reason``.

    Raises GW-6201 (it has ended, or the patient is in treatment), GW-6202, GW-6206.
    """
    demand(exchange.principal, "ServiceRequest", "update")
    case = case_of(exchange, id_, frozenset({"reason", "text"}))
    order = change("ServiceRequest", case.order, lambda now: now | {"status": "revoked"})
    tasks = [
        task_request(task, "cancelled", statusReason=case.reason())
        for task in tasks_of_kind(case.tasks, FULFIL, is_open=True)
    ]
    return act(case, [order, *tasks])
