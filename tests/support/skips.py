"""Skips that are allowed when CI=true: everything else that skips fails the run."""

import os
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ALLOWED = Path(__file__).parents[1] / "allowed-skips"


def patterns(text: str) -> tuple[str, ...]:
    """Give the patterns of the file's lines; what follows two blanks is the reason."""
    lines = (line.strip() for line in text.splitlines())
    return tuple(line.split("  ")[0] for line in lines if line and not line.startswith("#"))


def unlisted(skipped: Iterable[str], allowed: tuple[str, ...]) -> Iterator[str]:
    """Give the ids of skipped tests that no pattern matches."""
    for one in skipped:
        if not any(fnmatchcase(one, pattern) for pattern in allowed):
            yield one


class SkipGuard:
    """Collects skips and fails the run for those that the file does not list."""

    def __init__(self) -> None:
        self.skipped: list[str] = []

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a skip; an expected failure is none."""
        if report.skipped and not hasattr(report, "wasxfail"):
            self.skipped.append(report.nodeid)

    @pytest.hookimpl
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a module that was skipped whole."""
        if report.skipped:
            self.skipped.append(report.nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the run when something skipped that may not."""
        found = sorted(set(unlisted(self.skipped, patterns(ALLOWED.read_text("utf-8")))))
        if found and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            for one in found:
                reporter.write_line(f"SKIPPED, and tests/allowed-skips does not list it: {one}")


def guard(config: pytest.Config) -> None:
    """Register the guard in CI, on the process that reports (not on the workers of xdist)."""
    if os.environ.get("CI") == "true" and not hasattr(config, "workerinput"):
        config.pluginmanager.register(SkipGuard(), "skip-guard")
