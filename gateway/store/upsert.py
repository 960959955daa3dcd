"""INSERT … ON CONFLICT of either engine, as one Core statement or as text."""

from collections.abc import Sequence

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_into(connection: Connection, table: Table) -> "postgresql.Insert":
    """Begin an INSERT that knows ``on_conflict_do_nothing`` and ``on_conflict_do_update``."""
    if connection.dialect.name == "sqlite":
        # The two classes share the methods that are used here, but no ancestor that has them.
        return sqlite.insert(table)  # type: ignore[return-value]
    return postgresql.insert(table)


def on_conflict(table: Table, changed: Sequence[str]) -> str:
    """Write how an INSERT ends that meets rows: they stay, or some columns change."""
    if not changed:
        return " ON CONFLICT DO NOTHING"
    keys = ", ".join(column.name for column in table.primary_key.columns)
    columns = ", ".join(f"{name} = excluded.{name}" for name in changed)
    return f" ON CONFLICT ({keys}) DO UPDATE SET {columns}"
