"""POST /oauth/token: client credentials for an access token (RFC 6749 section 4.4).

A client proves who it is by a secret or by an assertion signed with its key (SMART Backend
Services: https://hl7.org/fhir/smart-app-launch/STU2/backend-services.html).
"""

from flask import Response, jsonify

from gateway.api.oauth import OAUTH, client_of, form, uncached
from gateway.edge import services
from gateway.errors import GatewayError


@OAUTH.post("/oauth/token")
def token() -> Response:
    """Answer a token for the client."""
    given = form()
    if given.get("grant_type") != "client_credentials":
        raise GatewayError("GW-7020", name="grant_type", allowed="client_credentials")
    client = client_of(given)
    return uncached(jsonify(services().access.grant(client, given.get("scope", ""))))
