"""The options that many commands share, the settings made of them, and the row of each command."""

import getpass
import os
from collections.abc import Callable
from functools import wraps
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

_SETTINGS = ("config", "data_dir", "database")


def with_settings(command: Command) -> Command:
    """Give a command ``--config``, ``--data-dir`` and ``--database``; it leaves a row when it runs.

    The row is in the audit trail before the command begins, with who runs it and what was given.
    """

    @wraps(command)
    def audited(*plain: Any, **given: Any) -> Any:
        _note(given)
        return command(*plain, **given)

    return with_plain_settings(audited)  # type: ignore[return-value]


def with_plain_settings(command: Command) -> Command:
    """Give the same options to a command that is no access itself."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def _note(given: dict[str, Any]) -> None:
    # Imported late: a command that is only asked for its help needs no database.
    from gateway.records import UNNAMED, Audited
    from gateway.wiring import open_store

    told = {name: value for name, value in given.items() if value not in (None, False, (), "")}
    settings = settings_of(**{name: told.pop(name, None) for name in _SETTINGS})
    shard = told.pop("shard", UNNAMED)
    query = "&".join(f"{name}={value}" for name, value in sorted(told.items()))
    path = _called(click.get_current_context())
    store = open_store(settings)
    try:
        access = Audited(shard, "local", "", "CLI", "command", path, query, 200, _user())
        store.audit.append(access)
    finally:
        store.close()


def _called(context: click.Context) -> str:
    """Give ``gateway messages replay``, however the program was started."""
    names: list[str] = []
    while context.parent is not None:
        names.append(context.info_name or "")
        context = context.parent
    return " ".join(["gateway", *reversed(names)])


def _user() -> str:
    try:
        return getpass.getuser()
    except KeyError:
        return f"uid {os.getuid()}"  # A container may run as a number without a name.


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
