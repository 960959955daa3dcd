"""The Flask error handler: every refusal of every address becomes an OperationOutcome.

One of the few places that catch: pipeline, worker and the polling of carriers are the others.
"""

import uuid

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from gateway.api.negotiation import OFFERED, Format, answer_format
from gateway.edge import refusal, services
from gateway.errors import GatewayError
from gateway.fhir import codec, xml
from gateway.telemetry import REQUESTS, log, log_bug

LOG = log("serve")


def register(app: Flask) -> None:
    """Catch what the views raise."""
    app.register_error_handler(GatewayError, _refused)
    app.register_error_handler(HTTPException, _rejected)
    app.register_error_handler(Exception, _failed)


def _refused(error: GatewayError) -> Response:
    REQUESTS.labels("refused", error.http).inc()
    response = refusal(error)
    if request.path.startswith("/fhir") and (wanted := _wanted()).is_xml:
        response.set_data(xml.encode(codec.decode_stored(response.get_data())))
        response.content_type = f"{wanted.content_type}; charset=utf-8"
    return response


def _wanted() -> Format:
    """Give the format asked for; JSON when that is the very thing that was refused."""
    try:
        return answer_format(request.args.get("_format"), request.accept_mimetypes, None)
    except GatewayError:
        return Format()


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
            return GatewayError("GW-7006", given=given, offered=OFFERED)
        case _:
            return GatewayError("GW-7024", status=error.code or 400)


def _failed(error: Exception) -> Response:
    """Answer a bug of ours: nothing of it is shown, the log has it under the same number."""
    incident = str(uuid.uuid4())
    log_bug(LOG, error, incident=incident, endpoint=request.endpoint)
    return _refused(GatewayError("GW-7000", incident=incident))
