"""The FHIR API's addresses, as Flask serves them.

``capabilities`` reads the same table, so the CapabilityStatement claims what is routed and no
more. https://hl7.org/fhir/R4/http.html#summary
"""

from flask import Blueprint

from gateway.api.bundle import bundle
from gateway.api.capabilities import capabilities
from gateway.api.cors import allow_origins
from gateway.api.smart_configuration import smart_configuration
from gateway.api.table import TABLE, Route
from gateway.api.web import public_view, view

ROUTES: tuple[Route, ...] = (Route("transaction", "POST", "/", bundle, is_writing=True), *TABLE)


def fhir() -> Blueprint:
    """Make the blueprint of the FHIR API, to be mounted at its base path."""
    blueprint = Blueprint("fhir", __name__)
    for number, route in enumerate(ROUTES):
        blueprint.add_url_rule(
            route.rule,
            f"{route.word.lstrip('$')}-{number}",
            view(route.interaction, route.word),
            methods=[route.method],
        )
    allow_origins(blueprint)
    statement = public_view(lambda exchange: capabilities(exchange, ROUTES), "capabilities")
    blueprint.add_url_rule("/metadata", "capabilities", statement, methods=["GET"])
    blueprint.add_url_rule(
        "/.well-known/smart-configuration", "smart-configuration", smart_configuration
    )
    return blueprint
