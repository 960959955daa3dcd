"""The resource types that a token opens, for what is asked of all of them at once."""

from gateway.access import demand, parse_scopes
from gateway.access.scopes import permits
from gateway.api.exchange import Exchange


def permitted_types(exchange: Exchange, interaction: str) -> tuple[str, ...]:
    """Give the types, in order; raise GW-8003 for none at all, or for one of ``_type``."""
    known = exchange.services.definitions.resource_types
    asked = [value.split(",") for name, value in exchange.query if name == "_type"]
    for type_ in {one for part in asked for one in part} & known:
        demand(exchange.principal, type_, interaction)
    scopes = parse_scopes(" ".join(exchange.principal.scopes))
    types = tuple(type_ for type_ in sorted(known) if permits(scopes, type_, interaction))
    if not types:
        demand(exchange.principal, "*", interaction)
    return types
