"""POST /oauth/revoke: end a token before its time (RFC 7009)."""

from flask import Response, make_response

from gateway.api.oauth import OAUTH, client_of, form, uncached
from gateway.edge import services


@OAUTH.post("/oauth/revoke")
def revoke() -> Response:
    """End one of the client's own tokens; 200 too where there is nothing to end."""
    given = form()
    client = client_of(given)
    services().access.revoke(client, given.get("token", ""))
    return uncached(make_response(b""))
