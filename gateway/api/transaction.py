"""transaction: all entries or none. https://hl7.org/fhir/R4/http.html#transaction

Entries run in the standard's order (DELETE, POST, PUT and PATCH, GET), whatever their order in the
Bundle; the answers stand in the order of the Bundle. References by ``urn:uuid`` are resolved by
the pipeline, which writes all of them in one commit.
"""

from dataclasses import replace

from gateway.api.batch import note, refused, run
from gateway.api.entries import ORDER, Entry, entries
from gateway.api.exchange import Answer, Exchange
from gateway.api.responses import response_entry, response_of_error
from gateway.api.writes import write_request
from gateway.api.written import answer_deleted, answer_written
from gateway.errors import GatewayError, Kind, issue
from gateway.interactions import Request, RequestError, Written
from gateway.records import Issue, Resource

Writes = list[tuple[Entry, Request]]


def transaction(exchange: Exchange, resource: Resource) -> Answer:
    """Write all entries in one commit, then answer the reads; a failing entry is named."""
    asked = sorted(
        entries(exchange, resource), key=lambda one: ORDER["GET" if one.is_query else one.method]
    )
    _demand_distinct(asked)
    writes = [(entry, request) for entry in asked if (request := _request(entry))]
    responses: dict[int, Resource] = {}
    if writes:
        for (entry, _), one in zip(writes, _write(exchange, writes), strict=True):
            responses[entry.index] = response_entry(_answer(entry, one))
    for entry in asked:
        if entry.index not in responses:
            responses[entry.index] = _read(entry, is_committed=bool(writes))
    listed = [responses[index] for index in sorted(responses)]
    bundle: Resource = {"resourceType": "Bundle", "type": "transaction-response"}
    return Answer(200, resource=bundle | ({"entry": listed} if listed else {}))


def _request(entry: Entry) -> Request | None:
    try:
        request = write_request(entry)
        if request is not None:
            note(entry)
        return request
    except GatewayError as error:
        raise _naming(entry, error) from error


def _answer(entry: Entry, written: Written) -> Answer:
    if entry.method == "DELETE":
        return answer_deleted(written)
    return answer_written(entry.exchange, written)


def _write(exchange: Exchange, writes: Writes) -> list[Written]:
    """Write the entries together; say which of them is to blame when that fails."""
    try:
        return exchange.services.pipeline.write(exchange.principal, [one for _, one in writes])
    except RequestError as error:
        raise _naming(writes[error.position][0], _numbered(error, writes)) from error
    except GatewayError as error:
        raise _blaming(exchange, writes, error) from error


def _numbered(error: RequestError, writes: Writes) -> GatewayError:
    """Count the entries of GW-7023 as they stand in the Bundle."""
    if error.number != "GW-7023":
        return error
    both = (error.details["first"], error.details["second"])
    low, high = sorted(writes[one][0].index for one in both if isinstance(one, int))
    return GatewayError("GW-7023", first=low, second=high)


def _blaming(exchange: Exchange, writes: Writes, error: GatewayError) -> GatewayError:
    """Name the entries that a refusal of all is about: those that fail alike on their own."""
    if error.kind in {Kind.UNAVAILABLE, Kind.FAULT}:
        return error
    for entry, request in writes:
        if error.details.get("focus") == f"{request.type}/{request.id}":
            return _naming(entry, error)
    found: list[Issue] = []
    for entry, request in writes:
        alone = _alone(exchange, request)
        if alone is not None and alone.number == error.number:
            found += _naming(entry, alone).issues
    return _with_issues(error, tuple(found)) if found else error


def _alone(exchange: Exchange, request: Request) -> GatewayError | None:
    """Say why a request is refused on its own; nothing is written."""
    try:
        exchange.services.pipeline.check(exchange.principal, [replace(request, is_entry=False)])
    except GatewayError as error:
        return error
    return None


def _read(entry: Entry, *, is_committed: bool) -> Resource:
    """Answer an entry that only reads, or a deletion of nothing.

    What the others wrote stands by now, so a refusal is only this entry's answer; without any
    writes it refuses the transaction.
    """
    if entry.method == "DELETE":
        return response_entry(Answer(204))
    try:
        return response_entry(run(entry, is_reading=True))
    except GatewayError as error:
        named = _naming(entry, error)
        if not is_committed:
            raise named from error
        refused(entry.exchange, entry.index, named)
        return response_of_error(entry.exchange, named)


def _naming(entry: Entry, error: GatewayError) -> GatewayError:
    """Say which entry failed, by index and fullUrl, behind what failed in it."""
    inner = tuple(
        replace(one, expression=within(entry, one.expression)) for one in error.as_issues()
    )
    return _with_issues(error, (*inner, _failed(entry)))


def _failed(entry: Entry) -> Issue:
    full_url = (entry.full_url or "-")[:80]
    return issue("GW-7026", expression=entry.where, index=entry.index, full_url=full_url)


def within(entry: Entry, expression: str | None) -> str:
    """Turn a path within the entry's resource into one within the Bundle."""
    if expression is None or expression.startswith("Bundle.entry["):
        return expression or entry.where
    _, dot, rest = expression.partition(".")
    return f"{entry.where}.resource{dot}{rest}"


def _with_issues(error: GatewayError, issues: tuple[Issue, ...]) -> GatewayError:
    return GatewayError(
        error.number,
        where=error.where,
        expression=error.expression,
        issues=issues,
        retry_after_s=error.retry_after_s,
        **error.details,
    )


def _demand_distinct(asked: list[Entry]) -> None:
    """Raise GW-7023 when two entries that write mean the same resource."""
    seen: dict[tuple[str, ...], int] = {}
    for entry in asked:
        if entry.method in {"PUT", "PATCH", "DELETE"} and len(entry.path) == 2:
            first = seen.setdefault(entry.path, entry.index)
            if first != entry.index:
                low, high = sorted((first, entry.index))
                raise GatewayError("GW-7023", first=low, second=high, expression=entry.where)
    urls: dict[str, int] = {}
    for entry in asked:
        if entry.full_url and entry.method in {"POST", "PUT"}:
            first = urls.setdefault(entry.full_url, entry.index)
            if first != entry.index:
                low, high = sorted((first, entry.index))
                raise GatewayError("GW-7023", first=low, second=high, expression=entry.where)
