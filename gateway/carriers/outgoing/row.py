"""The intermediate table (中间表): each record a row, which the receiver marks once it has it.

The table is the hospital's; its columns are ``control_id``, ``topic``, ``focus``, ``record``,
``written_utc``, ``status``. The gateway writes ``NEW``; the receiver makes of it ``AA`` (taken),
``AE`` (again later) or ``AR`` (never). A row that was refused and is sent anew is ``NEW`` again.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, column, insert, select, table, update
from sqlalchemy.exc import SQLAlchemyError

from gateway.carriers.engines import opened
from gateway.carriers.outgoing.native import Native, judged
from gateway.carriers.outgoing.options import RowTable
from gateway.delivery import Awaited, Failed, Outcome
from gateway.errors import GatewayError

NEW, REFUSED = "NEW", "REFUSED"
COLUMNS = ("control_id", "topic", "focus", "record", "written_utc", "status")


class RowWay:
    """One table of a receiver; each question or row is a transaction of its own."""

    def __init__(self, options: RowTable) -> None:
        self._name, self._host = options.table, options.url.host or options.table
        self._engine = opened(options.url)
        columns: list[Any] = [column(name) for name in COLUMNS]
        self._table = table(options.table, *columns, schema=options.schema)

    def hand(self, key: str, make: Callable[[], Native]) -> Outcome:
        """Write the row, or see how it was marked."""
        try:
            with self._engine.begin() as connection:
                return self._look(connection, key, make)
        except SQLAlchemyError as err:
            reason = type(getattr(err, "orig", None) or err).__name__
            error = GatewayError("GW-6125", place=self._name, reason=reason)
            return Failed(error, is_permanent=False)
        finally:
            self._engine.dispose()

    def _look(self, connection: Connection, key: str, make: Callable[[], Native]) -> Outcome:
        found = connection.execute(
            select(self._table.c.status).where(self._table.c.control_id == key)
        ).first()
        status = str(found[0] or "").strip().upper() if found else None
        if status is None or status in {"AE", "CE", REFUSED}:
            self._write(connection, make(), is_new=status is None)
        if status in {None, NEW, REFUSED}:
            return Awaited(GatewayError("GW-6122", place=self._name))
        outcome = judged(str(status), self._host)
        if isinstance(outcome, Failed) and outcome.is_permanent:
            self._mark(connection, key, REFUSED)
        return outcome

    def _write(self, connection: Connection, record: Native, *, is_new: bool) -> None:
        values = {
            "control_id": record.key,
            "topic": record.topic,
            "focus": record.focus,
            "record": record.text,
            "written_utc": datetime.now(UTC).replace(tzinfo=None),
            "status": NEW,
        }
        if is_new:
            connection.execute(insert(self._table).values(values))
            return
        asked = update(self._table).where(self._table.c.control_id == record.key)
        connection.execute(asked.values(values))

    def _mark(self, connection: Connection, key: str, status: str) -> None:
        asked = update(self._table).where(self._table.c.control_id == key)
        connection.execute(asked.values(status=status))
