"""The audit trail with its chain of blocks, and what persons do not let others see."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, TEXT, nullable=null)


def _big(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _shard() -> sa.Column[int]:
    return sa.Column("shard", sa.Integer(), nullable=False)


def upgrade() -> None:
    op.create_table(
        "audit",
        *(_shard(), _big("pk"), _text("client"), _text("member"), _text("agent", null=True)),
        *(_text("purpose", null=True), _text("reason", null=True), _text("method")),
        *(_text("word"), _text("path"), _text("query"), _text("error", null=True)),
        *(_text("peer", null=True), sa.Column("status", sa.Integer(), nullable=False)),
        sa.Column("seen", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "pk", name="audit_pk"),
    )
    op.create_table(
        "audit_seen",
        *(_shard(), _text("value"), _big("pk")),
        sa.PrimaryKeyConstraint("shard", "value", "pk", name="audit_seen_pk"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "audit_block",
        *(_shard(), sa.Column("number", sa.Integer(), nullable=False)),
        *(_big("after_pk"), _big("last_pk"), sa.Column("rows", sa.Integer(), nullable=False)),
        *(_text("content"), _text("previous"), _text("digest")),
        sa.Column("is_pruned", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "number", name="audit_block_pk"),
    )
    op.create_table(
        "exclusion",
        *(_shard(), _text("person"), _text("reason"), _text("member"), _text("owner")),
        *(sa.Column("classes", sa.Integer(), nullable=False), _big("since_utc"), _big("until_utc")),
        sa.Column("is_exempt", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint(
            "shard", "person", "reason", "member", "owner", "is_exempt", name="exclusion_pk"
        ),
        sa.Index("exclusion_by_reason", "shard", "reason"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    for name in ("exclusion", "audit_block", "audit_seen", "audit"):
        op.drop_table(name)
