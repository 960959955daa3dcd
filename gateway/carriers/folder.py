"""A watched folder: files that a system (or its SFTP client) drops are taken, then moved aside.

A file is taken when it has stayed the same for ``settle_s``; names that begin with ``.`` or ``~``
or end as unfinished ones do (``.part``, ``.tmp``, ``.filepart``) are left alone, so a sender may
write under such a name and rename. Oldest first. The file is moved to ``done/`` only after its
bytes are durable, to ``failed/`` with a note beside it when it or one of its records was refused.
A crash between the two leaves it in place: it is taken again and known as a duplicate. One lock
per folder: of two programs that watch it, the second waits for the first to end.
"""

import fcntl
import fnmatch
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from gateway.carriers.taking import Take, Taken, ended, refused
from gateway.errors import GatewayError
from gateway.telemetry import log

LOG = log("carriers")
UNFINISHED = (".part", ".tmp", ".filepart", ".writing", ".crdownload")
LOCK = ".gateway-lock"


@dataclass(frozen=True, slots=True)
class FolderOptions:
    """Where to look and when a file counts as complete; times in seconds."""

    path: Path
    pattern: str = "*"
    settle_s: float = 2.0
    every_s: float = 1.0
    max_bytes: int = 50_000_000


def folder_options(told: Mapping[str, Any], max_bytes: int) -> FolderOptions:
    """Read the option ``folder`` of a channel; raise GW-1041."""
    if not isinstance(told, Mapping):
        raise GatewayError("GW-1041", carrier="folder", problem="{…}")
    known = {"path", "pattern", "settle_s", "every_s"}
    for name in told:
        if name not in known:
            raise GatewayError("GW-1041", carrier="folder", problem=f"{name}?")
    if not isinstance(told.get("path"), str) or not told["path"]:
        raise GatewayError("GW-1041", carrier="folder", problem="path")
    try:
        return FolderOptions(
            Path(told["path"]).absolute(),
            str(told.get("pattern", "*")),
            float(told.get("settle_s", 2.0)),
            max(float(told.get("every_s", 1.0)), 0.05),
            max_bytes,
        )
    except (TypeError, ValueError) as err:
        raise GatewayError("GW-1041", carrier="folder", problem="settle_s, every_s") from err


_State = tuple[int, int, int]
"""Size, time of change and number of a file: what tells that it is still being written."""


class Folder:
    """One watched folder; ``poll`` takes what is complete."""

    def __init__(
        self,
        options: FolderOptions,
        take: Take,
        *,
        elapsed_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._options, self._take, self._elapsed_s = options, take, elapsed_s
        self._seen: dict[str, tuple[_State, float]] = {}
        self._lock: IO[str] | None = None

    def poll(self) -> int:
        """Take the complete files, the oldest first; raise GW-1040, and what is temporary."""
        with _translated(self._options.path):
            if not self._is_ours():
                return 0
            done = 0
            for name, state in self._complete():
                done += self._bring(name, state)
            return done

    def close(self) -> None:
        """Let another program watch the folder."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _is_ours(self) -> bool:
        if self._lock is None:
            for part in ("done", "failed"):
                (self._options.path / part).mkdir(parents=True, exist_ok=True)
            lock = (self._options.path / LOCK).open("a")
            try:
                fcntl.flock(lock.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                return False
            self._lock = lock
        return True

    def _complete(self) -> list[tuple[str, _State]]:
        """Give the files that have not changed for long enough, the oldest first."""
        now = self._elapsed_s()
        found: dict[str, tuple[_State, float]] = {}
        for entry in os.scandir(self._options.path):
            if not self._is_meant(entry.name):
                continue
            with suppress(FileNotFoundError):  # Its sender took it back meanwhile.
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    state = (status.st_size, status.st_mtime_ns, status.st_ino)
                    before = self._seen.get(entry.name)
                    is_same = before is not None and before[0] == state
                    found[entry.name] = (state, before[1] if before and is_same else now)
        self._seen = found
        ready = [
            (state[1], name, state)
            for name, (state, since) in found.items()
            if now - since >= self._options.settle_s
        ]
        return [(name, state) for _, name, state in sorted(ready)]

    def _is_meant(self, name: str) -> bool:
        is_unfinished = name.startswith((".", "~")) or name.lower().endswith(UNFINISHED)
        return not is_unfinished and fnmatch.fnmatch(name, self._options.pattern)

    def _bring(self, name: str, state: _State) -> int:
        """Take one file and move it aside; 0 when it went away or changed meanwhile."""
        try:
            raw, found = _read(self._options.path / name, self._options.max_bytes)
        except FileNotFoundError:
            return 0
        except GatewayError as too_large:
            taken = refused(too_large)
        else:
            if found != state:
                return 0
            taken = ended(self._take, raw, "folder")
        self._move(name, state, taken)
        return 1

    def _move(self, name: str, state: _State, taken: Taken) -> None:
        path = self._options.path / name
        status = path.lstat()
        if (status.st_size, status.st_mtime_ns, status.st_ino) != state:
            return  # Written again meanwhile: what it holds now is another message.
        target = _free(self._options.path / ("failed" if taken.refusals else "done"), name)
        if taken.refusals:
            target.with_name(f"{target.name}.error.txt").write_text(_note(taken), "utf-8")
        path.rename(target)
        self._seen.pop(name, None)


def _read(path: Path, limit: int) -> tuple[bytes, _State]:
    """Read a file that is no link; raise GW-1003."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        status = os.fstat(file.fileno())
        if status.st_size > limit:
            raise GatewayError("GW-1003", limit=limit)
        return file.read(), (status.st_size, status.st_mtime_ns, status.st_ino)


def _free(folder: Path, name: str) -> Path:
    """Give a path in the folder that nothing holds yet: ``name``, ``name.2``, ``name.3`` …"""
    folder.mkdir(exist_ok=True)
    target, number = folder / name, 1
    while target.exists():
        number += 1
        target = folder / f"{name}.{number}"
    return target


def _note(taken: Taken) -> str:
    """Tell beside a failed file what is wrong with it, for the hospital's own staff."""
    told = (f"{one.number} {one.place or ''}\n  {one.zh}\n  {one.en}" for one in taken.refusals)
    return "\n".join((f"message {taken.message_id}", *told, ""))


@contextmanager
def _translated(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as err:
        raise GatewayError(
            "GW-1040", folder=folder, reason=err.strerror or type(err).__name__
        ) from err
