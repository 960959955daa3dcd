"""$redirect: the sender sends a referral to another receiver. Our own operation."""

from gateway.access import demand
from gateway.api.acting import act, case_of, change, task_request
from gateway.api.exchange import Answer, Exchange
from gateway.errors import GatewayError
from gateway.fhir.times import format_instant
from gateway.interactions import Request
from gateway.referral import fulfil_task, tasks_of_kind
from gateway.referral.table import FULFIL
from gateway.referral.terms import REASON


def redirect(exchange: Exchange, id_: str) -> Answer:
    """Answer the Task that now waits for ``receiver``; one that still waited elsewhere ends.

    The slip stays active and keeps its number. Raises GW-6201 (the patient is in treatment, or it
    has ended), GW-6202, GW-7020 (no receiver).
    """
    demand(exchange.principal, "ServiceRequest", "update")
    case = case_of(exchange, id_, frozenset({"receiver", "reason", "text"}))
    said = case.given.value("receiver")
    receiver = {"reference": said} if isinstance(said, str) else said
    if not receiver:
        raise GatewayError("GW-7020", name="receiver", allowed="Reference(Organization)")
    reason = case.reason() or {"coding": [{"system": REASON, "code": "redirected"}]}
    ended = [
        task_request(task, "cancelled", statusReason=reason)
        for task in tasks_of_kind(case.tasks, FULFIL, is_open=True)
    ]
    order = change("ServiceRequest", case.order, lambda now: now | {"performer": [receiver]})
    made = fulfil_task(case.order, receiver, format_instant(exchange.services.clock()))
    return act(case, [Request("create", "Task", resource=made), order, *ended])
