"""$break-glass: open a person's records in an emergency, for a limited time and with an alarm.

Our own operation. The person is named by an identifier, since who needs this sees no Patient; the
answer is the same whether anything is known of the person or not.
"""

from gateway.access import demand_break_glass
from gateway.api.exchange import Answer, Exchange
from gateway.api.inputs import inputs
from gateway.errors import GatewayError
from gateway.fhir.ids import person_id
from gateway.fhir.systems import ID_CARD
from gateway.fhir.times import format_instant
from gateway.urgent import SHORTEST_REASON, open_records


def break_glass(exchange: Exchange) -> Answer:
    """Open for four hours what there is about ``identifier``; ``reason`` says why.

    Raises GW-7020 for a missing ID card number or a reason too short, GW-8033 for others than
    hospitals.
    """
    demand_break_glass(exchange.principal)
    given = inputs(exchange, frozenset({"identifier", "reason"}))
    identifier, reason = given.element("identifier"), (given.text("reason") or "").strip()
    if identifier is None or identifier.get("system") != ID_CARD or not identifier.get("value"):
        raise GatewayError("GW-7020", name="identifier", allowed=f"Identifier, {ID_CARD}")
    if len(reason) < SHORTEST_REASON:
        raise GatewayError("GW-7020", name="reason", allowed=f"string, {SHORTEST_REASON}…")
    services = exchange.services
    person = person_id(services.pipeline.secret, ID_CARD, str(identifier["value"]).upper())
    until = open_records(services.pipeline, exchange.principal, person, reason[:500])
    found = {"name": "until", "valueInstant": format_instant(until)}
    return Answer(200, resource={"resourceType": "Parameters", "parameter": [found]})
