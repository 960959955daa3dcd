"""POST /oauth/introspect: what a token is worth (RFC 7662)."""

from flask import Response, jsonify

from gateway.api.oauth import OAUTH, client_of, form, uncached
from gateway.edge import services


@OAUTH.post("/oauth/introspect")
def introspect() -> Response:
    """Answer whether a token holds, and what for, to its own member and to operators."""
    given = form()
    client = client_of(given)
    return uncached(jsonify(services().access.introspect(client, given.get("token", ""))))
