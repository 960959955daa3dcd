"""What a write answers: status, Location, and the body that ``Prefer: return=`` asks for.

https://hl7.org/fhir/R4/http.html#ops
"""

from gateway.api.exchange import Answer, Exchange
from gateway.errors import issue
from gateway.interactions import Written


def answer_written(exchange: Exchange, written: Written) -> Answer:
    """Answer 201 for a new resource, else 200, with the representation unless told otherwise."""
    stored = written.stored
    status = 201 if stored.is_created else 200
    location = f"{exchange.base}/{stored.type}/{stored.id}/_history/{stored.version}"
    wanted = exchange.prefer.get("return", "representation")
    answer = Answer(
        status,
        version=stored.version,
        updated_utc=stored.updated_utc,
        location=location,
        issues=written.issues,
    )
    if wanted == "minimal":
        return _without_body(answer)
    if wanted.lower() == "operationoutcome":
        told = written.issues or (issue("GW-7030", "information", type=stored.type),)
        return Answer(status, None, None, answer.version, answer.updated_utc, location, told)
    return Answer(status, None, stored.body, answer.version, answer.updated_utc, location)


def _without_body(answer: Answer) -> Answer:
    return Answer(
        answer.status, None, None, answer.version, answer.updated_utc, answer.location, ()
    )
