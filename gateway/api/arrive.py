"""$arrive: the patient is there. Our own operation; an admission record says the same by itself."""

from gateway.access import demand
from gateway.api.acting import Case, act, case_of, change, task_request
from gateway.api.exchange import Answer, Exchange
from gateway.api.read import current
from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.interactions import Request
from gateway.records import Resource


def arrive(exchange: Exchange, id_: str) -> Answer:
    """Answer the Task in progress; ``encounter`` is the stay that the referral led to.

    Raises GW-6201, GW-6202, GW-6207, and GW-7002 for an encounter that the client does not see.
    """
    case = case_of(exchange, id_, frozenset({"encounter"}))
    return act(case, [task_request(case.task(), "in-progress"), *_linked(case)])


def _linked(case: Case) -> list[Request]:
    said = case.given.value("encounter")
    if not said:
        return []
    reference = said if isinstance(said, str) else str(said.get("reference", ""))
    type_, _, id_ = reference.partition("/")
    if type_ != "Encounter":
        raise GatewayError("GW-7020", name="encounter", allowed="Reference(Encounter)")
    demand(case.exchange.principal, "Encounter", "update")
    stay = codec.decode_stored(current(case.exchange, "Encounter", id_).body)

    def based(now: Resource) -> Resource:
        standing = now.get("basedOn", [])
        if any(one.get("reference") == case.name for one in standing):
            return now
        return now | {"basedOn": [*standing, {"reference": case.name}]}

    return [change("Encounter", stay, based)]
