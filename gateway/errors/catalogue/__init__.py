"""All numbered errors, one module per stage."""

from gateway.errors.catalogue import (
    access,
    fhir,
    map_,
    parse,
    receive,
    route,
    serve,
    store,
    validate,
)

ENTRIES = (
    *receive.ENTRIES,
    *parse.ENTRIES,
    *fhir.ENTRIES,
    *map_.ENTRIES,
    *validate.ENTRIES,
    *store.ENTRIES,
    *route.ENTRIES,
    *serve.ENTRIES,
    *access.ENTRIES,
)
