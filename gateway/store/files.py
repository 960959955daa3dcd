"""Large messages beside the database, one file each, named by the hash of its bytes."""

import hashlib
import os
import secrets
import time
from collections.abc import Callable, Iterator, Set
from pathlib import Path

from gateway.errors import GatewayError

YOUNG_S = 3_600
"""A file used within this time stays, whatever the rows say: its message may be on its way."""
_DOOMED = ".doomed"


class LargeMessages:
    """Keeps, reads and sweeps the files below ``messages/``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, digest: str, raw: bytes) -> str:
        """Write and sync a message and give its path; a repeated one shares the first's file.

        Raises GW-5004 when the disk is full.
        """
        name = f"messages/{digest[:2]}/{digest}"
        path = self._folder / name
        try:
            if _touched(path):
                return name
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
            with part.open("wb") as file:
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
            part.rename(path)
            _sync_folder(path.parent)
            _sync_folder(path.parent.parent)
        except OSError as err:
            raise GatewayError("GW-5004", retry_after_s=60) from err
        return name

    def read(self, name: str, sha256: str, message_id: str) -> bytes:
        """Give the bytes; raise GW-5008 when they are gone or are not what was received."""
        try:
            raw: bytes = (self._folder / name).read_bytes()
        except OSError as err:
            raise GatewayError("GW-5008", message_id=message_id) from err
        if hashlib.sha256(raw).hexdigest() != sha256:
            raise GatewayError("GW-5008", message_id=message_id)
        return raw

    def sweep(self, needed: Callable[[], Set[str]]) -> int:
        """Delete the files that no message needs; give the bytes that came free.

        What seems unneeded is moved aside, ``needed`` is asked again, and what a message came for
        meanwhile is moved back: a message received during the sweep never loses its bytes.
        """
        known = needed()
        doomed = [
            self._set_aside(path)
            for path in self._files()
            if path.suffix == _DOOMED or self._name(path) not in known
        ]
        if not doomed:
            return 0
        known = needed()
        freed = 0
        for path in filter(None, doomed):
            kept = self._folder / self._name(path)
            if self._name(path) in known and not kept.exists():
                path.rename(kept)
                continue
            freed += path.stat().st_size
            path.unlink()
        return freed

    def _name(self, path: Path) -> str:
        return path.relative_to(self._folder).as_posix().removesuffix(_DOOMED)

    def _set_aside(self, path: Path) -> Path | None:
        """Move a file out of the way, unless it was used a moment ago."""
        if path.suffix == _DOOMED:
            return path  # A broken-off sweep left it.
        if _is_young(path):
            return None
        return path.rename(path.with_name(path.name + _DOOMED))

    def _files(self) -> Iterator[Path]:
        """Give every message file and every one that a broken-off sweep left aside."""
        for path in sorted((self._folder / "messages").glob("*/*")):
            if path.suffix == ".part":
                if not _is_young(path):
                    path.unlink()
            else:
                yield path


def _touched(path: Path) -> bool:
    """Mark a file as used now; say whether it is there."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _is_young(path: Path) -> bool:
    return time.time() - path.stat().st_mtime < YOUNG_S


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
