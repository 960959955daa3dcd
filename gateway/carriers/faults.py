"""Translate what the carriers' own small databases raise into a numbered error."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.errors import GatewayError


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise GW-1053, which names the file, for what the disk or SQLite refuses inside."""
    try:
        yield
    except (OSError, sqlite3.Error) as err:
        reason = getattr(err, "strerror", None) or str(err)
        raise GatewayError("GW-1053", file=path, reason=reason) from err
