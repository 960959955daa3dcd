"""schemathesis asks the addresses of the OpenAPI document what it allows and what it does not."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.live import Live

OWN = r"^/(intake|oauth|healthz|readyz|metrics|openapi|view|\.well-known)"
FHIR = r"^/fhir/(\{type_\}|metadata|\$validate|\$convert|\{compartment\}|_history)"


@pytest.mark.parametrize("addresses", [OWN, FHIR], ids=["own", "fhir"])
def test_no_request_is_a_fault_of_the_server(live: Live, addresses: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(Path(sys.executable).parent / "schemathesis", "run", f"{live.root}/openapi.json"),
            *("--checks", "not_a_server_error", "--phases", "examples,coverage,fuzzing"),
            *("--max-examples", "3", "--seed", "20261122", "--include-path-regex", addresses),
            *("--header", f"Authorization: {live.authorization}"),
            *("--generation-database", "none", "--no-color"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
