"""The Flask error handler: every refusal of every address becomes an OperationOutcome.

One of the three places that catch (the pipeline and the worker are the others).
"""

import uuid

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from gateway.edge import refusal, services
from gateway.errors import GatewayError
from gateway.telemetry import REQUESTS, log, log_bug

LOG = log("serve")


def register(app: Flask) -> None:
    """Catch what the views raise."""
    app.register_error_handler(GatewayError, _refused)
    app.register_error_handler(HTTPException, _rejected)
    app.register_error_handler(Exception, _failed)


def _refused(error: GatewayError) -> Response:
    REQUESTS.labels("refused", error.http).inc()
    return refusal(error)


def _rejected(error: HTTPException) -> Response:
    """Translate what Flask itself refuses: unknown addresses, methods, oversized bodies."""
    response = _refused(translated(error))
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


def translated(error: HTTPException) -> GatewayError:
    """Name an HTTP error of the framework by a number of the catalogue."""
    match error.code:
        case 404:
            return GatewayError("GW-7010")
        case 405:
            return GatewayError("GW-7009", method=request.method[:20])
        case 413:
            return GatewayError("GW-7008", limit=services().settings.max_body_bytes)
        case 415:
            given = request.headers.get("Content-Type", "-")[:80]
            return GatewayError("GW-7006", given=given, offered="application/fhir+json")
        case _:
            return GatewayError("GW-7024", status=error.code or 400)


def _failed(error: Exception) -> Response:
    """Answer a bug of ours: nothing of it is shown, the log has it under the same number."""
    incident = str(uuid.uuid4())
    log_bug(LOG, error, incident=incident, endpoint=request.endpoint)
    return _refused(GatewayError("GW-7000", incident=incident))
