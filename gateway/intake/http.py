"""Native records over HTTP: raw bytes in, a receipt out.

The receipt is given once the bytes are durable in the journal; what becomes of them is told at
the message's own address, or at once when the sender waits.
"""

from collections import Counter

from flask import Blueprint, Response, jsonify, request, url_for
from werkzeug.exceptions import RequestEntityTooLarge

from gateway.access import demand_intake
from gateway.edge import language, principal, server_url, services
from gateway.errors import GatewayError
from gateway.records import Channel, Envelope, Issue, Json, RecordResult

INTAKE = Blueprint("intake", __name__, url_prefix="/intake")


@INTAKE.post("/<channel>")
def receive(channel: str) -> Response:
    """Take one message; 202 with its receipt, or 200 with the outcome when asked to wait.

    ``?wait=true`` or ``Prefer: wait=…`` asks for the outcome; the waiting is for the processing
    itself, which is bounded by the message's size.
    """
    _demand_channel(channel)
    envelope = services().pipeline.receive(channel, _raw(), peer=request.remote_addr)
    if _is_waiting():
        results = services().pipeline.process(envelope)
        return jsonify(_told(envelope, results))
    services().pipeline.submit(envelope)
    response = jsonify(_receipt(envelope, "received"))
    response.status_code = 202
    response.headers["Location"] = _address(envelope)
    return response


@INTAKE.get("/messages/<message_id>")
def message(message_id: str) -> Response:
    """Tell what became of a message: its records, stages, errors and unread fields."""
    envelope = _visible(message_id)
    results = services().store.journal.results(envelope.channel.shard, message_id)
    return jsonify(_told(envelope, results))


@INTAKE.post("/messages/<message_id>/replay")
def replay(message_id: str) -> Response:
    """Process a message again with today's mappings, as its sender or the operator."""
    envelope = _visible(message_id)
    demand_intake(principal(), envelope.channel.id, envelope.channel.member)
    results = services().pipeline.replay(envelope.channel.shard, message_id)
    return jsonify(_told(envelope, results))


def _demand_channel(channel_id: str) -> Channel:
    """Give the channel; raise GW-1001 for none and for another member's, alike; GW-8004."""
    asker = principal()
    channel = services().store.registry.channel(channel_id)
    if channel is None or channel.shard != asker.visibility.shard:
        raise GatewayError("GW-1001", channel=channel_id[:80])
    demand_intake(asker, channel.id, channel.member)
    return channel


def _visible(message_id: str) -> Envelope:
    """Give a message of the asking member; raise GW-1004 for none and for another's, alike."""
    asker = principal()
    envelope = services().store.journal.message(asker.visibility.shard, message_id[:80])
    is_own = envelope is not None and envelope.channel.member == asker.member
    if envelope is None or not (is_own or asker.visibility.sees_all):
        raise GatewayError("GW-1004", message=message_id[:80])
    return envelope


def _raw() -> bytes:
    limit = services().settings.max_message_bytes
    request.max_content_length = limit
    try:
        return request.get_data(cache=False)
    except RequestEntityTooLarge as err:
        raise GatewayError("GW-1003", limit=limit) from err


def _is_waiting() -> bool:
    if request.args.get("wait", "").lower() in {"true", "1"}:
        return True
    preferences = request.headers.get("Prefer", "").lower().replace(";", ",").split(",")
    return any(part.strip().partition("=")[0] == "wait" for part in preferences)


def _address(envelope: Envelope) -> str:
    return server_url() + url_for("intake.message", message_id=envelope.message_id)


def _receipt(envelope: Envelope, status: str) -> dict[str, Json]:
    return {
        "message": envelope.message_id,
        "channel": envelope.channel.id,
        "status": status,
        "duplicate": envelope.is_duplicate,
        "received": envelope.received_utc.isoformat(),
        "links": {"self": _address(envelope), "replay": f"{_address(envelope)}/replay"},
    }


def _told(envelope: Envelope, results: list[RecordResult]) -> dict[str, Json]:
    """The receipt with every record's end; the whole is parked when one of them is."""
    counts = Counter(result.status for result in results)
    status = "parked" if counts["parked"] else "processed" if results else "received"
    return _receipt(envelope, status) | {
        "counts": dict(counts),
        "records": [_record(result) for result in results],
    }


def _record(result: RecordResult) -> dict[str, Json]:
    told: dict[str, Json] = {
        "ordinal": result.ordinal,
        "kind": result.kind,
        "status": result.status,
        "stage": result.stage,
        "mapping": result.mapping,
        "resources": [f"{server_url()}/fhir/{reference}" for reference in result.resources],
        "unread": list(result.unread),
        "warnings": [_issue(one) for one in result.warnings],
    }
    if result.error:
        told["error"] = {
            "number": result.error,
            "place": result.place,
            "zh": result.text_zh,
            "en": result.text_en,
            "text": result.text_en if language() == "en" else result.text_zh,
        }
    return told


def _issue(one: Issue) -> dict[str, Json]:
    return {
        "severity": one.severity,
        "number": one.number,
        "place": str(one.place) if one.place else one.expression,
        "zh": one.text_zh,
        "en": one.text_en,
    }
