"""$convert: a resource in the other format, JSON or XML.

https://hl7.org/fhir/R4/resource-operation-convert.html
"""

from gateway.api.exchange import Answer, Exchange
from gateway.api.inputs import given


def convert(exchange: Exchange) -> Answer:
    """Answer the body, unchanged, in the format that the client accepts.

    It is the resource itself, or Parameters with nothing but ``input``.
    """
    resource = exchange.resource
    if resource["resourceType"] == "Parameters":
        match given(exchange):
            case [("input", {"resourceType": str()} as inner)]:
                return Answer(200, resource=inner)
    return Answer(200, resource=resource)
