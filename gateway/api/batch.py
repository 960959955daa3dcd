"""batch: entries that succeed or fail each on its own. https://hl7.org/fhir/R4/http.html#transaction"""

from gateway.api.entries import Entry, entry
from gateway.api.exchange import Answer, Exchange
from gateway.api.responses import response_entry, response_of_error
from gateway.api.table import find
from gateway.errors import GatewayError
from gateway.records import Json, Resource

LONGEST_STEP = 2_000


def batch(exchange: Exchange, resource: Resource) -> Answer:
    """Answer each entry in its place; raise GW-7018 when there are too many."""
    listed = resource.get("entry", [])
    limit = exchange.services.settings.max_bundle_entries
    if not isinstance(listed, list):
        raise GatewayError("GW-7015", expression="Bundle.entry")
    if len(listed) > limit:
        raise GatewayError("GW-7018", limit=limit, expression="Bundle.entry")
    responses = [_single(exchange, index, item) for index, item in enumerate(listed)]
    answer: Resource = {"resourceType": "Bundle", "type": "batch-response"}
    return Answer(200, resource=answer | ({"entry": responses} if responses else {}))


def _single(exchange: Exchange, index: int, item: Json) -> Resource:
    """Run one entry; its refusal is its own answer and stops nobody else."""
    try:
        return response_entry(run(entry(exchange, index, item)))
    except GatewayError as error:
        refused(exchange, index, error)
        return response_of_error(exchange, error)


def note(asked: Entry) -> None:
    """Tell the audit trail what an entry asks."""
    if (seen := asked.exchange.visibility.seen) is not None:
        query = "&".join(f"{name}={value}" for name, value in asked.exchange.query)
        address = "/".join(asked.path) + (f"?{query}" if query else "")
        seen.steps.append(f"{asked.index} {asked.method} {address}"[:LONGEST_STEP])


def refused(exchange: Exchange, index: int, error: GatewayError) -> None:
    """Tell the audit trail that an entry was refused."""
    if (seen := exchange.visibility.seen) is not None:
        seen.steps.append(f"{index} {error.number}")


def run(asked: Entry, *, is_reading: bool = False) -> Answer:
    """Run one entry as what its method and address name; raise GW-7027.

    ``is_reading``: only what changes nothing.
    """
    method = "GET" if asked.method == "HEAD" else asked.method
    found = find(method, asked.path)
    if found is None or (is_reading and found[0].is_writing):
        raise GatewayError(
            "GW-7027",
            method=asked.method,
            url="/".join(asked.path)[:80],
            expression=f"{asked.where}.request",
        )
    route, variables = found
    note(asked)
    return route.interaction(asked.exchange, **variables)
