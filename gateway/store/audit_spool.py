"""Accesses on the local disk: durable at once, before the database has them.

Two files for each process, ``<name>.a`` and ``<name>.b``. Rows are appended to one; whoever moves
rows into the database first makes the other the one that is appended to. What was moved is crossed
out by its header, and the file is written from its start again without giving up its blocks: to
sync a block that exists costs a tenth of what it costs to make the file longer.

A header is a mark and a salt drawn anew for each filling. A frame is its length, a checksum and
the key of its row, then the row. The checksum of each frame goes on from the one before, the first
from the salt: rows end where that breaks, be it after a crash or at what an earlier filling left.

The process holds a lock on its first file; of a dead one anybody may move what is left.
"""

import errno
import fcntl
import os
import secrets
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

from gateway.errors import GatewayError
from gateway.store.keys import audit_key

Entry = tuple[int, bytes]
"""The key of a row, and the row."""
Move = Callable[[Sequence[Entry]], None]
LARGEST = 64_000_000
"""Bytes of a file at which nothing more is taken: the database has been away for too long."""
_KEPT = 8_000_000
_MARK = b"gwaudit1"
_HEADER = struct.Struct("<8s8s")
_FRAME = struct.Struct("<IIq")
_NUMBERED = struct.Struct("<Iq")
_FIRST, _SECOND = ".a", ".b"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class _Group:
    """Rows that become durable by one write, and who waits for it besides its leader."""

    __slots__ = ("error", "is_durable", "rows", "waiting")

    def __init__(self) -> None:
        self.rows: list[bytes] = []
        self.waiting: list[threading.Lock] = []
        self.is_durable = False
        self.error: GatewayError | None = None


class _File:
    """One of the two files; what is written is durable on return."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_DSYNC, 0o600)
        self.end = 0
        self._sum = 0

    def write(self, rows: Sequence[bytes], keys: Sequence[int]) -> None:
        """Append rows, all of them or none as far as any reader sees."""
        parts, at, checksum = [], self.end, self._sum
        if not at:
            salt = secrets.token_bytes(8)
            parts.append(_HEADER.pack(_MARK, salt))
            checksum = crc32(salt)
        for key, row in zip(keys, rows, strict=True):
            checksum = _checksum(key, row, checksum)
            parts += (_FRAME.pack(len(row), checksum, key), row)
        content = b"".join(parts)
        if at + len(content) > LARGEST:
            raise GatewayError("GW-5003", reason="accesses wait to be stored", retry_after_s=5)
        _write_all(self.descriptor, content, at)
        self.end, self._sum = at + len(content), checksum

    def empty(self, move: Move) -> None:
        """Move what is there, and cross it out."""
        if self.end:
            move(entries(_content(self.descriptor)))
            _write_all(self.descriptor, bytes(_HEADER.size), 0)
            self.end = 0
            if os.fstat(self.descriptor).st_size > _KEPT:
                os.ftruncate(self.descriptor, 0)

    def remove(self) -> None:
        """Delete the file and give up what locks it."""
        self.path.unlink(missing_ok=True)
        os.close(self.descriptor)


class AuditSpool:
    """What one process appends; ``now_us`` gives the time, which keys tell.

    Whoever finds no write under way leads: it writes for all who have come until it begins.
    """

    def __init__(self, folder: Path, now_us: Callable[[], int]) -> None:
        self._folder, self._now_us = folder, now_us
        self._slot = secrets.randbits(12)
        self._last_us = 0
        self._active: _File | None = None
        self._spare: _File | None = None
        self._gathering = _Group()
        self._gate, self._disk, self._moving = (threading.Lock() for _ in range(3))

    def append(self, row: bytes) -> None:
        """Return once the row is durable; raise GW-5003, GW-5004 where it cannot be."""
        mine: threading.Lock | None = None
        with self._gate:
            group = self._gathering
            if group.rows:
                mine = threading.Lock()
                mine.acquire()
                group.waiting.append(mine)
            place = len(group.waiting)
            group.rows.append(row)
        try:
            if mine is None:
                self._lead(group)
            else:
                mine.acquire()
        finally:
            # Each wakes the next: all at once they would only wait again, for the interpreter.
            if place < len(group.waiting):
                group.waiting[place].release()
        if not group.is_durable:
            raise group.error or GatewayError("GW-5003", reason="not written", retry_after_s=5)

    def _lead(self, group: _Group) -> None:
        try:
            with self._disk:
                with self._gate:
                    self._gathering = _Group()
                with _translated():
                    self._opened().write(group.rows, self._keys(len(group.rows)))
            group.is_durable = True
        except GatewayError as error:
            group.error = error

    def _keys(self, count: int) -> list[int]:
        """Give keys that tell the time, never one twice."""
        first = max(self._now_us(), self._last_us + 1)
        self._last_us = first + count - 1
        return [audit_key(us, self._slot) for us in range(first, first + count)]

    def _opened(self) -> _File:
        if self._active is None:
            self._active, self._spare = _open_pair(self._folder)
        return self._active

    def drain(self, move: Move) -> None:
        """Move every row that is durable by now; where ``move`` raises they stay."""
        with self._moving, _translated():
            if self._active is None or self._spare is None:
                return
            self._spare.empty(move)  # Something is there only after a move that failed.
            with self._disk:
                self._active, self._spare = self._spare, self._active
            self._spare.empty(move)

    def is_own(self, path: Path) -> bool:
        """Say whether a file found in the folder is this process's."""
        return self._active is not None and path.stem == self._active.path.stem

    def close(self, move: Move) -> None:
        """Move what is left and delete the files; nothing may be appended any more."""
        self.drain(move)
        with self._moving, _translated():
            files = (self._active, self._spare)
            self._active = self._spare = None
            for one in sorted(filter(None, files), key=lambda one: one.path, reverse=True):
                one.remove()


