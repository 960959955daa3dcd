"""transaction: all entries or none. https://hl7.org/fhir/R4/http.html#transaction

Entries run in the standard's order (DELETE, POST, PUT and PATCH, GET), whatever their order in the
Bundle; the answers stand in the order of the Bundle. References by ``urn:uuid`` are resolved by
the pipeline, which writes all of them in one commit.
"""

from dataclasses import replace

from gateway.api.batch import run_reading
from gateway.api.create import creation
from gateway.api.delete import deletion, is_present
from gateway.api.entries import ORDER, Entry, entries
from gateway.api.exchange import Answer, Exchange
from gateway.api.responses import response_entry
from gateway.api.update import replacement
from gateway.api.written import answer_written
from gateway.errors import GatewayError, Kind, issue
from gateway.interactions import Request, Written
from gateway.records import Issue, Resource

_ERRORS = frozenset({"error", "fatal"})


def transaction(exchange: Exchange, resource: Resource) -> Answer:
    """Write all entries in one commit, then answer the reads; a failing entry is named."""
    asked = sorted(entries(exchange, resource), key=lambda entry: ORDER[entry.method])
    _demand_distinct(asked)
    writes = [(entry, request) for entry in asked if (request := _request(entry))]
    answers: dict[int, Answer] = {}
    if writes:
        written = _write(exchange, writes)
        for (entry, _), one in zip(writes, written, strict=True):
            answers[entry.index] = answer_written(entry.exchange, one)
            if entry.method == "DELETE":
                answers[entry.index] = Answer(204)
    for entry in asked:
        if entry.index not in answers:
            answers[entry.index] = _read(entry)
    responses = [response_entry(answers[index]) for index in sorted(answers)]
    bundle: Resource = {"resourceType": "Bundle", "type": "transaction-response"}
    return Answer(200, resource=bundle | ({"entry": responses} if responses else {}))


def _write(exchange: Exchange, writes: list[tuple[Entry, Request]]) -> list[Written]:
    """Write the entries together; say which of them is to blame when that fails."""
    try:
        return exchange.services.pipeline.write(exchange.principal, [one for _, one in writes])
    except GatewayError as error:
        if error.kind is Kind.INVALID:
            raise _with_issues(error, _invalid(exchange, writes) or error.issues) from error
        if error.kind is Kind.PRECONDITION:
            for entry, request in writes:
                if not _is_current(exchange, request):
                    raise _naming(entry, error) from error
        raise


def _invalid(exchange: Exchange, writes: list[tuple[Entry, Request]]) -> tuple[Issue, ...]:
    """Check the entries one by one, so that each finding says in which entry it is."""
    found: list[Issue] = []
    for entry, request in writes:
        issues = exchange.services.validator.check(request.resource or {})
        if request.resource is not None and any(one.severity in _ERRORS for one in issues):
            found += (replace(one, expression=within(entry, one.expression)) for one in issues)
            found.append(_failed(entry))
    return tuple(found)


def _is_current(exchange: Exchange, request: Request) -> bool:
    if request.if_match is None:
        return True
    stored = exchange.services.store.read(exchange.visibility, request.type, request.id or "")
    return stored is not None and stored.version == request.if_match


def _request(entry: Entry) -> Request | None:
    """Make the write request of an entry; None for reads and for deletions of nothing."""
    try:
        match entry.method, entry.path:
            case "POST", (type_,):
                return creation(entry.exchange, type_, entry.full_url)
            case "PUT", (type_, id_):
                return replacement(entry.exchange, type_, id_, entry.full_url)
            case "DELETE", (type_, id_):
                if is_present(entry.exchange, type_, id_):
                    return deletion(entry.exchange, type_, id_)
                return None
            case (("GET" | "HEAD"), _):
                return None
            case method, path:
                raise GatewayError("GW-7027", method=method, url="/".join(path)[:80])
    except GatewayError as error:
        raise _naming(entry, error) from error


def _read(entry: Entry) -> Answer:
    if entry.method == "DELETE":
        return Answer(204)
    try:
        return run_reading(entry)
    except GatewayError as error:
        raise _naming(entry, error) from error


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
