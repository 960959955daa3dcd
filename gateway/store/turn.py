"""What only one of several processes does at a time: the others step in when it ends or dies."""

import fcntl
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol

import sqlalchemy
from sqlalchemy import Connection, Engine, text

from gateway.store.keys import text_number


class Turn(Protocol):
    """Held from the first ``is_ours`` that is true until ``close`` or the end of the process."""

    def is_ours(self) -> bool:
        """Take the turn, or go on holding it; False while another process does."""

    def close(self) -> None:
        """Let another process have it."""


class FileTurn:
    """Beside the embedded database: a lock on a file, which the system frees at any end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def is_ours(self) -> bool:
        """Lock the file."""
        if self._file is not None:
            return True
        file = self._path.open("a")
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return True

    def close(self) -> None:
        """Unlock it."""
        if self._file is not None:
            self._file.close()
            self._file = None


class ServerTurn:
    """On PostgreSQL: an advisory lock of a connection of its own, which ends with it."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self._number = text_number(f"turn {name}")
        self._connection: Connection | None = None

    def is_ours(self) -> bool:
        """Lock, or see that the connection still lives; a lost one is no turn."""
        try:
            if self._connection is not None:
                self._connection.execute(text("SELECT 1"))
                return True
            return self._taken()
        except sqlalchemy.exc.SQLAlchemyError:
            self.close()
            return False

    def close(self) -> None:
        """Unlock by closing the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlalchemy.exc.SQLAlchemyError):  # It is gone, and the lock with it.
                connection.close()

    def _taken(self) -> bool:
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()  # It never goes back to the pool with its lock.
        asked = text("SELECT pg_try_advisory_lock(:number)")
        try:
            is_ours = bool(connection.execute(asked, {"number": self._number}).scalar_one())
        except sqlalchemy.exc.SQLAlchemyError:
            connection.close()
            raise
        if is_ours:
            self._connection = connection
        else:
            connection.close()
        return is_ours
