"""Entries of a batch-response or transaction-response."""

import msgspec

from gateway.api.exchange import Answer, Exchange
from gateway.errors import GatewayError
from gateway.fhir.outcome import operation_outcome
from gateway.fhir.times import format_instant
from gateway.records import Resource

_REASONS = {200: "200 OK", 201: "201 Created", 204: "204 No Content", 304: "304 Not Modified"}


def response_entry(answer: Answer) -> Resource:
    """Turn the answer of one interaction into an entry of the response Bundle."""
    response: Resource = {"status": _REASONS.get(answer.status, str(answer.status))}
    if answer.location:
        response["location"] = answer.location
    if answer.version is not None:
        response["etag"] = f'W/"{answer.version}"'
    if answer.updated_utc is not None:
        response["lastModified"] = format_instant(answer.updated_utc)
    if (answer.resource or {}).get("resourceType") == "OperationOutcome":
        response["outcome"] = answer.resource
    entry: Resource = {}
    if answer.location:
        entry["fullUrl"] = answer.location.partition("/_history/")[0]
    if answer.body is not None:
        entry["resource"] = msgspec.Raw(answer.body)
    elif answer.resource is not None and "outcome" not in response:
        entry["resource"] = answer.resource
    return entry | {"response": response}


def response_of_error(exchange: Exchange, error: GatewayError) -> Resource:
    """Turn a refusal into an entry of a batch-response."""
    outcome = operation_outcome(error.as_issues(), exchange.language)
    return {"response": {"status": str(error.http), "outcome": outcome}}
