"""What an entry of a transaction asks to be written."""

from dataclasses import replace

from gateway.api.create import creation
from gateway.api.delete import conditional_deletion, deletion, is_present
from gateway.api.entries import Entry
from gateway.api.patch import alteration, conditional_alteration
from gateway.api.update import conditional_replacement, replacement
from gateway.errors import GatewayError
from gateway.interactions import Request


def write_request(entry: Entry) -> Request | None:
    """Make the write request of an entry; None for reads and for deletions of nothing.

    Raises GW-7027 for what cannot be part of a transaction, and what the interactions raise.
    """
    request = _asked(entry)
    server = entry.exchange.address
    return replace(request, is_entry=True, server=server) if request else None


def _asked(entry: Entry) -> Request | None:
    exchange, full_url = entry.exchange, entry.full_url
    match entry.method, entry.path:
        case "POST", (type_,) if not type_.startswith(("$", "_")):
            return creation(exchange, type_, full_url)
        case "PUT", (type_,):
            return conditional_replacement(exchange, type_, full_url)
        case "PUT", (type_, id_):
            return replacement(exchange, type_, id_, full_url)
        case "PATCH", (type_,):
            return conditional_alteration(exchange, type_, full_url)
        case "PATCH", (type_, id_):
            return alteration(exchange, type_, id_, full_url)
        case "DELETE", (type_,):
            return conditional_deletion(exchange, type_)
        case "DELETE", (type_, id_):
            return deletion(exchange, type_, id_) if is_present(exchange, type_, id_) else None
        case (("GET" | "HEAD"), _):
            return None
        case "POST", path if entry.is_query:
            return None
        case method, path:
            raise GatewayError("GW-7027", method=method, url="/".join(path)[:80])
