"""A folder in which each record is laid as a file, taken once the receiver has removed it.

The file appears whole, under its name; a mark in ``.gateway/`` says afterwards that it was laid
there. Without its file, a mark tells that the receiver took it; a crash between the two lays the
file once more, under the same name.
"""

import os
from collections.abc import Callable
from pathlib import Path

from gateway.carriers.outgoing.native import SUFFIXES, Native
from gateway.carriers.outgoing.options import Folder
from gateway.delivery import Awaited, Delivered, Failed, Outcome
from gateway.errors import GatewayError

MARKS = ".gateway"


class FolderWay:
    """One folder of a receiver."""

    def __init__(self, folder: Folder) -> None:
        self._path = folder.path

    def hand(self, key: str, make: Callable[[], Native]) -> Outcome:
        """Lay the file, or see whether it was taken."""
        try:
            return self._look(key, make)
        except OSError as err:
            reason = err.strerror or type(err).__name__
            error = GatewayError("GW-6125", place=self._path, reason=reason)
            return Failed(error, is_permanent=False)

    def _look(self, key: str, make: Callable[[], Native]) -> Outcome:
        marks = self._path / MARKS
        mark = marks / key
        if mark.exists():
            if (self._path / mark.read_text("utf-8")).exists():
                return Awaited(GatewayError("GW-6122", place=self._path))
            mark.unlink()
            return Delivered(0)
        record = make()
        content = record.content
        marks.mkdir(exist_ok=True)
        name = f"{record.topic}-{key}.{SUFFIXES[record.format]}"
        _lay(self._path / name, marks / f"{key}.part", content)
        _lay(mark, marks / f"{key}.part", name.encode())
        return Awaited(GatewayError("GW-6122", place=self._path))


def _lay(target: Path, part: Path, content: bytes) -> None:
    """Write a file that appears whole and survives a power failure."""
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.rename(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
