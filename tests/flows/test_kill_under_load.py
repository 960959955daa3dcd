"""The server is killed at random moments under load: nothing is missing, nothing is doubled."""

from datetime import timedelta
from pathlib import Path

import pytest

from gateway.wiring import build_runtime
from tests.support.databases import new_database
from tests.support.inventory import inventory
from tests.support.loads import faults, kill_under_load
from tests.support.worlds import running_world


@pytest.mark.postgres
def test_killed_twice_under_load_nothing_is_missing_or_doubled(
    postgres: str, tmp_path: Path
) -> None:
    with new_database(postgres) as url, running_world(tmp_path, database=url) as world:
        load = kill_under_load(world, rounds=2, seed=20261102)
        world.stop()
        runtime = build_runtime(world.settings)
        try:
            # Several servers may share this database, so what a dead one held waits for its lease.
            runtime.pipeline.recover(ahead=timedelta(days=1))
        finally:
            runtime.close()
        found = inventory(url)
    assert load.referrals
    assert load.reports
    assert faults(load, found) == []
