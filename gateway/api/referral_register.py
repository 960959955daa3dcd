"""$referral-register: a register of the referral office, as pages of a search. Our own."""

from dataclasses import replace

from gateway.access import demand
from gateway.api.exchange import Answer, Exchange
from gateway.api.inputs import inputs
from gateway.api.searching import search_in
from gateway.referral import search_of

_PAGED = frozenset({"_count", "_total", "_summary", "_elements"})


def referral_register(exchange: Exchange) -> Answer:
    """Answer a page of ``register``: up, down, outbound, overdue, refused, violations or filing.

    It holds what the client sees: a hospital its own referrals, a health bureau all of them with a
    stated purpose. ``period`` is a FHIR date such as 2026-11, ``member`` an Organization reference.
    Raises GW-7020 for no such register.
    """
    given = inputs(exchange, frozenset({"register", "period", "member"}))
    type_, pairs = search_of(given.text("register") or "", given.text("period"))
    demand(exchange.principal, type_, "search")
    if member := given.text("member"):
        pairs = (("requester" if type_ == "ServiceRequest" else "owner", member), *pairs)
    paged = tuple(pair for pair in exchange.query if pair[0] in _PAGED)
    return search_in(replace(exchange, query=(*pairs, *paged), body=b""), (type_,), type_)
