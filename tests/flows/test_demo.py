"""The demo as a newcomer ends it."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli.demo.world import free_port, is_free


@pytest.mark.xdist_group("demo")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_whoever_ends_the_demo_ends_its_server(tmp_path: Path, sent: signal.Signals) -> None:
    # A shell starts what it runs in the background with interrupts ignored, and so on to children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    port = free_port()
    command = [sys.executable, "-m", "gateway.cli", "demo", "--port", str(port)]
    demo = subprocess.Popen(
        [*command, "--data", str(tmp_path / "demo")],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert demo.stdout is not None
        shown = []
        for line in demo.stdout:
            shown.append(line)
            if "stays up" in line:
                break
        assert f"http://127.0.0.1:{port}" in shown[-1]
        assert not is_free(port)
        demo.send_signal(sent)
        demo.communicate(timeout=30)
    finally:
        demo.kill()
        demo.wait()
    assert demo.returncode == 0, "".join(shown)
    assert is_free(port)
