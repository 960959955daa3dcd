"""One live server for all clients of a run; each test makes what it reads."""

from collections.abc import Iterator

import pytest

from tests.support.databases import new_database
from tests.support.live import Live, live_server


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server on SQLite."""
    with live_server(tmp_path_factory.mktemp("clients")) as server:
        yield server


@pytest.fixture(scope="session")
def live_on_postgres(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server on PostgreSQL."""
    with (
        new_database(postgres) as url,
        live_server(tmp_path_factory.mktemp("clients-postgres"), database=url) as server,
    ):
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def live_on_each(request: pytest.FixtureRequest) -> Live:
    """A server on each engine in turn."""
    name = "live" if request.param == "sqlite" else "live_on_postgres"
    server: Live = request.getfixturevalue(name)
    return server
