"""The FHIR API's addresses: one row per interaction or operation, in the standard's words.

``capabilities`` reads the same table, so the CapabilityStatement claims what is routed and no
more. https://hl7.org/fhir/R4/http.html#summary
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from flask import Blueprint

from gateway.api.bundle import bundle
from gateway.api.capabilities import capabilities
from gateway.api.create import create
from gateway.api.delete import delete
from gateway.api.document import document
from gateway.api.exchange import Answer
from gateway.api.history_instance import history_instance
from gateway.api.read import read
from gateway.api.referral_records import standardized_referrals
from gateway.api.search_type import search_type
from gateway.api.smart_configuration import smart_configuration
from gateway.api.update import update
from gateway.api.validate import validate
from gateway.api.vread import vread
from gateway.api.web import public_view, view


@dataclass(frozen=True, slots=True)
class Route:
    """One address: ``word`` is the interaction's code or the operation's name with ``$``."""

    word: str
    method: Literal["GET", "POST", "PUT", "DELETE"]
    rule: str
    interaction: Callable[..., Answer]
    types: tuple[str, ...] = ()

    @property
    def is_system(self) -> bool:
        """Whether the address is the server's, not a type's."""
        return "<type_>" not in self.rule and not self.types


ROUTES: tuple[Route, ...] = (
    Route("transaction", "POST", "/", bundle),
    Route("search-type", "GET", "/<type_>", search_type),
    Route("search-type", "POST", "/<type_>/_search", search_type),
    Route("create", "POST", "/<type_>", create),
    Route("read", "GET", "/<type_>/<id_>", read),
    Route("update", "PUT", "/<type_>/<id_>", update),
    Route("delete", "DELETE", "/<type_>/<id_>", delete),
    Route("history-instance", "GET", "/<type_>/<id_>/_history", history_instance),
    Route("vread", "GET", "/<type_>/<id_>/_history/<version>", vread),
    Route("$validate", "POST", "/$validate", validate),
    Route("$validate", "POST", "/<type_>/$validate", validate),
    Route("$validate", "POST", "/<type_>/<id_>/$validate", validate),
    Route(
        "$referral-records",
        "GET",
        "/ServiceRequest/$referral-records",
        standardized_referrals,
        ("ServiceRequest",),
    ),
    Route("$document", "GET", "/Composition/<id_>/$document", document, ("Composition",)),
)


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
    statement = public_view(lambda exchange: capabilities(exchange, ROUTES), "capabilities")
    blueprint.add_url_rule("/metadata", "capabilities", statement, methods=["GET"])
    blueprint.add_url_rule(
        "/.well-known/smart-configuration", "smart-configuration", smart_configuration
    )
    return blueprint
