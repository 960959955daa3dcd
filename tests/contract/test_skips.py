"""A skip that nobody allowed fails the run in CI."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.skips import ALLOWED, patterns, unlisted

ROOT = Path(__file__).parents[2]
SKIPPING = "import pytest\n\n\ndef test_a():\n    pytest.skip('not today')\n"


@pytest.mark.parametrize(("ci", "expected"), [("true", 1), ("", 0)])
def test_a_skip_fails_the_run_in_ci_only(tmp_path: Path, ci: str, expected: int) -> None:
    (tmp_path / "conftest.py").write_text(
        "from tests.support.skips import guard\n\n\ndef pytest_configure(config):\n"
        "    guard(config)\n"
    )
    (tmp_path / "test_skipping.py").write_text(SKIPPING)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(
        [*command, f"--rootdir={tmp_path}", "-c", "/dev/null"],
        cwd=ROOT,
        env={**os.environ, "CI": ci, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == expected, done.stdout + done.stderr
    assert ("does not list it: test_skipping.py::test_a" in done.stdout) is bool(expected)


def test_a_listed_skip_is_allowed() -> None:
    allowed = patterns("# why\n\ntests/a.py::test_*  needs a licence\n")
    assert list(unlisted(["tests/a.py::test_b", "tests/c.py::test_d"], allowed)) == [
        "tests/c.py::test_d"
    ]


def test_every_allowed_skip_names_a_file_that_exists_and_a_reason() -> None:
    for line in ALLOWED.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            pattern, _, reason = line.partition("  ")
            assert reason.strip(), line
            assert list(ROOT.glob(pattern.partition("::")[0])), line
