"""What a sender is told of its messages: receipt, records, errors with their places."""

from collections import Counter
from datetime import datetime

from flask import url_for

from gateway.edge import language, server_url
from gateway.fhir.times import format_instant
from gateway.records import Issue, Json, RecordResult
from gateway.store import Record


def address(message_id: str) -> str:
    """Give the address where a message is told of."""
    return server_url() + url_for("intake_messages.message", message_id=message_id)


def receipt(message_id: str, channel: str, received_utc: datetime) -> dict[str, Json]:
    """Give what the sender keeps: the message's id, and where to ask and to replay."""
    place = address(message_id)
    return {
        "message": message_id,
        "channel": channel,
        "received": format_instant(received_utc),
        "links": {"self": place, "replay": f"{place}/replay"},
    }


def told(results: list[RecordResult]) -> dict[str, Json]:
    """Every record's end; the message counts as parked when one of them is."""
    counts: Counter[str] = Counter(result.status for result in results)
    order = ("parked", "stored", "stale", "unchanged")
    return {
        "status": next((status for status in order if counts[status]), "empty"),
        "counts": dict(counts),
        "records": [record(result) for result in results],
    }


def record(result: RecordResult) -> dict[str, Json]:
    """Tell how one record ended: stage, resources, unread fields, warnings, error."""
    ended: dict[str, Json] = {
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
        ended["error"] = {
            "number": result.error,
            "place": result.place,
            "zh": result.text_zh,
            "en": result.text_en,
            "text": result.text_en if language() == "en" else result.text_zh,
        }
    return ended


def line(row: Record) -> dict[str, Json]:
    """Tell a record in short, as a list of many shows it."""
    return {
        "message": row.message_id,
        "ordinal": row.ordinal,
        "channel": row.channel,
        "kind": row.kind,
        "status": row.status,
        "stage": row.stage,
        "error": row.error,
        "place": row.place,
        "zh": row.text_zh,
        "en": row.text_en,
        "attempts": row.attempts,
        "updated": format_instant(row.updated_utc),
        "link": address(row.message_id),
    }


def _issue(one: Issue) -> dict[str, Json]:
    return {
        "severity": one.severity,
        "number": one.number,
        "place": str(one.place) if one.place else one.expression,
        "zh": one.text_zh,
        "en": one.text_en,
    }
