"""What SQLite's planner is told of the tables, instead of what it would guess without ANALYZE.

Each line is an index with the average number of rows that share its first 1, 2, … columns; the
first number is the size. They state the shape of the data (few types, many values, a handful of
index rows per version), not this database's contents, so plans never change while it grows.
PostgreSQL gathers its own.
"""

from sqlalchemy import Connection

_ROWS = 1_000_000
_SHAPES: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("version", "sqlite_autoindex_version_1", (_ROWS, 1)),
    ("version", "sqlite_autoindex_version_2", (_ROWS, 100_000, 2, 1)),
    ("version", "version_by_type", (_ROWS, 100_000, 1)),
    ("exact_index", "exact_index", (_ROWS, 50_000, 100, 50, 1, 1)),
    ("exact_index", "exact_index_by_version", (_ROWS, 6, 1)),
    ("string_index", "string_index", (_ROWS, 50_000, 20, 20, 1, 1)),
    ("string_index", "string_index_by_version", (_ROWS, 4, 1)),
    ("date_index", "date_index", (_ROWS, 50_000, 20, 20, 1, 1)),
    ("date_index", "date_index_by_version", (_ROWS, 2, 1)),
    ("date_index", "date_index_by_high", (_ROWS, 50_000, 20, 1)),
    ("number_index", "number_index", (_ROWS, 50_000, 10_000, 10_000, 20, 20, 1, 1)),
    ("number_index", "number_index_by_version", (_ROWS, 2, 1)),
    ("number_index", "number_index_by_high", (_ROWS, 50_000, 10_000, 10_000, 20, 1)),
    ("party", "party", (_ROWS, 2, 1)),
    ("relation", "relation", (_ROWS, 5, 2, 1, 1)),
    ("relation", "relation_by_reason", (_ROWS, 4)),
    ("alias", "alias", (_ROWS, 50_000, 50_000, 10_000, 1)),
)


def write(connection: Connection) -> None:
    """Write the statistics after a migration; connections opened later plan by them."""
    # Makes the table of statistics, which has no other maker.
    connection.exec_driver_sql("ANALYZE")
    connection.exec_driver_sql("DELETE FROM sqlite_stat1")
    for table, index, shares in _SHAPES:
        # The planner reads one number more than there are columns: the size of the index.
        shape = " ".join(str(number) for number in (_ROWS, *shares))
        connection.exec_driver_sql(
            "INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", (table, index, shape)
        )
