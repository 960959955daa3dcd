"""What is answered where: one row per interaction or operation, in the standard's words.

https://hl7.org/fhir/R4/http.html#summary
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from gateway.api.accept import accept
from gateway.api.arrive import arrive
from gateway.api.break_glass import break_glass
from gateway.api.complete import complete
from gateway.api.convert import convert
from gateway.api.create import create
from gateway.api.delete import conditional_delete, delete
from gateway.api.document import document
from gateway.api.events import subscription_events
from gateway.api.everything import encounter_everything, patient_everything
from gateway.api.exchange import Answer
from gateway.api.expand import expand
from gateway.api.history_instance import history_instance
from gateway.api.history_system import history_system
from gateway.api.history_type import history_type
from gateway.api.lookup import lookup
from gateway.api.meta import meta, meta_of_system, meta_of_type
from gateway.api.meta_add import meta_add
from gateway.api.meta_delete import meta_delete
from gateway.api.patch import conditional_patch, patch
from gateway.api.read import read
from gateway.api.redirect import redirect
from gateway.api.referral_records import standardized_referrals
from gateway.api.referral_register import referral_register
from gateway.api.reindex import reindex, reindex_all, reindex_status
from gateway.api.reject import reject
from gateway.api.search_compartment import search_compartment
from gateway.api.search_system import search_system
from gateway.api.search_type import search_type
from gateway.api.send import send
from gateway.api.status import subscription_status
from gateway.api.subsumes import subsumes
from gateway.api.timeline import referral_timeline
from gateway.api.translate import translate
from gateway.api.update import conditional_update, update
from gateway.api.validate import validate
from gateway.api.validate_code import validate_code_of_system, validate_code_of_value_set
from gateway.api.vread import vread
from gateway.api.withdraw import withdraw

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
METHODS_OF_OPERATIONS: tuple[Method, ...] = ("GET", "POST")


@dataclass(frozen=True, slots=True)
class Route:
    """One address: ``word`` is the interaction's code or the operation's name with ``$``.

    ``is_writing`` marks an operation that changes resources, which no transaction may hold.
    """

    word: str
    method: Method
    rule: str
    interaction: Callable[..., Answer]
    types: tuple[str, ...] = ()
    is_writing: bool = False

    @property
    def is_system(self) -> bool:
        """Whether the address is the server's, not a type's."""
        return "<type_>" not in self.rule and not self.types


def _read_only(
    word: str, type_: str, interaction: Callable[..., Answer], *, is_of_instance: bool = True
) -> tuple[Route, ...]:
    """Give the rows of an operation that changes nothing: by GET and POST, of type and instance."""
    rules = (f"/{type_}/{word}", f"/{type_}/<id_>/{word}")[: 2 if is_of_instance else 1]
    return tuple(
        Route(word, method, rule, interaction, (type_,))
        for rule in rules
        for method in METHODS_OF_OPERATIONS
    )


TABLE: tuple[Route, ...] = (
    Route("search-system", "GET", "/", search_system),
    Route("search-system", "POST", "/_search", search_system),
    Route("history-system", "GET", "/_history", history_system),
    Route("search-type", "GET", "/<type_>", search_type),
    Route("search-type", "POST", "/<type_>/_search", search_type),
    Route("create", "POST", "/<type_>", create, is_writing=True),
    Route("read", "GET", "/<type_>/<id_>", read),
    Route("update", "PUT", "/<type_>/<id_>", update, is_writing=True),
    Route("update", "PUT", "/<type_>", conditional_update, is_writing=True),
    Route("patch", "PATCH", "/<type_>/<id_>", patch, is_writing=True),
    Route("patch", "PATCH", "/<type_>", conditional_patch, is_writing=True),
    Route("delete", "DELETE", "/<type_>/<id_>", delete, is_writing=True),
    Route("delete", "DELETE", "/<type_>", conditional_delete, is_writing=True),
    Route("history-instance", "GET", "/<type_>/<id_>/_history", history_instance),
    Route("history-type", "GET", "/<type_>/_history", history_type),
    Route("vread", "GET", "/<type_>/<id_>/_history/<version>", vread),
    Route("$validate", "POST", "/$validate", validate),
    Route("$validate", "POST", "/<type_>/$validate", validate),
    Route("$validate", "POST", "/<type_>/<id_>/$validate", validate),
    Route("$validate", "GET", "/<type_>/<id_>/$validate", validate),
    Route(
        "$referral-records",
        "GET",
        "/ServiceRequest/$referral-records",
        standardized_referrals,
        ("ServiceRequest",),
    ),
    Route(
        "$referral-records",
        "POST",
        "/ServiceRequest/$referral-records",
        standardized_referrals,
        ("ServiceRequest",),
    ),
    *(
        Route(
            f"${act.__name__}",
            "POST",
            f"/ServiceRequest/<id_>/${act.__name__}",
            act,
            ("ServiceRequest",),
            is_writing=True,
        )
        for act in (send, accept, reject, redirect, withdraw, arrive, complete)
    ),
    *(
        Route(
            "$timeline",
            method,
            "/ServiceRequest/<id_>/$timeline",
            referral_timeline,
            ("ServiceRequest",),
        )
        for method in METHODS_OF_OPERATIONS
    ),
    *_read_only("$referral-register", "ServiceRequest", referral_register, is_of_instance=False),
    *_read_only("$document", "Composition", document),
    Route(
        "$break-glass",
        "POST",
        "/Patient/$break-glass",
        break_glass,
        ("Patient",),
        is_writing=True,
    ),
    *_read_only("$everything", "Patient", patient_everything),
    Route(
        "$everything", "GET", "/Encounter/<id_>/$everything", encounter_everything, ("Encounter",)
    ),
    Route(
        "$everything", "POST", "/Encounter/<id_>/$everything", encounter_everything, ("Encounter",)
    ),
    *(
        Route("$meta", method, rule, interaction)
        for rule, interaction in (
            ("/$meta", meta_of_system),
            ("/<type_>/$meta", meta_of_type),
            ("/<type_>/<id_>/$meta", meta),
        )
        for method in METHODS_OF_OPERATIONS
    ),
    Route("$meta-add", "POST", "/<type_>/<id_>/$meta-add", meta_add, is_writing=True),
    Route("$meta-delete", "POST", "/<type_>/<id_>/$meta-delete", meta_delete, is_writing=True),
    *_read_only("$status", "Subscription", subscription_status),
    Route("$events", "GET", "/Subscription/<id_>/$events", subscription_events, ("Subscription",)),
    Route("$events", "POST", "/Subscription/<id_>/$events", subscription_events, ("Subscription",)),
    Route("$convert", "POST", "/$convert", convert),
    Route("$reindex", "GET", "/SearchParameter/$reindex", reindex_all, ("SearchParameter",)),
    Route(
        "$reindex", "GET", "/SearchParameter/<id_>/$reindex", reindex_status, ("SearchParameter",)
    ),
    Route(
        "$reindex",
        "POST",
        "/SearchParameter/<id_>/$reindex",
        reindex,
        ("SearchParameter",),
        is_writing=True,
    ),
    *_read_only("$lookup", "CodeSystem", lookup, is_of_instance=False),
    *_read_only("$validate-code", "CodeSystem", validate_code_of_system),
    *_read_only("$validate-code", "ValueSet", validate_code_of_value_set),
    *_read_only("$expand", "ValueSet", expand),
    *_read_only("$translate", "ConceptMap", translate),
    *_read_only("$subsumes", "CodeSystem", subsumes),
    Route("search-compartment", "GET", "/<compartment>/<id_>/<inner>", search_compartment),
)


def find(method: str, path: Sequence[str]) -> tuple[Route, dict[str, str]] | None:
    """Find the row of a request and the values of its variables; literal parts win."""
    best: tuple[Route, dict[str, str]] | None = None
    for route in TABLE:
        parts = [part for part in route.rule.split("/") if part]
        if route.method != method or len(parts) != len(path):
            continue
        pairs = list(zip(parts, path, strict=True))
        if any(part != given for part, given in pairs if not part.startswith("<")):
            continue
        variables = {part[1:-1]: given for part, given in pairs if part.startswith("<")}
        if best is None or len(variables) < len(best[1]):
            best = route, variables
    return best
