"""The application with a consortium of its own, for what it says about itself."""

from collections.abc import Iterator

import pytest

from gateway.settings import load_settings
from gateway.wiring import build_runtime
from tests.support.consortium import Consortium, found_consortium


@pytest.fixture(scope="session")
def consortium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consortium]:
    folder = tmp_path_factory.mktemp("contract")
    (folder / "mappings").mkdir()
    runtime = build_runtime(
        load_settings({}, data_dir=folder, mappings=str(folder / "mappings"), demo_links=True)
    )
    found_consortium(runtime)
    yield Consortium(runtime)
    runtime.close()
