"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "alias",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("system", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("shard", "owner", "type", "system", "value", name="alias_pk"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "attempt",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("message_id", TEXT, nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at_utc", sa.BigInteger(), nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("stage", TEXT, nullable=True),
        sa.Column("error", TEXT, nullable=True),
        sa.Column("place", TEXT, nullable=True),
        sa.Column("mapping", TEXT, nullable=True),
        sa.Column("mapping_hash", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("shard", "message_id", "ordinal", "number", name="attempt_pk"),
    )
    op.create_table(
        "channel",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("member", TEXT, nullable=False),
        sa.Column("format", TEXT, nullable=False),
        sa.Column("settings", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="channel_pk"),
    )
    op.create_table(
        "client",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("secret_hash", TEXT, nullable=False),
        sa.Column("member", TEXT, nullable=False),
        sa.Column("shards", TEXT, nullable=False),
        sa.Column("scopes", TEXT, nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="client_pk"),
    )
    op.create_table(
        "clock",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("txn", sa.BigInteger(), nullable=False),
        sa.Column("ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", name="clock_pk"),
    )
    op.create_table(
        "criterion",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("digest", sa.BigInteger(), nullable=False),
        sa.Column("txn", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "digest", name="criterion_pk"),
    )
    op.create_table(
        "date_index",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("param", sa.Integer(), nullable=False),
        sa.Column("low", sa.BigInteger(), nullable=False),
        sa.Column("high", sa.BigInteger(), nullable=False),
        sa.Column("pk", sa.BigInteger(), nullable=False),
        sa.Column("grp", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "param", "low", "high", "pk", "grp", name="date_index_pk"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "date_index_by_high", "date_index", ["shard", "param", "high", "pk"], unique=False
    )
    op.create_index("date_index_by_version", "date_index", ["shard", "pk", "param"], unique=False)
    op.create_table(
        "delivery",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("pk", sa.BigInteger(), nullable=False),
        sa.Column("recipient", TEXT, nullable=False),
        sa.Column("topic", TEXT, nullable=False),
        sa.Column("focus", TEXT, nullable=False),
        sa.Column("stream", TEXT, nullable=False),
        sa.Column("idempotency_key", TEXT, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_utc", sa.BigInteger(), nullable=False),
        sa.Column("lease_utc", sa.BigInteger(), nullable=False),
        sa.Column("created_utc", sa.BigInteger(), nullable=False),
        sa.Column("ended_utc", sa.BigInteger(), nullable=True),
        sa.Column("last_error", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("shard", "pk", name="delivery_pk"),
        sa.UniqueConstraint("shard", "idempotency_key", name="delivery_once"),
    )
    op.create_index(
        "delivery_by_stream", "delivery", ["shard", "recipient", "stream", "pk"], unique=False
    )
    op.create_index(
        "delivery_open",
        "delivery",
        ["shard", "status", "pk"],
        unique=False,
        sqlite_where=sa.text("status in ('waiting', 'parked')"),
        postgresql_where=sa.text("status in ('waiting', 'parked')"),
    )
    op.create_table(
        "exact_index",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("param", sa.Integer(), nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("space", sa.BigInteger(), nullable=False),
        sa.Column("pk", sa.BigInteger(), nullable=False),
        sa.Column("grp", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "shard", "param", "value", "space", "pk", "grp", name="exact_index_pk"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("exact_index_by_version", "exact_index", ["shard", "pk", "param"], unique=False)
    op.create_table(
        "member",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("roles", TEXT, nullable=False),
        sa.Column("uscc", TEXT, nullable=True),
        sa.Column("organization", TEXT, nullable=True),
        sa.Column("admdvs", TEXT, nullable=True),
        sa.Column("endpoint", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("shard", "id", name="member_pk"),
    )
    op.create_index("member_by_organization", "member", ["shard", "organization"], unique=False)
    op.create_table(
        "message",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("message_id", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("control_id", TEXT, nullable=False),
        sa.Column("sha256", TEXT, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.Column("path", TEXT, nullable=True),
        sa.Column("peer", TEXT, nullable=True),
        sa.Column("received_utc", sa.BigInteger(), nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("lease_utc", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "message_id", name="message_pk"),
        sa.UniqueConstraint("shard", "channel", "control_id", "sha256", name="message_once"),
    )
    op.create_index(
        "message_open",
        "message",
        ["shard", "lease_utc"],
        unique=False,
        sqlite_where=sa.text("status = 'received'"),
        postgresql_where=sa.text("status = 'received'"),
    )
    op.create_table(
        "number_index",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("param", sa.Integer(), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.Column("unit", TEXT, nullable=False),
        sa.Column("space", sa.BigInteger(), nullable=False),
        sa.Column("pk", sa.BigInteger(), nullable=False),
        sa.Column("grp", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "shard", "param", "low", "high", "unit", "space", "pk", "grp", name="number_index_pk"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "number_index_by_high", "number_index", ["shard", "param", "high", "pk"], unique=False
    )
    op.create_index(
        "number_index_by_version", "number_index", ["shard", "pk", "param"], unique=False
    )
    op.create_table(
        "party",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("pk", sa.BigInteger(), nullable=False),
        sa.Column("member", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("shard", "pk", "member", name="party_pk"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "record",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("message_id", TEXT, nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("stage", TEXT, nullable=True),
        sa.Column("error", TEXT, nullable=True),
        sa.Column("text_zh", TEXT, nullable=True),
        sa.Column("text_en", TEXT, nullable=True),
        sa.Column("place", TEXT, nullable=True),
        sa.Column("kind", TEXT, nullable=True),
        sa.Column("event_utc", sa.BigInteger(), nullable=True),
        sa.Column("mapping", TEXT, nullable=True),
        sa.Column("mapping_hash", TEXT, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("updated_utc", sa.BigInteger(), nullable=False),
        sa.Column("resources", sa.LargeBinary(), nullable=False),
        sa.Column("unread", sa.LargeBinary(), nullable=False),
        sa.Column("warnings", sa.LargeBinary(), nullable=False),
        sa.Column("lineage", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("shard", "message_id", "ordinal", name="record_pk"),
    )
    op.create_index("record_by_channel", "record", ["shard", "channel", "message_id"], unique=False)
    op.create_index("record_by_status", "record", ["shard", "status", "message_id"], unique=False)
    op.create_table(
        "record_key",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("message_id", TEXT, nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "shard", "value", "name", "message_id", "ordinal", name="record_key_pk"
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "relation",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("person", TEXT, nullable=False),
        sa.Column("member", TEXT, nullable=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("classes", sa.Integer(), nullable=False),
        sa.Column("since_utc", sa.BigInteger(), nullable=False),
        sa.Column("until_utc", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "person", "member", "owner", "reason", name="relation_pk"),
        sqlite_with_rowid=False,
    )
    op.create_index("relation_by_reason", "relation", ["shard", "reason"], unique=False)
    op.create_table(
        "retired",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("retired_utc", sa.BigInteger(), nullable=False),
        sa.Column("pk", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "retired_utc", "pk", name="retired_pk"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "string_index",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("param", sa.Integer(), nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("exact", sa.BigInteger(), nullable=False),
        sa.Column("pk", sa.BigInteger(), nullable=False),
        sa.Column("grp", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "shard", "param", "value", "exact", "pk", "grp", name="string_index_pk"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "string_index_by_version", "string_index", ["shard", "pk", "param"], unique=False
    )
    op.create_table(
        "tenant",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="tenant_pk"),
    )
    op.create_table(
        "search_parameter",
        sa.Column("url", TEXT, nullable=False),
        sa.Column("definition", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("url", name="search_parameter_pk"),
    )
    op.create_index("search_parameter_news", "search_parameter", ["generation"], unique=False)
    op.create_table(
        "reindexing",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("url", TEXT, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "url", name="reindexing_pk"),
    )
    op.create_table(
        "text_index",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("param", sa.Integer(), nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("pk", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "param", "value", "pk", name="text_index_pk"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "version",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("pk", sa.BigInteger(), nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("version_no", sa.Integer(), nullable=False),
        sa.Column("txn", sa.BigInteger(), nullable=False),
        sa.Column("superseded_txn", sa.BigInteger(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("person", TEXT, nullable=True),
        sa.Column("classes", sa.Integer(), nullable=False),
        sa.Column("event_utc", sa.BigInteger(), nullable=True),
        sa.Column("source", TEXT, nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "pk", name="version_pk"),
        sa.UniqueConstraint("shard", "type", "id", "version_no", name="version_number"),
    )
    op.create_index("version_by_type", "version", ["shard", "type", "pk"], unique=False)


def downgrade() -> None:
    op.drop_table("version")
    op.drop_table("text_index")
    op.drop_table("search_parameter")
    op.drop_table("reindexing")
    op.drop_table("tenant")
    op.drop_table("string_index")
    op.drop_table("retired")
    op.drop_table("relation")
    op.drop_table("record_key")
    op.drop_table("record")
    op.drop_table("party")
    op.drop_table("number_index")
    op.drop_table("message")
    op.drop_table("member")
    op.drop_table("exact_index")
    op.drop_table("delivery")
    op.drop_table("date_index")
    op.drop_table("criterion")
    op.drop_table("clock")
    op.drop_table("client")
    op.drop_table("channel")
    op.drop_table("attempt")
    op.drop_table("alias")
