"""Bring the schema up to date, once, however many processes start together."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from gateway.errors import GatewayError
from gateway.store import statistics
from gateway.store.faults import translated

HEAD = "0009"
_LOCK = 7_215_401_906_333
"""The number of PostgreSQL's advisory lock that upgrades take turns by."""


def upgrade(engine: Engine, lock_file: Path | None) -> None:
    """Run the missing migrations; raise GW-5009 when the database is of a later release."""
    with translated():
        if _found(engine) == HEAD:
            return
        with _alone(engine, lock_file), engine.connect() as connection:
            found = _found(engine)
            if found != HEAD:
                _migrate(connection, found)
                if connection.dialect.name == "sqlite":
                    statistics.write(connection)
                    connection.commit()


def demand_current(engine: Engine) -> None:
    """Raise GW-5009 when the schema is not this program's."""
    with translated():
        found = _found(engine)
    if found != HEAD:
        raise GatewayError("GW-5009", found=found or "none", needed=HEAD)


def _found(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.execute(
            text("SELECT version_num FROM alembic_version")
        ).scalar_one_or_none()
        return found


def _migrate(connection: Connection, found: str | None) -> None:
    # Imported late: a start with a current schema does not need it, and it is slow to load.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    with as_file(files("gateway.store") / "migrations") as folder:
        config = Config()
        config.set_main_option("script_location", str(folder))
        config.set_main_option("path_separator", "os")
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if found is not None and found not in known:
            raise GatewayError("GW-5009", found=found, needed=HEAD)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def _alone(engine: Engine, lock_file: Path | None) -> Iterator[None]:
    if lock_file is not None:
        with lock_file.open("a") as lock:
            fcntl.flock(lock.fileno(), fcntl.LOCK_EX)
            yield
        return
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})
