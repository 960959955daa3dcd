"""What a write answers: status, Location, and the body that ``Prefer: return=`` asks for.

https://hl7.org/fhir/R4/http.html#ops
"""

from dataclasses import replace

from gateway.api.exchange import Answer, Exchange
from gateway.fhir.outcome import operation_outcome
from gateway.interactions import Request, Written


def write_one(exchange: Exchange, request: Request) -> Answer:
    """Write one request by itself and answer it."""
    asked = replace(request, server=exchange.address)
    [written] = exchange.services.pipeline.write(exchange.principal, [asked])
    return answer_written(exchange, written)


def answer_written(exchange: Exchange, written: Written) -> Answer:
    """Answer 201 for a new resource, else 200, with the representation unless told otherwise."""
    stored = written.stored
    if stored is None:
        return Answer(204)
    answer = Answer(
        201 if stored.is_created else 200,
        version=stored.version,
        updated_utc=stored.updated_utc,
        location=f"{exchange.address}/{stored.type}/{stored.id}/_history/{stored.version}",
    )
    match exchange.prefer.get("return", "representation").lower():
        case "minimal":
            return answer
        case "operationoutcome":
            outcome = operation_outcome(written.issues, exchange.language)
            return replace(answer, resource=outcome)
        case _:
            return replace(answer, body=stored.body)


def answer_deleted(written: Written) -> Answer:
    """Answer 204, with the version that the deletion is."""
    stored = written.stored
    if stored is None:
        return Answer(204)
    return Answer(204, version=stored.version, updated_utc=stored.updated_utc)
