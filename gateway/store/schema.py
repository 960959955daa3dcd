"""The tables, one schema for SQLite and PostgreSQL (and Citus, when one machine is not enough).

Every table that grows carries ``shard`` in its primary key, its unique constraints and its joins.
Times are UTC microseconds. Search index rows belong to a *version* (``pk``), not to a resource:
a page of an older snapshot reads the index rows of the versions that it saw.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

metadata = MetaData()

# Bytes order on both engines: SQLite's BINARY and PostgreSQL's "C" agree, and prefixes are ranges.
_TEXT: TypeEngine[str] = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, _TEXT, nullable=null)


def _big(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


def _int(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, Integer, nullable=null)


def _shard() -> Column[int]:
    return Column("shard", Integer, nullable=False)


# ---------------------------------------------------------------- resources

version = Table(
    "version",
    metadata,
    _shard(),
    _big("pk"),
    _text("type"),
    _text("id"),
    _int("version_no"),
    _big("txn"),
    _big("superseded_txn"),
    Column("is_deleted", Boolean, nullable=False),
    _text("owner"),
    _text("person", null=True),
    _int("classes"),
    _big("event_utc", null=True),
    _text("source", null=True),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("shard", "pk", name="version_pk"),
    UniqueConstraint("shard", "type", "id", "version_no", name="version_number"),
    Index("version_by_type", "shard", "type", "pk"),
)

# Versions that were superseded, in order of time: what the purge of index rows works through.
retired = Table(
    "retired",
    metadata,
    _shard(),
    _big("retired_utc"),
    _big("pk"),
    PrimaryKeyConstraint("shard", "retired_utc", "pk", name="retired_pk"),
    sqlite_with_rowid=False,
)

# SQLite only: the transaction counter and the clock that never steps back.
clock = Table(
    "clock",
    metadata,
    _shard(),
    _big("txn"),
    _big("ms"),
    PrimaryKeyConstraint("shard", name="clock_pk"),
)


def _index_table(
    name: str,
    values: tuple[Column[int] | Column[str] | Column[float], ...],
    keys: tuple[str, ...] = (),
) -> Table:
    keys = keys or tuple(column.name for column in values)
    return Table(
        name,
        metadata,
        _shard(),
        _int("param"),
        *values,
        _big("pk"),
        _int("grp"),
        PrimaryKeyConstraint("shard", "param", *keys, "pk", "grp", name=f"{name}_pk"),
        # Read for the other criteria of a query, for sorting, and for the purge.
        Index(f"{name}_by_version", "shard", "pk", "param"),
        sqlite_with_rowid=False,
    )


# Token (code in a system), uri (no space), reference (target id in its type): exact values.
exact_index = _index_table("exact_index", (_text("value"), _big("space")))
# ``exact`` is the number of the text as it was written, ``value`` its folded form.
string_index = _index_table("string_index", (_text("value"), _big("exact")))
date_index = _index_table("date_index", (_big("low"), _big("high")))
_D = date_index.c
Index("date_index_by_high", _D.shard, _D.param, _D.high, _D.pk)
# Number and quantity: bounds, unit code, unit system. A range is asked within one unit.
number_index = _index_table(
    "number_index",
    (
        Column("low", Double, nullable=False),
        Column("high", Double, nullable=False),
        _text("unit"),
        _big("space"),
    ),
    keys=("unit", "space", "low", "high"),
)
_N = number_index.c
Index("number_index_by_high", _N.shard, _N.param, _N.unit, _N.space, _N.high, _N.pk)
INDEX_TABLES = (exact_index, string_index, date_index, number_index)
"""The index tables whose rows are known by their version."""

party = Table(
    "party",
    metadata,
    _shard(),
    _big("pk"),
    _text("member"),
    PrimaryKeyConstraint("shard", "pk", "member", name="party_pk"),
    sqlite_with_rowid=False,
)

relation = Table(
    "relation",
    metadata,
    _shard(),
    _text("person"),
    _text("member"),
    _text("owner"),  # '' = records of every member
    _text("reason"),
    _int("classes"),
    _big("since_utc"),
    _big("until_utc"),  # CURRENT = open
    PrimaryKeyConstraint("shard", "person", "member", "owner", "reason", name="relation_pk"),
    Index("relation_by_reason", "shard", "reason"),
    sqlite_with_rowid=False,
)

alias = Table(
    "alias",
    metadata,
    _shard(),
    _text("owner"),  # '' = shared by all members
    _text("type"),
    _text("system"),
    _text("value"),
    _text("id"),
    PrimaryKeyConstraint("shard", "owner", "type", "system", "value", name="alias_pk"),
    sqlite_with_rowid=False,
)

# One row per criterion of a conditional write: its lock makes equal criteria take turns.
criterion = Table(
    "criterion",
    metadata,
    _shard(),
    _big("digest"),
    _big("txn"),
    PrimaryKeyConstraint("shard", "digest", name="criterion_pk"),
)

# ---------------------------------------------------------------- journal

message = Table(
    "message",
    metadata,
    _shard(),
    _text("message_id"),
    _text("channel"),
    _text("control_id"),
    _text("sha256"),
    _int("size"),
    Column("raw", LargeBinary, nullable=True),
    _text("path", null=True),  # of a large message, below the data folder
    _text("peer", null=True),
    _big("received_utc"),
    _text("status"),
    _big("lease_utc"),
    _int("deaths"),  # runs of a recovery that did not come back, without progress between them
    _int("reached"),  # records that had ended when the last of them began
    PrimaryKeyConstraint("shard", "message_id", name="message_pk"),
    UniqueConstraint("shard", "channel", "control_id", "sha256", name="message_once"),
    Index(
        "message_open",
        "shard",
        "lease_utc",
        sqlite_where=text("status = 'received'"),
        postgresql_where=text("status = 'received'"),
    ),
)

record = Table(
    "record",
    metadata,
    _shard(),
    _text("message_id"),
    _int("ordinal"),
    _text("channel"),
    _text("status"),
    _text("stage", null=True),
    _text("error", null=True),
    _text("text_zh", null=True),
    _text("text_en", null=True),
    _text("place", null=True),
    _text("kind", null=True),
    _big("event_utc", null=True),
    _text("mapping", null=True),
    _text("mapping_hash", null=True),
    _int("attempts"),
    _big("updated_utc"),
    Column("resources", LargeBinary, nullable=False),
    Column("unread", LargeBinary, nullable=False),
    Column("warnings", LargeBinary, nullable=False),
    Column("lineage", LargeBinary, nullable=True),
    PrimaryKeyConstraint("shard", "message_id", "ordinal", name="record_pk"),
    Index("record_by_status", "shard", "status", "message_id"),
    Index("record_by_channel", "shard", "channel", "message_id"),
)

attempt = Table(
    "attempt",
    metadata,
    _shard(),
    _text("message_id"),
    _int("ordinal"),
    _int("number"),
    _big("at_utc"),
    _text("status"),
    _text("stage", null=True),
    _text("error", null=True),
    _text("place", null=True),
    _text("mapping", null=True),
    _text("mapping_hash", null=True),
    PrimaryKeyConstraint("shard", "message_id", "ordinal", "number", name="attempt_pk"),
)

record_key = Table(
    "record_key",
    metadata,
    _shard(),
    _text("value"),
    _text("name"),
    _text("message_id"),
    _int("ordinal"),
    PrimaryKeyConstraint("shard", "value", "name", "message_id", "ordinal", name="record_key_pk"),
    sqlite_with_rowid=False,
)

# ---------------------------------------------------------------- outbox

delivery = Table(
    "delivery",
    metadata,
    _shard(),
    _big("pk"),
    _text("recipient"),
    _text("topic"),
    _text("focus"),
    _text("stream"),
    _text("idempotency_key"),
    _int("number"),  # counted at the first lease, per recipient and stream; 0 before
    _text("status"),
    _int("attempts"),
    _big("next_utc"),
    _big("lease_utc"),
    _big("created_utc"),
    _big("ended_utc", null=True),
    _text("last_error", null=True),
    PrimaryKeyConstraint("shard", "pk", name="delivery_pk"),
    UniqueConstraint("shard", "idempotency_key", name="delivery_once"),
    Index("delivery_by_recipient", "shard", "status", "recipient", "pk"),
    Index("delivery_open", "shard", "status", "recipient", "stream", "pk"),
    Index("delivery_by_number", "shard", "recipient", "stream", "number"),
)

# ---------------------------------------------------------------- registry: small, for all shards

tenant = Table(
    "tenant",
    metadata,
    _text("id"),
    _text("name"),
    _int("shard"),
    PrimaryKeyConstraint("id", name="tenant_pk"),
)

member = Table(
    "member",
    metadata,
    _shard(),
    _text("id"),
    _text("name"),
    _text("roles"),
    _text("uscc", null=True),
    _text("organization", null=True),
    _text("admdvs", null=True),
    _text("endpoint", null=True),
    PrimaryKeyConstraint("shard", "id", name="member_pk"),
    Index("member_by_organization", "shard", "organization"),
)

client = Table(
    "client",
    metadata,
    _text("id"),
    _text("name"),
    _text("member"),
    _text("shards"),
    _text("scopes"),
    Column("is_active", Boolean, nullable=False),
    PrimaryKeyConstraint("id", name="client_pk"),
)

# Search parameters of the deployment's own; the greatest generation says whether one is news.
# What a tenant adds to the release's parameters, as far as it is indexed.
search_parameter = Table(
    "search_parameter",
    metadata,
    _shard(),
    _text("url"),
    _text("definition"),
    _text("state"),  # building, active, changing, retired, gone
    _big("generation"),
    _big("since_ms"),
    PrimaryKeyConstraint("shard", "url", name="search_parameter_pk"),
    Index("search_parameter_news", "shard", "generation"),
)

reindexing = Table(
    "reindexing",
    metadata,
    _shard(),
    _text("url"),
    _big("position"),
    _big("done"),
    _big("total"),
    PrimaryKeyConstraint("shard", "url", name="reindexing_pk"),
)

channel = Table(
    "channel",
    metadata,
    _text("id"),
    _int("shard"),
    _text("member"),
    _text("format"),
    Column("settings", LargeBinary, nullable=False),
    PrimaryKeyConstraint("id", name="channel_pk"),
)
