"""The server is killed amid the story: nothing acknowledged is missing, nothing is doubled."""

import socket
from pathlib import Path
from time import sleep

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
from tests.flows.conftest import SECRET, Told
from tests.support.inventory import inventory
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
