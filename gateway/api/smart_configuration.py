"""Discovery of the authorization endpoints; offers only what is there.

https://hl7.org/fhir/smart-app-launch/STU2/conformance.html
"""

from flask import Response, jsonify

from gateway.edge import server_url


def smart_configuration() -> Response:
    """Answer where tokens are issued and by which means."""
    return jsonify(
        {
            "token_endpoint": f"{server_url()}/oauth/token",
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "grant_types_supported": ["client_credentials"],
            "scopes_supported": ["system/*.cruds", "system/*.rs", "intake/*"],
            "response_types_supported": [],
            "capabilities": ["permission-v1", "permission-v2"],
        }
    )
