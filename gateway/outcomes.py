"""How a record's way ended: the journal's row, and the Provenance beside what was written."""

from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

import msgspec

from gateway.errors import GatewayError
from gateway.fhir import codec
from gateway.fhir.systems import ROOT
from gateway.fhir.times import begin, format_instant
from gateway.join import Draft
from gateway.preparing import Prepared
from gateway.records import (
    BusinessKey,
    Envelope,
    Issue,
    Lineage,
    MapContext,
    Mapped,
    Parsed,
    RecordResult,
    Resource,
    Stored,
    Visibility,
)

MESSAGE = f"{ROOT}/sid/message"


class JournalRow(Protocol):
    """A record's row as the journal gives it."""

    def __getattribute__(self, name: str) -> Any:
        """Columns by name."""


def result_of(row: JournalRow) -> RecordResult:
    """Turn a record's row of the journal back into its result."""
    same = ("message_id", "ordinal", "status", "stage", "error", "text_zh", "text_en", "place")
    rest = ("kind", "event_utc", "mapping", "mapping_hash", "resources", "unread")
    values = {name: getattr(row, name) for name in (*same, *rest)}
    warnings = tuple(msgspec.convert(one, Issue) for one in row.warnings)
    return RecordResult(**values, warnings=warnings)


class Versions(Protocol):
    """The part of the store that a Provenance needs."""

    def read(self, visibility: Visibility, type_: str, id_: str) -> Stored | None:
        """Give the current version or None."""


def outcome_of(
    envelope: Envelope, parsed: Parsed, mapped: Mapped, prepared: Prepared
) -> RecordResult:
    """Tell how a record ended whose commit is ready."""
    told = [draft for draft in prepared.drafts if draft.type != "Provenance"]
    changed = any(draft.is_changed for draft in told)
    status = "stored" if changed else "unchanged"
    if not changed and any(draft.is_stale for draft in told):
        status = "stale"
    return RecordResult(
        message_id=envelope.message_id,
        ordinal=parsed.ordinal,
        status=status,  # type: ignore[arg-type]
        stage="store",
        kind=parsed.kind,
        event_utc=event_of(mapped, envelope.channel.zone),
        mapping=mapped.mapping,
        mapping_hash=mapped.mapping_hash,
        keys=_keys(mapped),
        resources=tuple(draft.reference for draft in prepared.drafts),
        unread=tuple(str(place) for place in mapped.unread),
        lineage=encode_lineage(mapped.lineage),
        warnings=(*parsed.issues, *mapped.issues, *prepared.issues),
    )


def event_of(mapped: Mapped, zone: str | None) -> datetime | None:
    """Give the time by which records are ordered; a day without a time counts from its start."""
    return begin(mapped.event_time, zone) if mapped.event_time else None


def parked(
    envelope: Envelope,
    ordinal: int,
    stage: str,
    error: GatewayError,
    parsed: Parsed | None = None,
) -> RecordResult:
    """Tell why and where a record stopped."""
    first: Issue | None = next((i for i in error.issues if i.severity in {"error", "fatal"}), None)
    spot = error.where or (first.place if first else None)
    return RecordResult(
        message_id=envelope.message_id,
        ordinal=ordinal,
        status="parked",
        stage=stage,
        error=error.number,
        text_zh=error.text_zh,
        text_en=error.text_en,
        place=str(spot) if spot else (first.expression if first else error.expression),
        kind=parsed.kind if parsed else None,
        warnings=error.issues,
    )


def corrected(parked_before: RecordResult, envelope: Envelope) -> RecordResult:
    """Point a parked record to the message that corrected it."""
    return replace(
        parked_before,
        status="corrected",
        text_zh=f"已由消息 {envelope.message_id} 更正。",
        text_en=f"Corrected by message {envelope.message_id}.",
    )


def _keys(mapped: Mapped) -> tuple[tuple[str, str], ...]:
    """The business keys by which staff look for a message: system and value."""
    return tuple(
        dict.fromkeys((key.system, key.value) for c in mapped.contributions for key in c.keys)
    )


def encode_lineage(rows: tuple[Lineage, ...]) -> bytes:
    """Pack lineage rows for the journal."""
    return msgspec.json.encode(rows)


def provenance(
    envelope: Envelope,
    parsed: Parsed,
    mapped: Mapped,
    drafts: list[Draft],
    context: MapContext,
    store: Versions,
) -> list[Draft]:
    """Point from the written resources to the message and the mapping that made them.

    One per record and attempt that changed something; the lineage itself stays in the journal.
    """
    targets = [draft.reference for draft in drafts if draft.is_changed]
    if not targets:
        return []
    key = BusinessKey("Provenance", MESSAGE, f"{envelope.message_id}#{parsed.ordinal}")
    id_ = context.id_for(key)
    resource = _provenance(id_, targets, envelope, mapped, context)
    stored = store.read(
        Visibility(envelope.channel.shard, context.member, sees_all=True),
        "Provenance",
        id_,
    )
    return [
        Draft(
            "Provenance",
            id_,
            resource,
            context.member,
            codec.decode_stored(stored.body) if stored else None,
            stored.version if stored else 0,
        )
    ]


def _provenance(
    id_: str, targets: list[str], envelope: Envelope, mapped: Mapped, context: MapContext
) -> Resource:
    sender = {"system": f"{ROOT}/sid/member", "value": context.member}
    source = {"identifier": {"system": MESSAGE, "value": envelope.message_id}}
    return {
        "resourceType": "Provenance",
        "id": id_,
        "target": [{"reference": target} for target in targets],
        "recorded": format_instant(envelope.received_utc),
        "policy": [f"{ROOT}/mapping/{mapped.mapping}#{mapped.mapping_hash}"],
        "agent": [{"who": {"type": "Organization", "identifier": sender}}],
        "entity": [{"role": "source", "what": source}],
    }
