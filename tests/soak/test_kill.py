"""Hours of load with a kill at a random moment every few seconds (``make soak``).

SOAK_ROUNDS and SOAK_SEED choose how many kills and which moments.
"""

import os
import time
from datetime import timedelta
from pathlib import Path

from gateway.wiring import build_runtime
from tests.support.inventory import inventory
from tests.support.loads import faults, kill_under_load
from tests.support.worlds import running_world

ROUNDS = int(os.environ.get("SOAK_ROUNDS", "50"))
SEED = int(os.environ.get("SOAK_SEED", time.time_ns() % 1_000_000))


def test_nothing_is_missing_or_doubled_after_many_kills(database_url: str, tmp_path: Path) -> None:
    print(f"SOAK_SEED={SEED} SOAK_ROUNDS={ROUNDS}")
    with running_world(tmp_path / "world", database=database_url) as world:
        load = kill_under_load(world, ROUNDS, SEED)
        world.stop()
        runtime = build_runtime(world.settings)
        try:
            runtime.pipeline.recover(ahead=timedelta(days=1))
        finally:
            runtime.close()
        found = inventory(database_url)
    print(f"{len(load.referrals)} referrals, {len(load.reports)} reports, {load.repeats} repeats")
    assert load.referrals
    assert load.reports
    assert faults(load, found) == []
