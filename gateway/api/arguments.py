"""Parameters of an operation, whether they stand in the address or in the body.

https://hl7.org/fhir/R4/operations.html#request
"""

from dataclasses import replace

from gateway.api.exchange import Exchange
from gateway.errors import GatewayError
from gateway.records import Json


def with_arguments(exchange: Exchange) -> Exchange:
    """Give the exchange with the body's primitive parameters behind those of the address.

    Raises GW-7013 for a body that is no Parameters, GW-7020 for a parameter that is no primitive.
    """
    if not exchange.body:
        return exchange
    found = []
    for parameter in exchange.resource_of("Parameters").get("parameter") or ():
        if not isinstance(parameter, dict) or not isinstance(parameter.get("name"), str):
            raise GatewayError("GW-7015", expression="Parameters.parameter")
        found.append((parameter["name"], _text(parameter)))
    return replace(exchange, query=(*exchange.query, *found), body=b"")


def _text(parameter: dict[str, Json]) -> str:
    value = next((parameter[key] for key in parameter if key.startswith("value")), None)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, dict | list):
        raise GatewayError("GW-7020", name=parameter["name"][:64], allowed="value[x]")
    return str(value)
