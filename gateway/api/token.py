"""POST /oauth/token: client credentials for an access token (RFC 6749 section 4.4).

Errors have RFC 6749's shape (section 5.2), not an OperationOutcome's.
"""

from flask import Blueprint, Response, jsonify, request

from gateway.access import basic_credentials
from gateway.api.body import read_body
from gateway.api.parameters import pairs
from gateway.edge import language, services
from gateway.errors import GatewayError
from gateway.trail import trail_of

OAUTH = Blueprint("oauth", __name__)
_FORM = "application/x-www-form-urlencoded"
_LARGEST = 20_000
_ERRORS = {"GW-8008": "invalid_client", "GW-8009": "invalid_scope", "GW-8010": "invalid_scope"}


@OAUTH.post("/oauth/token")
def token() -> Response:
    """Answer a token for the client's id and secret, by HTTP Basic or in the form."""
    if request.mimetype != _FORM:
        raise GatewayError("GW-7006", given=request.mimetype[:80] or "-", offered=_FORM)
    form = dict(pairs(read_body(_LARGEST)))
    if form.get("grant_type") != "client_credentials":
        raise GatewayError("GW-7020", name="grant_type", allowed="client_credentials")
    header = request.headers.get("Authorization")
    given = basic_credentials(header) if header else None
    client_id, secret = given or (form.get("client_id", ""), form.get("client_secret", ""))
    trail_of(request.environ).client = client_id[:200]
    response = jsonify(services().access.token(client_id, secret, form.get("scope", "")))
    return _uncached(response)


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
    response.status_code = error.http if error.http in {401, 413, 503} else 400
    if error.http == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="oauth", charset="UTF-8"'
    return _uncached(response)


def _uncached(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"
    return response
