"""Native records over HTTP: raw bytes in, a receipt out.

The receipt is given once the bytes are durable in the journal; what becomes of them is told at
the message's own address, or at once when the sender waits.
"""

from collections import Counter
from datetime import datetime

from flask import Blueprint, Response, jsonify, request, url_for

from gateway.access import demand_intake
from gateway.edge import body_within, language, principal, server_url, services
from gateway.errors import GatewayError
from gateway.fhir.times import format_instant
from gateway.records import Channel, Issue, Json, RecordResult
from gateway.store import Message

INTAKE = Blueprint("intake", __name__, url_prefix="/intake")


@INTAKE.post("/<channel>")
def receive(channel: str) -> Response:
    """Take one message; 202 with its receipt, or 200 with the outcome when asked to wait.

    ``?wait=true`` or ``Prefer: wait=…`` asks for the outcome; the waiting is for the processing
    itself, which is bounded by the message's size.
    """
    _demand_channel(channel)
    envelope = services().pipeline.receive(channel, _raw(), peer=request.remote_addr)
    receipt = _receipt(envelope.message_id, channel, envelope.received_utc)
    receipt["duplicate"] = envelope.is_duplicate
    if _is_waiting():
        return jsonify(receipt | _told(services().pipeline.process(envelope)))
    services().pipeline.submit(envelope)
    response = jsonify(receipt | {"status": "received"})
    response.status_code = 202
    response.headers["Location"] = _address(envelope.message_id)
    return response


@INTAKE.get("/messages/<message_id>")
def message(message_id: str) -> Response:
    """Tell what became of a message: its records, stages, errors and unread fields."""
    found, _ = _visible(message_id)
    results = services().pipeline.results(found.shard, message_id)
    receipt = _receipt(message_id, found.channel, found.received_utc)
    return jsonify(receipt | _told(results) | {"status": found.status})


@INTAKE.post("/messages/<message_id>/replay")
def replay(message_id: str) -> Response:
    """Process a message again with today's mappings, as its sender or the operator.

    With a body, the body is the corrected file: a message of its own, to which the parked records
    then point.
    """
    found, channel = _visible(message_id)
    demand_intake(principal(), channel.id, channel.member)
    raw = _raw()
    if raw.strip():
        envelope, results = services().pipeline.correct(
            found.shard, message_id, raw, peer=request.remote_addr
        )
        receipt = _receipt(envelope.message_id, channel.id, envelope.received_utc)
        return jsonify(receipt | {"corrects": message_id} | _told(results))
    results = services().pipeline.replay(found.shard, message_id)
    return jsonify(_receipt(message_id, channel.id, found.received_utc) | _told(results))


def _demand_channel(channel_id: str) -> Channel:
    """Give the channel; raise GW-1001 for none and for another member's, alike; GW-8004."""
    asker = principal()
    channel = services().store.registry.channel(channel_id[:80])
    if channel.shard != asker.visibility.shard:
        raise GatewayError("GW-1001", channel=channel_id[:80])
    demand_intake(asker, channel.id, channel.member)
    return channel


def _visible(message_id: str) -> tuple[Message, Channel]:
    """Give a message of the asking member; raise GW-5007 for none and for another's, alike."""
    asker = principal()
    found = services().store.journal.message(asker.visibility.shard, message_id[:80])
    channel = services().store.registry.channel(found.channel)
    if channel.member != asker.member and not asker.visibility.sees_all:
        raise GatewayError("GW-5007", message_id=message_id[:80])
    return found, channel


def _raw() -> bytes:
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


def _address(message_id: str) -> str:
    return server_url() + url_for("intake.message", message_id=message_id)


def _receipt(message_id: str, channel: str, received_utc: datetime) -> dict[str, Json]:
    address = _address(message_id)
    return {
        "message": message_id,
        "channel": channel,
        "received": format_instant(received_utc),
        "links": {"self": address, "replay": f"{address}/replay"},
    }


def _told(results: list[RecordResult]) -> dict[str, Json]:
    """Every record's end; the message counts as parked when one of them is."""
    counts: Counter[str] = Counter(result.status for result in results)
    order = ("parked", "stored", "stale", "unchanged")
    return {
        "status": next((status for status in order if counts[status]), "empty"),
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
