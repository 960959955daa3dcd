"""history-system: all versions of all resources. https://hl7.org/fhir/R4/http.html#history"""

from dataclasses import replace

from gateway.api.exchange import Answer, Exchange
from gateway.api.histories import bundle_of, page_of
from gateway.api.permitted import permitted_types


def history_system(exchange: Exchange) -> Answer:
    """Answer the versions that the client may see, newest first; raise GW-8003 for no type."""
    types = frozenset(permitted_types(exchange, "history"))
    visibility = exchange.visibility
    if types != exchange.services.definitions.resource_types:
        visibility = replace(visibility, types=types)
    return bundle_of(exchange, "_history", page_of(exchange, "_history", visibility))
