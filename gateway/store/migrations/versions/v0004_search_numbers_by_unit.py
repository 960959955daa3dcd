"""Numbers stand in order within one unit of one system: what a range is asked of."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")
OLD = ("low", "high", "unit", "space")
NEW = ("unit", "space", "low", "high")


def upgrade() -> None:
    _rebuild(NEW, ("unit", "space", "high"))


def downgrade() -> None:
    _rebuild(OLD, ("high",))


def _rebuild(keys: tuple[str, ...], by_high: tuple[str, ...]) -> None:
    for name in ("number_index_by_high", "number_index_by_version"):
        op.drop_index(name, "number_index")
    op.rename_table("number_index", "number_index_before")
    if op.get_context().dialect.name == "postgresql":
        op.execute("ALTER TABLE number_index_before DROP CONSTRAINT number_index_pk")
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
        sa.PrimaryKeyConstraint("shard", "param", *keys, "pk", "grp", name="number_index_pk"),
        sqlite_with_rowid=False,
    )
    op.execute("INSERT INTO number_index SELECT * FROM number_index_before")
    op.drop_table("number_index_before")
    op.create_index("number_index_by_version", "number_index", ["shard", "pk", "param"])
    op.create_index("number_index_by_high", "number_index", ["shard", "param", *by_high, "pk"])
