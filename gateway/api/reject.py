"""$reject: the receiver does not take a referral; a hospital does not sign a drafted way back.

Our own operation.
"""

from gateway.api.acting import Case, act, case_of, task_request, with_output
from gateway.api.exchange import Answer, Exchange
from gateway.records import Resource
from gateway.referral import tasks_of_kind
from gateway.referral.table import FULFIL, SIGN
from gateway.referral.terms import OUTPUT


def reject(exchange: Exchange, id_: str) -> Answer:
    """Answer the rejected Task: ``reason`` and ``text`` say why, ``alternative`` where else.

    Raises GW-6201, GW-6202, GW-6203 (no reason), GW-6206 (a reason of another step), GW-6207.
    """
    case = case_of(exchange, id_, frozenset({"reason", "text", "alternative"}))
    kind = SIGN if tasks_of_kind(case.tasks, SIGN, is_open=True) else FULFIL
    task = case.task(kind)
    request = task_request(
        task, "rejected", statusReason=case.reason(), output=with_output(task, _outputs(case))
    )
    return act(case, [request])


def _outputs(case: Case) -> list[Resource]:
    said = case.given.value("alternative")
    if not said:
        return []
    reference = {"reference": said} if isinstance(said, str) else said
    kind = {"coding": [{"system": OUTPUT, "code": "alternative"}]}
    return [{"type": kind, "valueReference": reference}]
