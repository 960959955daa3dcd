"""Discovery of the authorization endpoints; offers only what is there.

https://hl7.org/fhir/smart-app-launch/STU2/conformance.html
"""

from flask import Response, jsonify

from gateway.access import ALGORITHMS
from gateway.api.oauth import audiences
from gateway.edge import server_url


def smart_configuration() -> Response:
    """Answer where tokens are issued and by which means.

    Signed assertions are offered where it is known which address they have to be meant for.
    """
    root = server_url()
    methods = ["client_secret_basic", "client_secret_post"]
    capabilities = ["permission-v1", "permission-v2"]
    signed = {}
    if f"{root}/oauth/token" in audiences():
        methods.insert(0, "private_key_jwt")
        capabilities.insert(0, "client-confidential-asymmetric")
        signed["token_endpoint_auth_signing_alg_values_supported"] = list(ALGORITHMS)
    return jsonify(
        {
            "token_endpoint": f"{root}/oauth/token",
            "token_endpoint_auth_methods_supported": methods,
            **signed,
            "introspection_endpoint": f"{root}/oauth/introspect",
            "introspection_endpoint_auth_methods_supported": methods,
            "revocation_endpoint": f"{root}/oauth/revoke",
            "revocation_endpoint_auth_methods_supported": methods,
            "grant_types_supported": ["client_credentials"],
            "scopes_supported": ["system/*.cruds", "system/*.rs", "intake/*"],
            "response_types_supported": [],
            "capabilities": capabilities,
        }
    )
