"""Cross-origin requests of browser apps (https://fetch.spec.whatwg.org/#http-cors-protocol).

Only the origins of the setting ``cors_origins`` are let in; who asks is still said by the token,
never by a cookie, so credentials are not allowed.
"""

from flask import Blueprint, Response, make_response, request

from gateway.edge import services

_PATHS = ("/fhir", "/oauth/", "/.well-known/")
_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_ASKED = (
    "Accept, Accept-Language, Authorization, Content-Type, If-Match, If-Modified-Since, "
    "If-None-Exist, If-None-Match, Prefer, X-Requested-With"
)
_ANSWERED = "Content-Location, ETag, Last-Modified, Location, Retry-After, WWW-Authenticate"
_KEPT_S = "600"


def allow_origins(blueprint: Blueprint) -> None:
    """Answer preflights and mark answers, on all addresses that browser apps need."""
    blueprint.before_app_request(_preflight)
    blueprint.after_app_request(_marked)


def _allowed() -> str | None:
    """Give what to answer as the allowed origin; None for a request of no allowed origin."""
    origin = request.headers.get("Origin")
    if origin is None or not request.path.startswith(_PATHS):
        return None
    listed = [one.strip() for one in services().settings.cors_origins.split(",")]
    if "*" in listed:
        return "*"
    return origin if origin in listed else None


def _preflight() -> Response | None:
    is_preflight = (
        request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
    )
    if not is_preflight or _allowed() is None:
        return None
    response = make_response("", 204)
    response.headers["Access-Control-Allow-Methods"] = _METHODS
    response.headers["Access-Control-Allow-Headers"] = _ASKED
    response.headers["Access-Control-Max-Age"] = _KEPT_S
    return response


def _marked(response: Response) -> Response:
    if services().settings.cors_origins and request.path.startswith(_PATHS):
        response.vary.add("Origin")
    allowed = _allowed()
    if allowed is not None:
        response.headers["Access-Control-Allow-Origin"] = allowed
        response.headers["Access-Control-Expose-Headers"] = _ANSWERED
    return response
