"""One packed row of running text per version instead of a row per term."""

import base64
import hashlib
from collections.abc import Iterator
from itertools import groupby

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

LONGEST = 1_000_000
BATCH = 500


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE text_fts USING fts5"
            "(terms, content='', detail=none, columnsize=0, tokenize='ascii')"
        )
        op.execute(
            "CREATE VIEW text_terms AS SELECT NULL AS shard, rowid AS pk, text_fts AS terms "
            "FROM text_fts"
        )
        _move(connection, "INSERT INTO text_fts (rowid, terms) VALUES (:pk, :terms)")
    else:
        op.create_table(
            "text_terms",
            sa.Column("shard", sa.Integer(), nullable=False),
            sa.Column("pk", sa.BigInteger(), nullable=False),
            sa.Column("terms", postgresql.TSVECTOR(), nullable=False),
            sa.PrimaryKeyConstraint("shard", "pk", name="text_terms_pk"),
        )
        # Short terms of many kinds: packing them costs more time than it saves room.
        op.execute("ALTER TABLE text_terms ALTER COLUMN terms SET STORAGE EXTERNAL")
        _move(
            connection,
            "INSERT INTO text_terms (shard, pk, terms) "
            "VALUES (:shard, :pk, array_to_tsvector(string_to_array(:terms, ' ')))",
        )
        op.create_index("text_terms_by_term", "text_terms", ["terms"], postgresql_using="gin")
    op.drop_table("text_index")


def _move(connection: sa.Connection, insert: str) -> None:
    """Pack the terms that are there, version by version."""
    batch: list[dict[str, object]] = []
    for row in _packed(connection):
        batch.append(row)
        if len(batch) == BATCH:
            connection.execute(sa.text(insert), batch)
            batch.clear()
    if batch:
        connection.execute(sa.text(insert), batch)


def _packed(connection: sa.Connection) -> Iterator[dict[str, object]]:
    ordered = sa.text("SELECT shard, pk, param, value FROM text_index ORDER BY shard, pk, param")
    found = connection.execute(
        ordered, execution_options={"stream_results": True, "max_row_buffer": 10_000}
    )
    for (shard, pk), rows in groupby(found, key=lambda row: (row[0], row[1])):
        words: list[str] = []
        for _, _, param, value in rows:
            before = _mark(shard, param)
            if not words or not words[-1].startswith(before):
                words.append(before)
            words.append(before + value)
        yield {"shard": shard, "pk": pk, "terms": _shortened(words)}


def _mark(shard: int, param: int) -> str:
    digest = hashlib.blake2b(f"{shard}.{param}".encode(), digest_size=4).digest()
    return base64.b32encode(digest).decode()[:5].lower()


def _shortened(words: list[str]) -> str:
    text = " ".join(words)
    if len(text.encode()) <= LONGEST:
        return text
    kept = b" ".join(sorted(word.encode() for word in words))[:LONGEST]
    return kept.rpartition(b" ")[0].decode()
