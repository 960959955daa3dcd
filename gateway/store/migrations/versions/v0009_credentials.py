"""Several secrets and keys per client, each with its time; what may be used only once."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")
OPEN = 9223372036854775807


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, TEXT, nullable=False)


def _big(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def upgrade() -> None:
    op.create_table(
        "credential",
        *(_text("client"), _text("id"), _text("kind"), _text("value")),
        *(_big("since_utc"), _big("until_utc")),
        sa.PrimaryKeyConstraint("client", "id", name="credential_pk"),
    )
    op.execute(
        "INSERT INTO credential SELECT id, 'secret-1', 'secret', secret_hash, 0, "  # noqa: S608
        f"{OPEN} FROM client WHERE secret_hash <> ''"
    )
    op.drop_column("client", "secret_hash")
    op.create_table(
        "spent",
        *(_text("value"), _big("until_utc")),
        sa.PrimaryKeyConstraint("value", name="spent_pk"),
    )
    op.create_index("spent_by_time", "spent", ["until_utc"])


def downgrade() -> None:
    op.drop_table("spent")
    op.add_column("client", sa.Column("secret_hash", TEXT, nullable=False, server_default=""))
    op.execute(
        "UPDATE client SET secret_hash = coalesce((SELECT max(value) FROM credential c "
        "WHERE c.client = client.id AND c.kind = 'secret'), '')"
    )
    op.drop_table("credential")
