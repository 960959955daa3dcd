"""What the edges share: the wired services, who asks, and in which language to answer.

``api``, ``intake`` and ``console`` are siblings; ``gateway.app`` puts the services where
``services`` finds them.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, cast

from flask import Response, current_app, g, make_response, request
from werkzeug.exceptions import RequestEntityTooLarge

from gateway.access import Access, for_purpose, purpose_of
from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.fhir.conformance import Conformance
from gateway.fhir.definitions import Definitions
from gateway.fhir.outcome import operation_outcome
from gateway.fhir.terminology import Terminology
from gateway.pipeline import Pipeline
from gateway.records import Principal, ShardChecks
from gateway.settings import Settings
from gateway.store import Store
from gateway.trail import trail_of

EXTENSION = "gateway"
FHIR_JSON = "application/fhir+json"
SAFE_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    # What is answered is data: where a browser takes it for a page, the page does nothing.
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox"),
    ("Referrer-Policy", "no-referrer"),
)
"""What every answer carries unless it says otherwise itself (pages have a policy of their own)."""
PURPOSE_HEADER = "X-Purpose-Of-Use"


class Services(Protocol):
    """Everything an edge may need; ``gateway.app`` builds it."""

    @property
    def settings(self) -> Settings:
        """The settings in force."""

    @property
    def store(self) -> Store:
        """The only store."""

    @property
    def pipeline(self) -> Pipeline:
        """The record's way."""

    @property
    def validator(self) -> ShardChecks:
        """The compiled validator."""

    @property
    def access(self) -> Access:
        """Tokens, principals, links."""

    @property
    def definitions(self) -> Definitions:
        """The R4 definitions."""

    @property
    def conformance(self) -> Conformance:
        """The definitions that all tenants share."""

    @property
    def terminology(self) -> Terminology:
        """The codes of these definitions."""

    @property
    def clock(self) -> Callable[[], datetime]:
        """The current instant, with its zone."""


def services() -> Services:
    """Give the services of the running application."""
    return cast("Services", current_app.extensions[EXTENSION])


def principal() -> Principal:
    """Name who sent the current request; raise GW-8001 or GW-8002."""
    if "principal" not in g:
        asker = services().access.authenticate(request.headers.get("Authorization"))
        purpose = purpose_of(request.headers.get(PURPOSE_HEADER))
        g.principal = trail_of(request.environ).watch(for_purpose(asker, purpose), purpose)
    return cast("Principal", g.principal)


def language() -> str:
    """Choose the language of texts: Chinese unless the client prefers English."""
    return request.accept_languages.best_match(["zh", "en"]) or "zh"


def transport_headers(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Ask browsers to come by TLS only, where the server's own address is one of TLS (RFC 6797)."""
    is_tls = settings.server_url.startswith("https://")
    return (("Strict-Transport-Security", "max-age=31536000"),) if is_tls else ()


def server_url() -> str:
    """Give the address clients use, without a slash at the end."""
    return services().settings.server_url.rstrip("/") or request.host_url.rstrip("/")


def body_within(limit: int) -> bytes | None:
    """Read the request's body; None when it is larger than the limit, announced or streamed.

    Werkzeug ends a stream of unknown length silently at its limit, so the limit that it is given
    is one octet more than ours: a body cut there shows by its length.
    """
    request.max_content_length = limit + 1
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        return None
    return body if len(body) <= limit else None


def refusal(error: GatewayError) -> Response:
    """Answer an error as an OperationOutcome, with the headers its status asks for."""
    trail_of(request.environ).error = error.number
    response = make_response(codec.encode(operation_outcome(error.as_issues(), language())))
    response.status_code = error.http
    response.content_type = f"{FHIR_JSON}; charset=utf-8"
    return with_error_headers(response, error)


def with_error_headers(response: Response, error: GatewayError) -> Response:
    """Add what RFC 6750 and RFC 9110 ask for beside the status."""
    if error.http == 401:
        is_bad_token = error.number == "GW-8002"
        response.headers["WWW-Authenticate"] = 'Bearer realm="fhir"' + (
            ', error="invalid_token"' if is_bad_token else ""
        )
    if error.http == 403 and error.number in {"GW-8003", "GW-8004"}:
        response.headers["WWW-Authenticate"] = 'Bearer realm="fhir", error="insufficient_scope"'
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(error.retry_after_s)
    elif error.http in {429, 503}:
        response.headers["Retry-After"] = "5"
    return response