def gather(folder: Path, move: Move, *, is_own: Callable[[Path], bool], is_all: bool) -> None:
    """Move what dead processes left and delete it; with ``is_all`` also read of the living.

    The living ones move their rows as well: a row may be moved twice.
    """
    with _translated():
        for path in sorted(folder.glob(f"*{_FIRST}")):
            if not is_own(path):
                _gather_one(path, move, is_all=is_all)


def _gather_one(path: Path, move: Move, *, is_all: bool) -> None:
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return
    try:
        is_dead = _is_locked(descriptor) and _is_at(path, descriptor)
        if is_dead or is_all:
            pair = (path.with_suffix(_SECOND), path)
            for one in pair:
                if one.exists() and (rows := entries(one.read_bytes())):
                    move(rows)
            if is_dead:
                for one in pair:
                    one.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def entries(content: bytes) -> list[Entry]:
    """Read the rows of a file up to the last whole one."""
    found: list[Entry] = []
    if content[: len(_MARK)] != _MARK or len(content) < _HEADER.size:
        return found
    at, checksum = _HEADER.size, crc32(content[len(_MARK) : _HEADER.size])
    while at + _FRAME.size <= len(content):
        length, told, key = _FRAME.unpack_from(content, at)
        at += _FRAME.size
        row = content[at : at + length]
        checksum = _checksum(key, row, checksum)
        if len(row) != length or checksum != told:
            break
        found.append((key, row))
        at += length
    return found


def _checksum(key: int, row: bytes, before: int) -> int:
    return crc32(row, crc32(_NUMBERED.pack(len(row), key), before))


def _open_pair(folder: Path) -> tuple[_File, _File]:
    """Make the two files and lock the first; one who thought it dead may have deleted it."""
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        path = folder / f"{secrets.token_hex(8)}{_FIRST}"
        first = _File(path)
        if _is_locked(first.descriptor) and _is_at(path, first.descriptor):
            second = _File(path.with_suffix(_SECOND))
            _sync_folder(folder)
            return first, second
        os.close(first.descriptor)


def _is_locked(descriptor: int) -> bool:
    """Take the lock; False when another holds it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False


def _content(descriptor: int) -> bytes:
    parts: list[bytes] = []
    at = 0
    while part := os.pread(descriptor, 4_000_000, at):
        parts.append(part)
        at += len(part)
    return b"".join(parts)


def _write_all(descriptor: int, content: bytes, at: int) -> None:
    while content:
        written = os.pwrite(descriptor, content, at)
        content, at = content[written:], at + written


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _translated() -> Iterator[None]:
    """Raise GW-5003, GW-5004 for what the file system refuses inside."""
    try:
        yield
    except OSError as err:
        raise _refusal(err) from err


def _refusal(err: OSError) -> GatewayError:
    if err.errno in _FULL:
        return GatewayError("GW-5004", retry_after_s=60)
    return GatewayError(
        "GW-5003", reason=errno.errorcode.get(err.errno or 0, "disk"), retry_after_s=5
    )
