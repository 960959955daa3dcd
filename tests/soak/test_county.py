"""A county's month while the server is killed at random (``make soak``), views in a real MariaDB.

COUNTY_PATIENTS and SOAK_SEED choose the size and the moments.
"""

import os
import time
from pathlib import Path
from random import Random

import pytest

from tests.support.counties import written_county
from tests.support.mariadb import mariadb_server
from tests.support.worlds import seeded_world

PATIENTS = int(os.environ.get("COUNTY_PATIENTS", "2000"))
SEED = int(os.environ.get("SOAK_SEED", time.time_ns() % 1_000_000))


def test_a_county_arrives_whole_though_the_server_is_killed(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    print(f"SOAK_SEED={SEED} COUNTY_PATIENTS={PATIENTS}")
    with mariadb_server() as his, seeded_world(tmp_path / "data", database=database_url) as world:
        monkeypatch.setenv("SANDBOX_VIEW_PASSWORD", "secret")
        url = his.replace(":secret@", "@")
        folder = tmp_path / "county"
        played = written_county(world, folder, url, patients=PATIENTS, days=30, seed=SEED)
        world.start()
        kills = played.send_while_killed(Random(SEED), (15.0, 40.0))
        findings = played.found(tries=120)
    print(f"{kills} kills, {sum(findings.held.values())} facts")
    assert kills
    assert findings.wrong == []
