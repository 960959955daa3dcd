"""What waits is found recipient by recipient, however much of it there is for one of them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

OPEN = sa.text("status in ('waiting', 'parked')")


def upgrade() -> None:
    op.drop_index("delivery_open", "delivery")
    op.create_index("delivery_by_recipient", "delivery", ["shard", "status", "recipient", "pk"])


def downgrade() -> None:
    op.drop_index("delivery_by_recipient", "delivery")
    op.create_index(
        "delivery_open",
        "delivery",
        ["shard", "status", "pk"],
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
