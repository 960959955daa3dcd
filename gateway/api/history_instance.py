"""history-instance: all versions of a resource. https://hl7.org/fhir/R4/http.html#history"""

from dataclasses import replace

from gateway.access import demand
from gateway.api.delivered import shared
from gateway.api.exchange import Answer, Exchange
from gateway.api.histories import bundle_of, is_within, page_of
from gateway.api.read import is_id
from gateway.errors import GatewayError


def history_instance(exchange: Exchange, type_: str, id_: str) -> Answer:
    """Answer the versions that the client may see, newest first; raise GW-7002 when none."""
    demand(exchange.principal, type_, "history")
    if not is_id(id_):
        raise GatewayError("GW-7002", type=type_)
    path = f"{type_}/{id_}/_history"
    page = page_of(exchange, path, exchange.visibility, type_=type_, id_=id_)
    # Nothing since a date is an empty Bundle, nothing at all is 404.
    if not page.matches and not _exists(exchange, type_, id_):
        only = shared(exchange, type_, id_)
        if only is None:
            raise GatewayError("GW-7002", type=type_)
        page = replace(page, matches=(only,) if is_within(exchange, only) else ())
    return bundle_of(exchange, path, page)


def _exists(exchange: Exchange, type_: str, id_: str) -> bool:
    return exchange.services.store.read(exchange.visibility, type_, id_) is not None
