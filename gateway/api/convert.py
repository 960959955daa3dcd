"""$convert: a resource in the other format, JSON or XML.

https://hl7.org/fhir/R4/resource-operation-convert.html
"""

from gateway.api.exchange import Answer, Exchange


def convert(exchange: Exchange) -> Answer:
    """Answer the body, unchanged, in the format that the client accepts."""
    return Answer(200, resource=exchange.resource)
