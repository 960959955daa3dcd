"""The clients of the npm registry, by node's own test runner (``make clients`` fetches them)."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.live import Live

FOLDER = Path(__file__).parent / "node"


@pytest.mark.parametrize("client", ["fhir-kit-client", "medplum-core"])
def test_a_client_of_npm_does_its_work(live: Live, client: str) -> None:
    node = shutil.which("node")
    if node is None or not (FOLDER / "node_modules").is_dir():
        pytest.skip("node or its packages are not there (make clients)")
    told = {
        "GATEWAY_FHIR": live.fhir,
        "GATEWAY_TOKEN": live.token,
        "GATEWAY_CLIENT_ID": live.client_id,
        "GATEWAY_SECRET": live.secret,
    }
    done = subprocess.run(
        [node, "--test", "--test-reporter=tap", f"{client}.test.mjs"],
        cwd=FOLDER,
        env=os.environ | told,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "# pass 8" in done.stdout
