"""The tables of the audit trail, of what persons do not let others see, and of credentials."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from gateway.store.schema import metadata

_TEXT: TypeEngine[str] = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, _TEXT, nullable=null)


def _big(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _shard() -> Column[int]:
    return Column("shard", Integer, nullable=False)


audit = Table(
    "audit",
    metadata,
    _shard(),
    _big("pk"),  # when: microseconds since 2020 and 12 bits that tell neighbours apart
    _text("client"),
    _text("member"),
    _text("agent", null=True),
    _text("purpose", null=True),
    _text("reason", null=True),
    _text("method"),
    _text("word"),
    _text("path"),
    _text("query"),
    _text("error", null=True),
    _text("peer", null=True),
    Column("status", Integer, nullable=False),
    Column("seen", LargeBinary, nullable=False),
    # The order of storing, of the same form as ``pk``: a row comes here after it happened.
    Column("seq", BigInteger, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("shard", "pk", name="audit_pk"),
    Index("audit_by_seq", "shard", "seq", unique=True),
)

# What an access touched: ``Type/id``, and ``person:`` with the keyed hash of the person.
audit_seen = Table(
    "audit_seen",
    metadata,
    _shard(),
    _text("value"),
    _big("pk"),
    PrimaryKeyConstraint("shard", "value", "pk", name="audit_seen_pk"),
    sqlite_with_rowid=False,
)

# A block holds the rows above ``after_seq`` up to ``last_seq``; ``digest`` chains it to the one
# before, ``previous``.
audit_block = Table(
    "audit_block",
    metadata,
    _shard(),
    Column("number", Integer, nullable=False),
    _big("after_seq"),
    _big("last_seq"),
    Column("rows", Integer, nullable=False),
    _text("content"),
    _text("previous"),
    _text("digest"),
    Column("is_pruned", Boolean, nullable=False),
    PrimaryKeyConstraint("shard", "number", name="audit_block_pk"),
)

exclusion = Table(
    "exclusion",
    metadata,
    _shard(),
    _text("person"),
    _text("reason"),
    _text("member"),  # '' = every member
    _text("owner"),  # '' = records of every member
    Column("classes", Integer, nullable=False),
    _big("since_utc"),
    _big("until_utc"),
    Column("is_exempt", Boolean, nullable=False),  # takes the member out of the reason's others
    PrimaryKeyConstraint(
        "shard", "person", "reason", "member", "owner", "is_exempt", name="exclusion_pk"
    ),
    Index("exclusion_by_reason", "shard", "reason"),
    sqlite_with_rowid=False,
)

# ---------------------------------------------------------------- how clients prove who they are

credential = Table(
    "credential",
    metadata,
    _text("client"),
    _text("id"),
    _text("kind"),  # secret, key, address
    _text("value"),  # hash of the secret, public JSON Web Key, address of a key set
    _big("since_utc"),
    _big("until_utc"),
    PrimaryKeyConstraint("client", "id", name="credential_pk"),
)

# What is used once in the whole deployment: assertions, codes; and tokens that were revoked.
spent = Table(
    "spent",
    metadata,
    _text("value"),
    _big("until_utc"),
    PrimaryKeyConstraint("value", name="spent_pk"),
    Index("spent_by_time", "until_utc"),
)
