"""The journal over HTTP: what became of a member's messages, and the way to try again."""

from datetime import datetime
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, request

from gateway.access import demand_intake
from gateway.edge import principal, server_url, services
from gateway.errors import GatewayError
from gateway.fhir.differences import differences
from gateway.fhir.times import parse_instant
from gateway.intake.http import raw_body
from gateway.intake.telling import line, receipt, record, told
from gateway.records import Channel, Json, Resource
from gateway.store import Message, Record

MESSAGES = Blueprint("intake_messages", __name__, url_prefix="/intake/messages")
_EQUAL = ("status", "stage", "error")
_FILTERS = frozenset({*_EQUAL, "channel", "key", "since", "until", "before", "limit"})
LARGEST_PAGE = 200
LARGEST_REPLAY = 1_000


@MESSAGES.get("")
def list_() -> Response:
    """List the records of the asking member's messages, the newest first.

    Filters: status, stage, error, channel, key, since, until; ``before`` and ``limit`` page.
    """
    limit = _limit()
    rows = _search(limit + 1)
    shown = rows[:limit]
    answer: dict[str, Json] = {"records": [line(row) for row in shown]}
    if len(rows) > limit:
        last = shown[-1]
        query = request.args.to_dict() | {"before": f"{last.message_id}.{last.ordinal}"}
        answer["links"] = {"next": f"{server_url()}/intake/messages?{urlencode(query)}"}
    return jsonify(answer)


@MESSAGES.post("/replay")
def replay_chosen() -> Response:
    """Replay every parked message that the filters choose, in the background; 202 with the number.

    Only channels that the asker may send to; at most 1,000 messages at once, the newest.
    """
    shard = principal().visibility.shard  # First of all who asks.
    if not _FILTERS & set(request.args):
        raise GatewayError("GW-1022")
    rows = _search(LARGEST_REPLAY, status=request.args.get("status", "parked"))
    chosen = dict.fromkeys((row.message_id, row.channel) for row in rows)
    services_ = services()
    for channel in {channel for _, channel in chosen}:
        demand_intake(principal(), channel, services_.store.registry.channel(channel).member)
    for message_id, _ in reversed(chosen):
        services_.pipeline.submit(services_.store.journal.envelope(shard, message_id))
    response = jsonify({"replaying": len(chosen), "more": len(rows) == LARGEST_REPLAY})
    response.status_code = 202
    return response


@MESSAGES.get("/<message_id>")
def message(message_id: str) -> Response:
    """Tell what became of a message: its records, stages, errors and unread fields."""
    found, _ = _visible(message_id)
    results = services().pipeline.results(found.shard, message_id)
    answer = receipt(message_id, found.channel, found.received_utc)
    return jsonify(answer | told(results) | {"status": found.status})


@MESSAGES.post("/<message_id>/replay")
def replay(message_id: str) -> Response:
    """Process a message again with today's mappings, as its sender or the operator.

    With a body, the body is the corrected file: a message of its own, to which the parked records
    then point. With ``?dry-run=true`` nothing is written, and what would change is told.
    """
    found, channel = _visible(message_id)
    demand_intake(principal(), channel.id, channel.member)
    raw = raw_body()
    if raw.strip():
        envelope, results = services().pipeline.correct(
            found.shard, message_id, raw, peer=request.remote_addr
        )
        answer = receipt(envelope.message_id, channel.id, envelope.received_utc)
        return jsonify(answer | {"corrects": message_id} | told(results))
    if request.args.get("dry-run", "").lower() in {"true", "1"}:
        return jsonify(_rehearsed(found))
    results = services().pipeline.replay(found.shard, message_id)
    return jsonify(receipt(message_id, channel.id, found.received_utc) | told(results))


def _visible(message_id: str) -> tuple[Message, Channel]:
    """Give a message of the asking member; raise GW-5007 for none and for another's, alike."""
    asker = principal()
    found = services().store.journal.message(asker.visibility.shard, message_id[:80])
    channel = services().store.registry.channel(found.channel)
    if channel.member != asker.member and not asker.visibility.sees_all:
        raise GatewayError("GW-5007", message_id=message_id[:80])
    return found, channel


def _rehearsed(found: Message) -> dict[str, Json]:
    """Tell how a replay would end, and each element that it would change."""
    records = [
        record(result)
        | {"changes": [_change(one.reference, one.previous, one.resource) for one in drafts]}
        for result, drafts in services().pipeline.rehearse(found.shard, found.message_id)
    ]
    answer = receipt(found.message_id, found.channel, found.received_utc)
    return answer | {"dry-run": True, "records": records}


def _change(reference: str, before: Resource | None, after: Resource | None) -> dict[str, Json]:
    return {
        "resource": reference,
        "action": "update" if before else "create",
        "differences": [
            {"path": one.path, "before": one.before, "after": one.after}
            for one in differences(before, after)
        ],
    }


def _search(limit: int, *, status: str | None = None) -> tuple[Record, ...]:
    """Give records by the request's filters, of the channels that the asker may see."""
    for name in request.args:
        if name not in _FILTERS:
            raise GatewayError("GW-1021", name=name[:40])
    args = request.args
    asker = principal()
    shard = asker.visibility.shard
    own = [
        one.id
        for one in services().store.registry.channels()
        if one.shard == shard and (one.member == asker.member or asker.visibility.sees_all)
    ]
    equal = {name: args[name] for name in _EQUAL if name in args}
    return services().store.journal.search(
        shard,
        **(equal | ({"status": status} if status else {})),
        channel=args.get("channel"),
        channels=own,
        key=(None, args["key"]) if "key" in args else None,
        received=(_instant("since"), _instant("until")),
        before=_before(),
        limit=limit,
    )


def _limit() -> int:
    text = request.args.get("limit", "50")
    if not (text.isascii() and text.isdecimal() and 0 < int(text[:9]) <= LARGEST_PAGE):
        raise GatewayError("GW-1021", name="limit")
    return int(text)


def _instant(name: str) -> datetime | None:
    if name not in request.args:
        return None
    try:
        return parse_instant(request.args[name].replace(" ", "+"))
    except ValueError as err:
        raise GatewayError("GW-1021", name=name) from err


def _before() -> tuple[str, int] | None:
    if "before" not in request.args:
        return None
    message_id, _, ordinal = request.args["before"].partition(".")
    if not (ordinal.isascii() and ordinal.isdecimal() and len(ordinal) < 10):
        raise GatewayError("GW-1021", name="before")
    return message_id, int(ordinal)
