"""What the endpoints of OAuth share: their forms, who asks, and errors in RFC 6749's shape."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, request

from gateway.access import ASSERTION_TYPE, ClientRow, basic_credentials
from gateway.api.body import read_body
from gateway.api.parameters import pairs
from gateway.edge import language, server_url, services
from gateway.errors import GatewayError
from gateway.trail import trail_of

OAUTH = Blueprint("oauth", __name__)
_FORM = "application/x-www-form-urlencoded"
_LARGEST = 20_000
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_ERRORS = {
    **dict.fromkeys(("GW-8008", "GW-8016", "GW-8017"), "invalid_client"),
    **dict.fromkeys(("GW-8009", "GW-8010", "GW-8023"), "invalid_scope"),
    "GW-8020": "unauthorized_client",
    "GW-8024": "temporarily_unavailable",
}


def form() -> dict[str, str]:
    """Read the request's form; raise GW-7006 for another body, GW-7020 for a repeated name."""
    if request.mimetype != _FORM:
        raise GatewayError("GW-7006", given=request.mimetype[:80] or "-", offered=_FORM)
    given = pairs(read_body(_LARGEST))
    found = dict(given)
    if len(found) != len(given):
        name = next(name for name, _ in given if sum(one == name for one, _ in given) > 1)
        raise GatewayError("GW-7020", name=name[:80], allowed="1")
    return found


def client_of(given: dict[str, str]) -> ClientRow:
    """Name the client by assertion, HTTP Basic or form; raise GW-8008, GW-8016, GW-8017.

    https://www.rfc-editor.org/rfc/rfc6749#section-2.3
    """
    clients, trail = services().access.clients, trail_of(request.environ)
    header = request.headers.get("Authorization")
    if "client_assertion" in given or "client_assertion_type" in given:
        if given.get("client_assertion_type") != ASSERTION_TYPE or header:
            raise GatewayError("GW-8016", claim="client_assertion_type")
        client = clients.by_assertion(given.get("client_assertion", ""), audiences())
        trail.client = client.id
        if given.get("client_id", client.id) != client.id:
            raise GatewayError("GW-8016", claim="client_id")
        return client
    basic = basic_credentials(header) if header else None
    client_id, secret = basic or (given.get("client_id", ""), given.get("client_secret", ""))
    trail.client = client_id[:200]
    return clients.by_secret(client_id, secret, request.remote_addr or "")


def audiences() -> frozenset[str]:
    """Give the addresses of the token endpoint that an assertion may be meant for.

    The address that a request came by is not one of them: whoever sends it chooses that; only
    an address that means every machine itself is taken from there.
    """
    settings = services().settings
    known = {settings.public_url} if settings.server_url or settings.is_loopback else set()
    if not settings.server_url and urlsplit(server_url()).hostname in _LOOPBACK:
        known.add(server_url())
    return frozenset(f"{one}/oauth/token" for one in known)


def uncached(response: Response) -> Response:
    """Keep what holds a token, or tells of one, out of every cache."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"
    return response


@OAUTH.errorhandler(GatewayError)
def refused(error: GatewayError) -> Response:
    """Answer a refusal as RFC 6749 section 5.2 asks."""
    trail_of(request.environ).error = error.number
    code = _ERRORS.get(error.number, "invalid_request")
    if error.details.get("name") == "grant_type":
        code = "unsupported_grant_type"
    text = error.text_en if language() == "en" else error.text_zh
    response = jsonify(error=code, error_description=f"{error.number} {text}")
    # RFC 6749: everything but a wrong client is 400.
    response.status_code = error.http if error.http in {401, 413, 429, 503} else 400
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(error.retry_after_s)
    if error.http == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="oauth", charset="UTF-8"'
    return uncached(response)
