"""$send: sign a referral and send it to its receiver; a drafted down-referral is signed alike.

Our own operation.
"""

from gateway.access import demand
from gateway.api.acting import Case, act, case_of, change, task_request
from gateway.api.exchange import Answer, Exchange
from gateway.errors import GatewayError
from gateway.fhir.times import format_instant
from gateway.interactions import Request
from gateway.records import Json, Resource
from gateway.referral import fulfil_task, tasks_of_kind
from gateway.referral.state import GONE
from gateway.referral.table import FULFIL, SIGN

_CONSENT = "urn:uuid:consent-of-the-referral"


def send(exchange: Exchange, id_: str) -> Answer:
    """Answer the Task that now waits for the receiver (of a signed draft, the ServiceRequest).

    ``consent`` is the patient's Consent, or a reference to it; ``receiver`` the Organization, for
    an order that names none. Repeating it changes nothing. Raises GW-62xx, GW-7020.
    """
    demand(exchange.principal, "ServiceRequest", "update")
    case = case_of(exchange, id_, frozenset({"consent", "receiver"}))
    consent, beside = _consent(case)
    is_draft = bool(tasks_of_kind(case.tasks, SIGN))
    receiver = _receiver(case)
    order = change("ServiceRequest", case.order, lambda now: _signed(now, consent, receiver))
    if is_draft:
        return act(case, [order, *beside])
    return act(case, [_task(case, receiver), order, *beside])


def _signed(order: Resource, consent: str | None, receiver: Json) -> Resource:
    signed = order | ({"status": "active"} if order["status"] == "draft" else {})
    if receiver and not signed.get("performer"):
        signed |= {"performer": [receiver]}
    if consent and not any(consent == one.get("reference") for one in _supporting(signed)):
        signed |= {"supportingInfo": [*_supporting(signed), {"reference": consent}]}
    return signed


def _supporting(order: Resource) -> list[Resource]:
    found: list[Resource] = order.get("supportingInfo", [])
    return found


def _consent(case: Case) -> tuple[str | None, list[Request]]:
    """Give how the order shall name the consent, and the request that stores a new one."""
    said = case.given.value("consent")
    if said is None:
        return None, []
    if isinstance(said, str):
        return said, []
    if said.get("resourceType") == "Consent":
        demand(case.exchange.principal, "Consent", "create")
        return _CONSENT, [Request("create", "Consent", resource=said, full_url=_CONSENT)]
    reference = said.get("reference")
    if not isinstance(reference, str):
        raise GatewayError("GW-7020", name="consent", allowed="Consent, Reference(Consent)")
    return reference, []


def _receiver(case: Case) -> Json:
    """Give the receiver that the order names, else the one that is given; raise GW-7020."""
    named = next(iter(case.order.get("performer", ())), None)
    said = case.given.value("receiver")
    receiver = named or ({"reference": said} if isinstance(said, str) else said)
    if not receiver:
        raise GatewayError("GW-7020", name="receiver", allowed="Reference(Organization)")
    return receiver


def _task(case: Case, receiver: Json) -> Request:
    """Ask for the receiver's task: the draft sent, a waiting one as it is, else a new one."""
    standing = [one for one in tasks_of_kind(case.tasks, FULFIL) if one["status"] not in GONE]
    if standing:
        task = standing[-1]
        is_draft = task["status"] == "draft"
        return task_request(task, "requested" if is_draft else task["status"])
    made = fulfil_task(case.order, receiver, format_instant(case.exchange.services.clock()))
    return Request("create", "Task", resource=made)
