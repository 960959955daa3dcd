"""Search parameters belong to a tenant; a message counts the processes that it ended."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    # Nothing of the first release wrote into it.
    op.drop_table("search_parameter")
    op.create_table(
        "search_parameter",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("url", TEXT, nullable=False),
        sa.Column("definition", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "url", name="search_parameter_pk"),
    )
    op.create_index("search_parameter_news", "search_parameter", ["shard", "generation"])
    for name in ("deaths", "reached"):
        op.add_column(
            "message", sa.Column(name, sa.Integer(), nullable=False, server_default=sa.text("0"))
        )


def downgrade() -> None:
    for name in ("deaths", "reached"):
        op.drop_column("message", name)
    op.drop_table("search_parameter")
    op.create_table(
        "search_parameter",
        sa.Column("url", TEXT, nullable=False),
        sa.Column("definition", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("url", name="search_parameter_pk"),
    )
    op.create_index("search_parameter_news", "search_parameter", ["generation"])
