"""One patient's story across the consortium, through the real entrances of a real server."""

from pathlib import Path

import pytest

from gateway.cli.demo.steps import (
    STEPS,
    accept,
    admit,
    discharge,
    refer,
    repeat,
    report_results,
    settle,
    supervise,
)
from tests.flows.conftest import SECRET, Told
from tests.support.databases import new_database
from tests.support.inventory import inventory
from tests.support.worlds import play, running_world

SETTLED_FIRST = (refer, report_results, accept, admit, settle, discharge, supervise, repeat)


def test_every_step_of_the_story_holds(undisturbed: Told) -> None:
    assert undisturbed.failures == []


def test_the_log_of_the_story_names_no_patient_and_no_fault(undisturbed: Told) -> None:
    assert "record parked" in undisturbed.log
    assert "Traceback" not in undisturbed.log
    for secret in ("林桂芳", "420300196205143622", "13800006214"):
        assert secret not in undisturbed.log


def test_every_message_of_the_story_has_ended(undisturbed: Told) -> None:
    assert set(undisturbed.inventory.messages.values()) == {"stored", "corrected", "stale"}


@pytest.mark.postgres
def test_every_step_of_the_story_holds_on_postgresql(
    undisturbed: Told, postgres: str, tmp_path: Path
) -> None:
    with (
        new_database(postgres) as url,
        running_world(tmp_path, database=url, secret=SECRET) as world,
    ):
        assert play(world, STEPS) == []
        found = inventory(url)
    # The Provenance of a record is named after its message, whose id is drawn by lot.
    assert found.versions_but("Provenance") == undisturbed.inventory.versions_but("Provenance")
    assert found.counts == undisturbed.inventory.counts


def test_the_story_holds_when_the_settlement_comes_before_the_discharge(tmp_path: Path) -> None:
    assert set(SETTLED_FIRST) == set(STEPS)
    with running_world(tmp_path) as world:
        assert play(world, SETTLED_FIRST) == []
