"""$complete: the receiver has done what the referral asked for. Our own operation."""

from gateway.api.acting import Case, act, case_of, task_request, with_output
from gateway.api.exchange import Answer, Exchange
from gateway.errors import GatewayError
from gateway.records import Resource
from gateway.referral.table import NO_DRAFT_REASONS
from gateway.referral.terms import NO_DRAFT, OUTPUT


def complete(exchange: Exchange, id_: str) -> Answer:
    """Answer the completed Task; ``summary`` names the Composition that tells of it.

    ``reason`` says why nobody is sent back (died, against-advice, transferred-on, no-aftercare);
    without one the way back is drafted. A down-referral is closed with this. Raises GW-6201,
    GW-6202, GW-6207, and GW-7020 for another reason.
    """
    case = case_of(exchange, id_, frozenset({"reason", "summary"}))
    task = case.task()
    outputs = with_output(task, _outputs(case))
    return act(case, [task_request(task, "completed", output=outputs)])


def _outputs(case: Case) -> list[Resource]:
    outputs: list[Resource] = []
    if summary := case.given.value("summary"):
        reference = {"reference": summary} if isinstance(summary, str) else summary
        outputs.append({"type": _kind("discharge-summary"), "valueReference": reference})
    if reason := case.given.text("reason"):
        if reason not in NO_DRAFT_REASONS:
            raise GatewayError("GW-7020", name="reason", allowed=", ".join(NO_DRAFT_REASONS))
        concept = {"coding": [{"system": NO_DRAFT, "code": reason}]}
        outputs.append({"type": _kind("no-down-referral"), "valueCodeableConcept": concept})
    return outputs


def _kind(code: str) -> Resource:
    return {"coding": [{"system": OUTPUT, "code": code}]}
