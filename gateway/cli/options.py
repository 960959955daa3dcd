"""The options that many commands share, and the settings made of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from gateway.settings import Settings, load_settings

_LISTENING = "listening"
Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--config", type=click.Path(exists=True, path_type=Path), help="TOML file."),
    click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of the data 数据目录"),
    click.option("--database", help="Database URL 数据库地址"),
)


def with_settings(command: Command) -> Command:
    """Give a command ``--config``, ``--data-dir`` and ``--database``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def settings_of(config: Path | None, **given: Any) -> Settings:
    """Make the settings; what was not given on the command line is left to the other sources."""
    return load_settings(config=config, **given)


def note_listening(settings: Settings) -> None:
    """Keep where the server listens, for the commands that are run beside it."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    (settings.data_dir / _LISTENING).write_text(settings.listen, encoding="utf-8")


def served_at(settings: Settings) -> str:
    """Give the address that clients use: the one that is set, else where it was last served."""
    noted = settings.data_dir / _LISTENING
    if settings.server_url or not noted.exists():
        return settings.public_url
    return f"http://{noted.read_text(encoding='utf-8').strip()}"
