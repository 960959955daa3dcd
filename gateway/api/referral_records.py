"""$referral-records: the de-identified standardized records of referrals, for health bureaus.

Our own operation. Its content is made by ``gateway.oversight`` and holds no name, number or
address of a person; whoever may call it sees all referrals of the consortium.
"""

from functools import partial

from gateway.access import demand
from gateway.api.exchange import Answer, Exchange
from gateway.api.inputs import with_arguments
from gateway.errors import GatewayError
from gateway.fhir.ids import person_id
from gateway.fhir.systems import ROOT, SERVICE_CATEGORY
from gateway.oversight import gather, referral_records

PSEUDONYM = f"{ROOT}/sid/pseudonym"
ROLES = frozenset({"regulator", "operator"})


def standardized_referrals(exchange: Exchange) -> Answer:
    """Answer a Bundle (collection); ``period`` is a FHIR date such as 2026-11.

    Raises GW-8003 for others than regulators, GW-7105 for a period that is no date.
    """
    exchange = with_arguments(exchange)
    demand(exchange.principal, "ServiceRequest", "search")
    if not ROLES & exchange.principal.roles:
        raise GatewayError("GW-8003", type="ServiceRequest", interaction="$referral-records")
    reading = exchange.services.store.reading(exchange.visibility.shard)
    criteria = {"category": f"{SERVICE_CATEGORY}|referral"}
    period = exchange.parameter("period")
    if period:
        criteria["authored"] = period
    cases = gather(reading.find("ServiceRequest", **criteria), reading)
    pseudonym = partial(person_id, exchange.services.pipeline.secret, PSEUDONYM)
    return Answer(200, resource=referral_records(cases, pseudonym))
