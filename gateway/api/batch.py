"""batch: entries that succeed or fail each on its own. https://hl7.org/fhir/R4/http.html#transaction"""

from gateway.api.create import create
from gateway.api.delete import delete
from gateway.api.entries import Entry, entry
from gateway.api.exchange import Answer, Exchange
from gateway.api.history_instance import history_instance
from gateway.api.read import read
from gateway.api.responses import response_entry, response_of_error
from gateway.api.search_type import search_type
from gateway.api.update import update
from gateway.api.vread import vread
from gateway.errors import GatewayError
from gateway.records import Json, Resource


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
        return response_of_error(exchange, error)


def run(asked: Entry) -> Answer:
    """Run one entry as the interaction that its method and address name; raise GW-7027."""
    match asked.method, asked.path:
        case "POST", (type_,):
            return create(asked.exchange, type_)
        case "PUT", (type_, id_):
            return update(asked.exchange, type_, id_)
        case "DELETE", (type_, id_):
            return delete(asked.exchange, type_, id_)
        case _:
            return run_reading(asked)


def run_reading(asked: Entry) -> Answer:
    """Run an entry that only reads; raise GW-7027 for anything else."""
    match asked.method, asked.path:
        case (("GET" | "HEAD"), (type_,)):
            return search_type(asked.exchange, type_)
        case (("GET" | "HEAD"), (type_, id_)):
            return read(asked.exchange, type_, id_)
        case (("GET" | "HEAD"), (type_, id_, "_history")):
            return history_instance(asked.exchange, type_, id_)
        case (("GET" | "HEAD"), (type_, id_, "_history", version)):
            return vread(asked.exchange, type_, id_, version)
        case method, path:
            raise GatewayError(
                "GW-7027",
                method=method,
                url="/".join(path)[:80],
                expression=f"{asked.where}.request",
            )
