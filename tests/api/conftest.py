"""One application on SQLite for a test module: compiling the definitions is what takes time."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.settings import load_settings
from gateway.wiring import build_runtime
from tests.support.consortium import Browser, Consortium, found_consortium


@pytest.fixture(scope="session")
def consortium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consortium]:
    folder: Path = tmp_path_factory.mktemp("gateway")
    (folder / "mappings").mkdir()
    settings = load_settings(
        {},
        data_dir=folder,
        mappings=str(folder / "mappings"),
        demo_links=True,
        max_body_bytes=1_000_000,
        max_bundle_entries=100,
    )
    runtime = build_runtime(settings)
    found_consortium(runtime)
    yield Consortium(runtime)
    runtime.close()


@pytest.fixture
def county(consortium: Consortium) -> Browser:
    return consortium.client("qs-county")


@pytest.fixture
def city(consortium: Consortium) -> Browser:
    return consortium.client("lj-city")


@pytest.fixture
def operator(consortium: Consortium) -> Browser:
    return consortium.client("operator")
