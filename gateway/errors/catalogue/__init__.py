"""All numbered errors, one module per stage."""

from gateway.errors.catalogue import (
    access,
    fhir,
    map_,
    parse,
    receive,
    receive_carriers,
    route,
    route_referral,
    serve,
    serve_conditions,
    serve_terminology,
    store,
    validate,
)

ENTRIES = (
    *receive.ENTRIES,
    *receive_carriers.ENTRIES,
    *parse.ENTRIES,
    *fhir.ENTRIES,
    *map_.ENTRIES,
    *validate.ENTRIES,
    *store.ENTRIES,
    *route.ENTRIES,
    *route_referral.ENTRIES,
    *serve.ENTRIES,
    *serve_conditions.ENTRIES,
    *serve_terminology.ENTRIES,
    *access.ENTRIES,
)
