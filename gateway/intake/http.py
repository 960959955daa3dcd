"""Native records over HTTP: raw bytes in, a receipt out.

The receipt is given once the bytes are durable in the journal; what becomes of them is told at
the message's own address, or at once when the sender waits.
"""

from flask import Blueprint, Response, jsonify, request

from gateway.access import demand_intake
from gateway.edge import body_within, principal, services
from gateway.errors import GatewayError
from gateway.formats import hl7v3_ack
from gateway.intake.telling import address, receipt, told
from gateway.records import Channel, Envelope, RecordResult

INTAKE = Blueprint("intake", __name__, url_prefix="/intake")


@INTAKE.post("/<channel>")
def receive(channel: str) -> Response:
    """Take one message; 202 with its receipt, or 200 with the outcome when asked to wait.

    A channel with the option ``answer: hl7v3`` answers with MCCI_IN000002UV01 when all is done.
    ``?wait=true`` or ``Prefer: wait=…`` asks for the outcome; the waiting is for the processing
    itself, which is bounded by the message's size.
    """
    known = demand_channel(channel)
    envelope = services().pipeline.receive(channel, raw_body(), peer=request.remote_addr)
    if known.options.get("answer") == "hl7v3":
        return _hl7v3_answer(envelope, services().pipeline.process(envelope))
    answer = receipt(envelope.message_id, channel, envelope.received_utc)
    answer["duplicate"] = envelope.is_duplicate
    if _is_waiting():
        return jsonify(answer | told(services().pipeline.process(envelope)))
    services().pipeline.submit(envelope)
    response = jsonify(answer | {"status": "received"})
    response.status_code = 202
    response.headers["Location"] = address(envelope.message_id)
    return response


def _hl7v3_answer(envelope: Envelope, results: list[RecordResult]) -> Response:
    """Give the HL7 V3 acknowledgement of what became of a message."""
    failed = next((one for one in results if one.status == "parked"), None)
    answer = hl7v3_ack.acknowledge(
        envelope.raw,
        "AE" if failed else "AA",
        now=services().pipeline.now(),
        text=f"{failed.error} {failed.text_zh or ''}" if failed else "",
        control_id=envelope.message_id,
        charset=envelope.channel.charset,
    )
    return Response(answer, mimetype="application/xml")


def demand_channel(channel_id: str) -> Channel:
    """Give the channel; raise GW-1001 for none and for another member's, alike; GW-8004."""
    asker = principal()
    channel = services().store.registry.channel(channel_id[:80])
    if channel.shard != asker.visibility.shard:
        raise GatewayError("GW-1001", channel=channel_id[:80])
    demand_intake(asker, channel.id, channel.member)
    return channel


def raw_body() -> bytes:
    """Give the request's body; raise GW-1003 when it is too large."""
    limit = services().settings.max_message_bytes
    raw = body_within(limit)
    if raw is None:
        raise GatewayError("GW-1003", limit=limit)
    return raw


def _is_waiting() -> bool:
    if request.args.get("wait", "").lower() in {"true", "1"}:
        return True
    preferences = request.headers.get("Prefer", "").lower().replace(";", ",").split(",")
    return any(part.strip().partition("=")[0] == "wait" for part in preferences)
