"""How the records of a message ended, as rows: the newest result, every attempt, the keys."""

from typing import Any

import msgspec
from sqlalchemy import Connection, case, func, select

from gateway.records import RecordResult
from gateway.store.keys import bounded, micros
from gateway.store.schema import attempt, message, record, record_key
from gateway.store.upsert import insert_into

_KEPT = ("resources", "unread", "warnings", "lineage", "mapping", "mapping_hash")


def write(connection: Connection, shard: int, result: RecordResult, now_ms: int) -> None:
    """Write one record's result and count the attempt.

    A repeated run that finds everything unchanged leaves ``stored`` and its resources standing.
    """
    columns = _columns(shard, result, now_ms)
    of_channel = (
        select(message.c.channel)
        .where(message.c.shard == shard, message.c.message_id == result.message_id)
        .scalar_subquery()
    )
    statement = insert_into(connection, record).values(
        **columns, channel=func.coalesce(of_channel, ""), attempts=1
    )
    new = statement.excluded
    stays = (record.c.status == "stored") & (new.status == "unchanged")
    changes: dict[str, Any] = {
        name: case((stays, record.c[name]), else_=new[name]) if name in _KEPT else new[name]
        for name in columns
        if name not in {"shard", "message_id", "ordinal", "status"}
    }
    changes["status"] = case((stays, record.c.status), else_=new.status)
    changes["attempts"] = record.c.attempts + 1
    number = connection.execute(
        statement.on_conflict_do_update(
            index_elements=["shard", "message_id", "ordinal"], set_=changes
        ).returning(record.c.attempts)
    ).scalar_one()
    _write_attempt(connection, shard, result, now_ms, number)
    _write_keys(connection, shard, result)


def _columns(shard: int, result: RecordResult, now_ms: int) -> dict[str, Any]:
    return {
        "shard": shard,
        "message_id": result.message_id,
        "ordinal": result.ordinal,
        "status": result.status,
        "stage": result.stage,
        "error": result.error,
        "text_zh": result.text_zh,
        "text_en": result.text_en,
        "place": result.place,
        "kind": result.kind,
        "event_utc": micros(result.event_utc) if result.event_utc else None,
        "mapping": result.mapping,
        "mapping_hash": result.mapping_hash,
        "updated_utc": now_ms * 1000,
        "resources": msgspec.json.encode(result.resources),
        "unread": msgspec.json.encode(result.unread),
        "warnings": msgspec.json.encode(result.warnings),
        "lineage": result.lineage,
    }


def _write_attempt(
    connection: Connection, shard: int, result: RecordResult, now_ms: int, number: int
) -> None:
    connection.execute(
        attempt.insert().values(
            shard=shard,
            message_id=result.message_id,
            ordinal=result.ordinal,
            number=number,
            at_utc=now_ms * 1000,
            status=result.status,
            stage=result.stage,
            error=result.error,
            place=result.place,
            mapping=result.mapping,
            mapping_hash=result.mapping_hash,
        )
    )


def _write_keys(connection: Connection, shard: int, result: RecordResult) -> None:
    if not result.keys:
        return
    rows = [
        {
            "shard": shard,
            "value": bounded(value),
            "name": name,
            "message_id": result.message_id,
            "ordinal": result.ordinal,
        }
        for name, value in dict.fromkeys(result.keys)
    ]
    statement = insert_into(connection, record_key).values(rows)
    connection.execute(
        statement.on_conflict_do_nothing(
            index_elements=["shard", "value", "name", "message_id", "ordinal"]
        )
    )
