"""The story told once without disturbance: what a disturbed one must come to as well."""

from dataclasses import dataclass

import pytest

from gateway.cli.demo.steps import STEPS
from tests.support.inventory import Inventory, inventory
from tests.support.worlds import play, running_world

# The same secret gives the same resource ids, on every engine.
SECRET = "one-secret-for-all-tellings-of-the-story"


@dataclass(frozen=True, slots=True)
class Told:
    """What did not hold in a telling, what stands in its database, and what its log says."""

    failures: list[str]
    inventory: Inventory
    log: str


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The story as it is told, on SQLite."""
    with running_world(tmp_path_factory.mktemp("undisturbed"), secret=SECRET) as world:
        failures = play(world, STEPS)
        log = (world.data_dir / "server.log").read_text("utf-8", "replace")
        return Told(failures, inventory(world.settings.database_url), log)
