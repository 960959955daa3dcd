"""The application: services built from the settings, edges mounted on Flask.

``gateway serve`` and any WSGI server start ``from_environment``; tests wire a runtime themselves.
"""

import os
import threading
import time
from ipaddress import ip_address
from multiprocessing.util import Finalize

from flask import Flask, Response, request

from gateway.api import introspect, revoke, token  # noqa: F401 - their routes are on OAUTH.
from gateway.api.direct import DirectReads
from gateway.api.failures import register
from gateway.api.health import HEALTH
from gateway.api.oauth import OAUTH
from gateway.api.openapi import openapi
from gateway.api.routes import fhir
from gateway.api.smart_configuration import smart_configuration
from gateway.bodies import Bodies
from gateway.console.pages import CONSOLE
from gateway.edge import EXTENSION, SAFE_HEADERS, Services, services, transport_headers
from gateway.errors import GatewayError
from gateway.intake.http import INTAKE
from gateway.intake.messages import MESSAGES
from gateway.intake.soap import SOAP
from gateway.running import listening
from gateway.settings import load_settings
from gateway.telemetry import configure_logging
from gateway.trail import Trailed
from gateway.wiring import build_runtime, settle

PARENT_POLL_S = 0.5
DRAINED_BYTES = 8_000_000
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


def create_app(runtime: Services) -> Flask:
    """Mount the edges on a Flask application."""
    if runtime.settings.sandbox and not runtime.settings.is_loopback:
        raise GatewayError("GW-8013", listen=runtime.settings.listen)
    app = Flask("gateway", static_folder=None)
    direct = DirectReads(Bodies(app.wsgi_app, runtime.settings.threads), runtime)
    app.wsgi_app = Trailed(direct, runtime.store)  # type: ignore[method-assign]
    app.extensions[EXTENSION] = runtime
    app.config["MAX_CONTENT_LENGTH"] = runtime.settings.max_body_bytes
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.register_blueprint(fhir(), url_prefix="/fhir")
    app.add_url_rule("/.well-known/smart-configuration", "smart-root", smart_configuration)
    app.add_url_rule("/openapi.json", "openapi", openapi)
    app.register_blueprint(OAUTH)
    app.register_blueprint(HEALTH)
    app.register_blueprint(INTAKE)
    app.register_blueprint(MESSAGES)
    app.register_blueprint(SOAP)
    app.register_blueprint(CONSOLE)
    register(app)
    app.after_request(_protected)
    app.after_request(_drained)
    if runtime.settings.sandbox:
        app.before_request(_demand_loopback)
        app.after_request(_marked)
    return app


def from_environment() -> Flask:
    """Build the application from GATEWAY_* and the TOML file."""
    settings = load_settings()
    configure_logging(settings.log_level)
    return create_app(build_runtime(settings))


def supervised() -> Flask:
    """Build the application for a server process of ``gateway serve``, which ends with its parent.

    It listens for MLLP beside its parent, so that all processors share that work. The parent
    delivers notices; a process that outlived it would go on answering while nothing is delivered,
    and keep the ports from the next start.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_POLL_S)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()
    settings = load_settings()
    configure_logging(settings.log_level)
    runtime = build_runtime(settings)
    # A child of multiprocessing runs these, and not what is registered with atexit.
    Finalize(None, listening(runtime, is_joining=True).close, exitpriority=1)
    settle()
    return create_app(runtime)


def _protected(response: Response) -> Response:
    settings = services().settings
    for name, value in (*SAFE_HEADERS, *transport_headers(settings)):
        response.headers.setdefault(name, value)
    return response


def _drained(response: Response) -> Response:
    """Read what a refusal left unread of the body.

    The server would close the connection over it, and the next request of a client that keeps
    its connections would be lost. A server that does not end the body by itself (``wsgiref``)
    would wait for more of it, and closes each connection anyway.
    """
    is_left = request.content_length or "Transfer-Encoding" in request.headers
    if response.status_code >= 400 and is_left and request.environ.get("wsgi.input_terminated"):
        left = DRAINED_BYTES
        try:
            while left > 0 and (part := request.environ["wsgi.input"].read(min(left, 65_536))):
                left -= len(part)
        except GatewayError:
            response.headers["Connection"] = "close"
    return response


def _marked(response: Response) -> Response:
    """Say on every answer that nobody is asked who they are."""
    response.headers["X-Gateway-Sandbox"] = "no authentication; loopback only"
    return response


def _demand_loopback() -> None:
    """Refuse other machines, and pages of other sites whose name leads here (DNS rebinding)."""
    name = request.host.rpartition(":")[0] or request.host
    if request.host.endswith("]"):
        name = request.host
    is_here = request.remote_addr is None or ip_address(request.remote_addr).is_loopback
    if not is_here or name.lower() not in _LOOPBACK_NAMES:
        raise GatewayError("GW-8013", listen=name[:80])
