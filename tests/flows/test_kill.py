"""The server is killed at any moment: nothing acknowledged is missing, nothing is doubled."""

import socket
from datetime import timedelta
from pathlib import Path
from time import sleep

import pytest

from gateway.cli.demo.peers import END, START
from gateway.cli.demo.steps import (
    NHSA,
    accept,
    admit,
    discharge,
    refer,
    repeat,
    report_results,
    settle,
    supervise,
)
from gateway.cli.demo.world import World, record
from gateway.wiring import build_runtime
from tests.flows.conftest import SECRET, Told
from tests.support.databases import new_database
from tests.support.inventory import inventory
from tests.support.loads import faults, kill_under_load
from tests.support.worlds import play, running_world


def restart(world: World) -> None:
    """Kill the server and everything it started, and start it again."""
    world.kill()
    world.start()
    world.sign_in()


def post_and_leave(world: World, channel: str, member: str, raw: bytes) -> None:
    """Send a record over HTTP and wait for no answer."""
    head = (
        f"POST /intake/{channel} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(raw)}\r\n"
        f"Authorization: Bearer {world.tokens[member]}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", world.port)) as connection:
        connection.sendall(head.encode() + raw)


def message_and_leave(world: World, channel: str, raw: bytes) -> None:
    """Send an HL7 v2 message over MLLP and wait for no answer."""
    with socket.create_connection(("127.0.0.1", world.mllp_ports[channel])) as connection:
        connection.sendall(START + raw + END)


@pytest.mark.xdist_group("story")
def test_the_story_goes_on_after_the_server_was_killed_amid_it(
    undisturbed: Told, tmp_path: Path
) -> None:
    with running_world(tmp_path, secret=SECRET) as world:
        post_and_leave(world, "qs-township-referral", "qs-township", record("referral.csv"))
        restart(world)
        assert play(world, (refer, report_results, accept)) == []
        message_and_leave(world, "qs-county-adt", record("admission.hl7"))
        sleep(0.02)
        restart(world)
        assert play(world, (admit, discharge)) == []
        receipts = [
            world.http.post(
                f"{world.url}/intake/qs-county-nhsa",
                data=record(name),
                headers={"Authorization": f"Bearer {world.tokens['qs-county']}"},
                timeout=30,
            ).json()["message"]
            for name in NHSA
        ]
        restart(world)
        for receipt in receipts:
            assert world.message("qs-county", receipt)["status"] == "stored"
        assert play(world, (settle, supervise, repeat)) == []
        world.stop()
        found = inventory(world.settings.database_url)
    # The Provenance of a record is named after its message, whose id is drawn by lot.
    assert found.versions_but("Provenance") == undisturbed.inventory.versions_but("Provenance")
    assert found.counts == undisturbed.inventory.counts
    assert sorted(found.messages.values()) == sorted(undisturbed.inventory.messages.values())


@pytest.mark.postgres
@pytest.mark.xdist_group("killed on postgresql")
def test_killed_three_times_under_load_nothing_is_missing_or_doubled(
    postgres: str, tmp_path: Path
) -> None:
    with new_database(postgres) as url, running_world(tmp_path, database=url) as world:
        load = kill_under_load(world, rounds=3, seed=20261102)
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
