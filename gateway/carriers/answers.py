"""The intermediate table (中间表): how each row of a view ended, for the system that gave it.

The table is the hospital's; its columns are ``row_key`` (the row's own key, its parts joined by
``|``), ``status``, ``error_number``, ``error_place``, ``error_text``, ``message_id``,
``answered_utc``. A row that ends anew replaces its answer.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import column, delete, insert, table
from sqlalchemy.exc import SQLAlchemyError

from gateway.carriers.engines import opened
from gateway.carriers.taking import Taken
from gateway.carriers.view_options import Answers
from gateway.errors import GatewayError

COLUMNS = (
    "row_key", "status", "error_number", "error_place", "error_text", "message_id", "answered_utc",
)  # fmt: skip


class AnswerTable:
    """Writes answers; one transaction each."""

    def __init__(self, options: Answers) -> None:
        self._options = options
        self._engine = opened(options.url)
        columns: list[Any] = [column(name) for name in COLUMNS]
        self._table = table(options.table, *columns, schema=options.schema)

    def write(self, row: Mapping[str, Any], taken: Taken) -> None:
        """Write how a row ended; raise GW-1050 when the table cannot be written."""
        named = {name.lower(): value for name, value in row.items()}
        missing = [name for name in self._options.key if name.lower() not in named]
        if missing:
            raise GatewayError("GW-1041", carrier="view", problem=f"answers: key {missing[0]}")
        key = "|".join(str(named[name.lower()]) for name in self._options.key)
        first = taken.refusals[0] if taken.refusals else None
        values = {
            "row_key": key,
            "status": taken.status,
            "error_number": first.number if first else None,
            "error_place": first.place if first else None,
            "error_text": first.zh if first else None,
            "message_id": taken.message_id,
            "answered_utc": datetime.now(UTC).replace(tzinfo=None),
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(delete(self._table).where(self._table.c.row_key == key))
                connection.execute(insert(self._table).values(values))
        except SQLAlchemyError as err:
            reason = type(getattr(err, "orig", None) or err).__name__
            raise GatewayError("GW-1050", view=self._options.table, reason=reason) from err

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()
