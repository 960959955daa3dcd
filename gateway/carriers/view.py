"""A read-only database view: its new and changed rows are fetched, one row one message.

A poll reads from the greatest watermark it knows, less the overlap: a transaction that was slow to
commit is still seen. Rows of the overlap that did not change are known by their content and are
not sent again. A row becomes a table of one line with its header (the reader ``rows`` reads it),
so the same row is the same message whenever it is read. Order within a poll: watermark, then the
message; the mark moves only when what lies before it is durable. Nothing is ever written to the
system but answers, and those only to the intermediate table that the option ``answers`` names.
"""

import csv
import hashlib
import io
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    column,
    literal_column,
    select,
    table,
)
from sqlalchemy.exc import SQLAlchemyError

from gateway.carriers.answers import AnswerTable
from gateway.carriers.engines import opened
from gateway.carriers.state import Mark, State
from gateway.carriers.taking import Take, ended
from gateway.carriers.view_options import ViewOptions
from gateway.errors import GatewayError

FETCHED = 500
"""Rows fetched at once; the whole view is never held."""


class View:
    """One view; ``poll`` takes what is new in it. ``state`` keeps how far it got."""

    def __init__(self, options: ViewOptions, state: State, take: Take) -> None:
        self._options, self._state, self._take = options, state, take
        self._engine = opened(options.url)
        self._answers = AnswerTable(options.answers) if options.answers else None

    def poll(self) -> int:
        """Take the rows that are new or changed; raise GW-1050 to GW-1053, and what is temporary.

        A refused row counts as taken: it is parked, or told in the intermediate table.
        """
        if not self._state.is_held():
            return 0
        self._state.begin()
        mark = self._state.mark()
        taken = 0
        with self._reading() as connection, closing(self._rows(connection, mark)) as rows:
            for row in rows:
                taken += self._bring(row)
                mark = row[self._options.watermark]
        self._state.reached(mark)
        return taken

    def close(self) -> None:
        """Let another program poll the view."""
        self._state.close()
        self._engine.dispose()
        if self._answers:
            self._answers.close()

    def _bring(self, row: Mapping[str, Any]) -> int:
        raw = as_table(row, self._options.charset)
        digest = hashlib.sha256(raw).digest()
        if self._state.is_seen(digest):
            return 0
        taken = ended(self._take, raw, "view")
        if self._answers:
            self._answers.write(row, taken)
        self._state.took(digest)
        return 1

    def _rows(self, connection: Connection, mark: Mark | None) -> Generator[dict[str, Any]]:
        """Stream the rows with the watermark's column under the name that the options give it."""
        streaming = connection.execution_options(stream_results=True, yield_per=FETCHED)
        with streaming.execute(statement(self._options, mark)) as found:
            wanted = self._options.watermark
            names = [wanted if one.lower() == wanted.lower() else one for one in found.keys()]  # noqa: SIM118 - a result is no mapping.
            if wanted not in names:
                raise GatewayError("GW-1041", carrier="view", problem="watermark")
            for row in found:
                yield dict(zip(names, row, strict=True))

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """Open a connection that may only read, as far as the database can be told so."""
        try:
            with self._engine.connect() as connection:
                if self._engine.dialect.name in {"mysql", "mariadb"}:
                    connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
                    connection.rollback()
                if self._engine.dialect.name == "postgresql":
                    connection.execution_options(postgresql_readonly=True)
                yield connection
        except SQLAlchemyError as err:
            # Texts of drivers quote the statement's values; the kind says enough.
            reason = type(getattr(err, "orig", None) or err).__name__
            raise GatewayError("GW-1050", view=self._options.table, reason=reason) from err


def statement(options: ViewOptions, mark: Mark | None) -> Select[Any]:
    """Give what a poll asks: from the mark less the overlap, in the order of the watermark."""
    watermark: Any = column(options.watermark)
    wanted: list[Any] = [column(name) for name in options.columns] or [literal_column("*")]
    asked = select(*wanted).select_from(table(options.table, schema=options.schema))
    low = _low(mark, options)
    asked = asked.where(watermark.is_not(None) if low is None else watermark >= low)
    return asked.order_by(watermark)


def _low(mark: Mark | None, options: ViewOptions) -> Mark | None:
    """Look back behind the mark as far as its kind allows."""
    if isinstance(mark, date):  # A datetime is one, too.
        return mark - timedelta(seconds=options.overlap)
    if isinstance(mark, int):
        return mark - int(options.overlap)
    if isinstance(mark, Decimal):
        return mark - Decimal(str(options.overlap))
    if isinstance(mark, str) and options.watermark_format:
        try:
            parsed = datetime.strptime(mark, options.watermark_format)  # noqa: DTZ007 - the system's own clock, compared with itself.
        except ValueError as err:
            raise GatewayError("GW-1041", carrier="view", problem="watermark_format") from err
        return (parsed - timedelta(seconds=options.overlap)).strftime(options.watermark_format)
    return mark


def as_table(row: Mapping[str, Any], charset: str) -> bytes:
    """Write a row as a table of one line with its header, the same for the same values."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerow(row)
    writer.writerow([_cell(name, value) for name, value in row.items()])
    try:
        return written.getvalue().encode(charset)
    except UnicodeEncodeError as err:
        raise GatewayError("GW-1041", carrier="view", problem=f"charset {charset}") from err


def _cell(name: str, value: Any) -> str:
    """Write a value as it is: a decimal with its scale, a time without a guessed zone."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        raise GatewayError("GW-1052", column=name)
    return str(value)
