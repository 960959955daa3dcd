"""GET /openapi.json: every address of this server, read from what is routed.

https://spec.openapis.org/oas/v3.0.3. What FHIR says of its resources stands in /fhir/metadata.
"""

import re
from typing import Any

from flask import Response, current_app, jsonify
from werkzeug.routing import Rule

from gateway import __version__
from gateway.api.negotiation import OFFERED
from gateway.edge import server_url

_VARIABLE = re.compile(r"<(?:[^:<>]+:)?(\w+)>")
_FORM = "application/x-www-form-urlencoded"
_OPEN = ("/healthz", "/readyz", "/metrics", "/oauth/", "/openapi.json", "/fhir/metadata", "/view/")
_BODIED = frozenset({"POST", "PUT", "PATCH"})
_CREDENTIALS = {
    "type": "object",
    "required": ["grant_type"],
    "properties": {
        "grant_type": {"type": "string", "enum": ["client_credentials"]},
        "client_id": {"type": "string"},
        "client_secret": {"type": "string"},
        "scope": {"type": "string"},
    },
}


def openapi() -> Response:
    """Answer the OpenAPI document of the running server."""
    paths: dict[str, dict[str, Any]] = {}
    for rule in current_app.url_map.iter_rules():
        address = _VARIABLE.sub(r"{\1}", rule.rule)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            paths.setdefault(address, {})[method.lower()] = _operation(rule, method)
    return jsonify(
        {
            "openapi": "3.0.3",
            "info": {"title": "consortium-fhir-gateway", "version": __version__},
            "servers": [{"url": server_url()}],
            "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
            "paths": dict(sorted(paths.items())),
        }
    )


def _operation(rule: Rule, method: str) -> dict[str, Any]:
    text = (current_app.view_functions[rule.endpoint].__doc__ or rule.endpoint).strip()
    made: dict[str, Any] = {
        "operationId": f"{method.lower()}-{rule.endpoint}",
        "summary": text.partition("\n")[0],
        "security": [] if _is_open(rule.rule, method) else [{"token": []}],
        "responses": {
            "2XX": {"description": "Done"},
            "4XX": {"description": "Refused, with the reason in Chinese and English"},
            "503": {"description": "The store is away for now"},
        },
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in sorted(rule.arguments)
        ],
    }
    if method in _BODIED:
        made["requestBody"] = {"content": _content(rule.rule)}
    return made


def _is_open(address: str, method: str) -> bool:
    if address.startswith("/soap/") and method == "GET":
        return True  # The description of the service; calls sign in.
    return address == "/" or "/.well-known/" in address or address.startswith(_OPEN)


def _content(address: str) -> dict[str, Any]:
    """Give the kinds of body that an address takes."""
    if address.startswith("/oauth/"):
        return {_FORM: {"schema": _CREDENTIALS}}
    if address.endswith("/_search"):
        return {_FORM: {"schema": {"type": "object"}}}
    if address.startswith("/fhir"):
        return {kind: {"schema": {"type": "object"}} for kind in OFFERED.split(", ")[:1]}
    return {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
