"""A name that is not there ends an operator's command with an error, never with zeroes."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from gateway.cli.map import map_
from gateway.cli.messages import messages
from gateway.errors import GatewayError


def run(command: click.Command, folder: Path, *words: str) -> int:
    """Run a command on an empty data folder; raise what it raises."""
    done = CliRunner().invoke(command, [*words, "--data-dir", str(folder)])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code


def test_the_coverage_of_a_channel_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GatewayError, match="GW-1001"):
        run(map_, tmp_path, "coverage", "nosuch")


@pytest.mark.parametrize("option", [(), ("--dry-run",)])
def test_a_message_that_cannot_be_replayed_fails_the_command(
    tmp_path: Path, option: tuple[str, ...]
) -> None:
    assert run(messages, tmp_path, "replay", "nosuch", *option) == 1
