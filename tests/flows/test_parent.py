"""A server process never outlives the one that listens for MLLP and delivers notices."""

import os
import signal
from pathlib import Path
from time import monotonic, sleep

import pytest

from gateway.cli.demo.world import is_free, new_world


@pytest.mark.xdist_group("parent")
def test_killing_the_parent_alone_frees_the_port(tmp_path: Path) -> None:
    world = new_world(tmp_path / "data")
    try:
        world.seed()
        world.start()
        assert world.server is not None
        os.kill(world.server.pid, signal.SIGKILL)
        world.server.wait()
        deadline = monotonic() + 20
        while not is_free(world.port) and monotonic() < deadline:
            sleep(0.1)
        assert is_free(world.port)
        world.start()
        assert world.http.get(f"{world.url}/readyz", timeout=5).ok
    finally:
        world.stop()
