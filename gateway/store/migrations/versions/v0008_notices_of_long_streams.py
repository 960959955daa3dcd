"""What is held and what was numbered last is found at once, however long a stream has become."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("delivery_by_stream", "delivery")
    op.create_index("delivery_open", "delivery", ["shard", "status", "recipient", "stream", "pk"])
    op.create_index("delivery_by_number", "delivery", ["shard", "recipient", "stream", "number"])


def downgrade() -> None:
    op.drop_index("delivery_by_number", "delivery")
    op.drop_index("delivery_open", "delivery")
    op.create_index("delivery_by_stream", "delivery", ["shard", "recipient", "stream", "pk"])
