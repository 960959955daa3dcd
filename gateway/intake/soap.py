"""The SOAP entrance: ``HIPMessageServer(action, message)`` of a channel, and its WSDL.

The option ``soap: {actions: {NAME: channel}}`` of the channel in the address leads actions to
channels of their own; without it every action is that channel's. Clients sign in with HTTP Basic
(client id and secret) or with a bearer token.
"""

from flask import Blueprint, Response, g, request

from gateway.access import basic_credentials
from gateway.edge import server_url, services, with_error_headers
from gateway.errors import KINDS, GatewayError
from gateway.formats import soap
from gateway.intake.hl7v2 import receiver
from gateway.intake.http import demand_channel, raw_body
from gateway.records import Channel

SOAP = Blueprint("soap", __name__, url_prefix="/soap")
SHOWN = 5


@SOAP.get("/<channel>")
def wsdl(channel: str) -> Response:
    """Answer the WSDL (``?wsdl``); it is the same for every channel but for its address."""
    if "wsdl" not in {name.lower() for name in request.args}:
        raise GatewayError("GW-7010")
    content = soap.wsdl(f"{server_url()}/soap/{channel[:80]}")
    return Response(content, content_type="text/xml; charset=utf-8")


@SOAP.post("/<channel>")
def call(channel: str) -> Response:
    """Take the message of a call and answer how its records ended."""
    _sign_in()
    entrance = demand_channel(channel)
    asked = soap.read_call(raw_body(), request.mimetype_params.get("charset"))
    target = _target(entrance, asked.action)
    text = _taken(target, soap.encoded(asked.message, target.charset))
    return _respond(soap.answer(asked.version, text), asked.version)


@SOAP.errorhandler(GatewayError)
def refused(error: GatewayError) -> Response:
    """Answer a fault; SOAP 1.1 wants status 500 for every one (section 6.2)."""
    version = soap.version_of(request.content_type or "")
    is_callers = error.http < 500
    content = soap.fault(version, error.number, error.text_zh, is_callers=is_callers)
    response = _respond(content, version)
    response.status_code = error.http if version == "1.2" or error.http in {401, 403, 503} else 500
    return with_error_headers(response, error)


def _sign_in() -> None:
    """Name the principal of HTTP Basic credentials; a bearer token is read as everywhere."""
    given = basic_credentials(request.headers.get("Authorization", ""))
    if given and not services().access.is_sandbox:
        token = services().access.token(*given, peer=request.remote_addr or "")
        g.principal = services().access.principal(str(token["access_token"]))


def _target(entrance: Channel, action: str) -> Channel:
    actions = entrance.options.get("soap", {}).get("actions")
    if actions is None:
        return entrance
    if action not in actions:
        raise GatewayError("GW-1071", operation="action")
    return demand_channel(actions[action])


def _taken(channel: Channel, raw: bytes) -> str:
    """Bring the message to its end; the answer is that of its format."""
    way = services().pipeline
    peer = request.remote_addr or ""
    if channel.format == "hl7v2":
        answer = receiver(way, channel, services().clock)(raw, peer)
        if answer is None:
            raise GatewayError("GW-1072")
        return answer.decode(channel.charset or "utf-8", errors="replace")
    try:
        envelope = way.receive(channel.id, raw, peer=peer)
    except GatewayError as error:
        if KINDS[error.kind].is_retried:
            raise
        return soap.result("AE", f"{error.number} {error.text_zh}", "")
    failed = [one for one in way.process(envelope) if one.status == "parked"]
    if not failed:
        return soap.result("AA", "", envelope.message_id)
    told = [f"{one.error} {one.place or ''} {one.text_zh or ''}" for one in failed[:SHOWN]]
    return soap.result("AE", "\n".join(told), envelope.message_id)


def _respond(content: bytes, version: str) -> Response:
    return Response(content, content_type=soap.content_type(version))
