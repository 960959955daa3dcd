"""INSERT … ON CONFLICT of either engine, as one Core statement."""

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_into(connection: Connection, table: Table) -> "postgresql.Insert":
    """Begin an INSERT that knows ``on_conflict_do_nothing`` and ``on_conflict_do_update``."""
    if connection.dialect.name == "sqlite":
        # The two classes share the methods that are used here, but no ancestor that has them.
        return sqlite.insert(table)  # type: ignore[return-value]
    return postgresql.insert(table)
