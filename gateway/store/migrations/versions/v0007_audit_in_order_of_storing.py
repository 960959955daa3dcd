"""Accesses are stored a moment after they happened: blocks follow the order of storing."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NAMES = (("after_pk", "after_seq"), ("last_pk", "last_seq"))


def upgrade() -> None:
    op.add_column(
        "audit", sa.Column("seq", sa.BigInteger(), nullable=False, server_default=sa.text("0"))
    )
    op.execute("UPDATE audit SET seq = pk")
    op.create_index("audit_by_seq", "audit", ["shard", "seq"], unique=True)
    for old, new in NAMES:
        op.alter_column("audit_block", old, new_column_name=new)


def downgrade() -> None:
    for old, new in NAMES:
        op.alter_column("audit_block", new, new_column_name=old)
    op.drop_index("audit_by_seq", "audit")
    op.drop_column("audit", "seq")
