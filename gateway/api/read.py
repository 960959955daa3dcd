"""read: the current version of a resource. https://hl7.org/fhir/R4/http.html#read"""

import re
from dataclasses import replace

from gateway.access import demand
from gateway.api.delivered import shared
from gateway.api.exchange import Answer, Exchange
from gateway.api.subset import demand_summary, subset
from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.records import Stored

ID = re.compile(r"[A-Za-z0-9.-]{1,64}", re.ASCII)


def read(exchange: Exchange, type_: str, id_: str) -> Answer:
    """Answer the current version, or 304 when the client holds it (conditional read)."""
    demand(exchange.principal, type_, "read")
    stored = _readable(exchange, type_, id_)
    if exchange.preconditions.is_unmodified(stored):
        return Answer(304, version=stored.version, updated_utc=stored.updated_utc)
    summary = demand_summary(exchange.parameter("_summary"))
    elements = tuple(filter(None, (exchange.parameter("_elements") or "").split(",")))
    if not elements and summary in {None, "false"}:
        return Answer.of(stored)
    whole = codec.decode_stored(stored.body)
    part = subset(exchange.services.definitions, whole, summary, elements)
    return replace(Answer.of(stored), body=None, resource=part)


def _readable(exchange: Exchange, type_: str, id_: str) -> Stored:
    """Give the current version, or the definition that all tenants share."""
    return shared(exchange, type_, id_) or current(exchange, type_, id_)


def current(exchange: Exchange, type_: str, id_: str) -> Stored:
    """Give the current version; raise GW-7002 (absent or invisible, alike) or GW-7003 (deleted)."""
    if id_.startswith("$"):
        raise GatewayError("GW-7019", operation=id_[:64])
    # An id that cannot be one is simply not there.
    stored = exchange.services.store.read(exchange.visibility, type_, id_) if is_id(id_) else None
    if stored is None:
        raise GatewayError("GW-7002", type=type_)
    if stored.is_deleted:
        raise GatewayError("GW-7003", type=type_)
    return stored


def is_id(text: str) -> bool:
    """Say whether a text is an id by FHIR's rule."""
    return ID.fullmatch(text) is not None
