"""Fixtures that every kind of test may use."""

import pytest

from tests.support.skips import guard

pytest_plugins = ["tests.support.databases"]


def pytest_configure(config: pytest.Config) -> None:
    """Fail a run in CI for skips that tests/allowed-skips does not list."""
    guard(config)
