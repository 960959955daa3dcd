"""All mappings of a folder; a reload swaps only what compiles and passes its own tests."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock

from gateway.errors import GatewayError
from gateway.mapping import trials
from gateway.mapping.compiling import Workshop, compile_file, digest
from gateway.mapping.nodes import parse
from gateway.mapping.problems import Problems
from gateway.mapping.program import MappingProgram
from gateway.mapping.shapes import Structures
from gateway.records import Format, Parsed, PathDialect, Reader

_ID = re.compile(r"^id:[ ]+([A-Za-z0-9][\w./-]*)[ ]*(?:#.*)?$", re.ASCII | re.MULTILINE)


class Library:
    """The mappings below some folders: every ``**/map.yaml``, by id.

    With ``readers`` a mapping's own ``tests:`` gate its use, too. Opening raises the first refusal
    unless ``is_lenient``: then the file is left out and ``failures`` tells why. With ``is_lazy`` a
    mapping is compiled when it is first asked for: a gateway needs those of its channels only.
    """

    def __init__(
        self,
        paths: Iterable[Path | str],
        dialects: Mapping[Format, PathDialect],
        definitions: Structures,
        readers: Mapping[Format, Reader] | None = None,
        *,
        is_lenient: bool = False,
        is_lazy: bool = False,
    ) -> None:
        self._roots = [Path(path) for path in paths]
        self._readers = readers
        self._workshop = Workshop.of(dialects, definitions, self.find)
        self._programs: Mapping[str, MappingProgram] = {}
        self._files: dict[str, Path] = {}
        self._lock = Lock()
        self._stamp: frozenset[tuple[str, int, int]] = frozenset()
        self._is_lazy = is_lazy
        self._wanted: set[str] = set()
        self.failures: Mapping[str, GatewayError] = {}
        self.reload()
        if self.failures and not is_lenient:
            raise next(iter(self.failures.values()))

    @property
    def programs(self) -> Mapping[str, MappingProgram]:
        """Give the programs by mapping id."""
        return self._programs

    def get(self, id_: str) -> MappingProgram:
        """Give a program; raise GW-3003 when there is none of that id, or why it was refused."""
        found = self._programs.get(id_)
        return found if found is not None else self._first(id_)

    def want(self, ids: Iterable[str]) -> None:
        """Compile what is about to be asked for; ``failures`` tells what was refused."""
        with self._lock:
            self._wanted |= set(ids) & set(self._files)
            self.reload()
            self._stamp = self._stamp_of_files()

    def _first(self, id_: str) -> MappingProgram:
        """Compile a mapping that is asked for the first time."""
        with self._lock:
            if self._is_lazy and id_ not in self._programs and not self._is_refused(id_):
                self._wanted.add(id_)
                self.reload()
                self._wanted &= set(self._files)
                self._stamp = self._stamp_of_files()
        if id_ in self._programs:
            return self._programs[id_]
        if self._is_refused(id_):
            raise self.failures[str(self._files[id_])].with_traceback(None)
        raise GatewayError("GW-3003", mapping=id_)

    def _is_refused(self, id_: str) -> bool:
        return str(self._files.get(id_)) in self.failures

    def for_channel(self, ids: Sequence[str], parsed: Parsed) -> MappingProgram:
        """Give the first of the mappings that takes the record; raise GW-3002 when none does."""
        for id_ in ids:
            program = self.get(id_)
            if program.accepts(parsed):
                return program
        tried = ", ".join(ids) or "-"
        raise GatewayError("GW-3002", where=parsed.root.place, kind=parsed.kind, mappings=tried)

    def find(self, id_: str) -> Path | None:
        """Find the file of a mapping id (for ``extends:``)."""
        for root in self._roots:
            path = root / id_ / "map.yaml"
            if path.is_file():
                return path
        return self._files.get(id_)

    def refresh(self) -> Mapping[str, GatewayError] | None:
        """Reload when a file below the folders was added, changed or removed; None when none was.

        While another thread reloads, the programs in force are used.
        """
        if not self._lock.acquire(blocking=False):
            return None
        try:
            stamp = self._stamp_of_files()
            if stamp == self._stamp:
                return None
            self.reload()
            self._stamp = stamp
            return self.failures
        finally:
            self._lock.release()

    def _stamp_of_files(self) -> frozenset[tuple[str, int, int]]:
        """Give size and time of what a reload could change.

        This is asked before every message: where everything that is wanted runs, the files that it
        was made of are enough.
        """
        if not self._is_lazy or self.failures or len(self._programs) < len(self._wanted):
            names = [name for root in self._roots for name in _names_below(root)]
        else:
            names = [name for program in self._programs.values() for name in program.files]
        return frozenset(_stamp(name) for name in names)

    def reload(self) -> Mapping[str, GatewayError]:
        """Compile what changed beside the running programs; swap what passes its tests.

        Gives the refusals by file; the old program of a refused file stays in use.
        """
        failures: dict[str, GatewayError] = {}
        made: dict[str, MappingProgram] = {}
        before = {program.path: program for program in self._programs.values()}
        paths = [path for root in self._roots for path in sorted(root.rglob("map.yaml"))]
        self._files = {id_: path for path in paths if (id_ := _id_of(path))}
        asked = [path for id_, path in self._files.items() if id_ in self._wanted]
        for path in asked if self._is_lazy else paths:
            old = before.get(str(path))
            try:
                program = old if old and _is_same(old) else self._compile(path)
            except GatewayError as err:
                failures[str(path)] = err
                if old is None:
                    continue
                program = old
            made[program.id] = program
        self._programs, self.failures = made, failures
        return failures

    def _compile(self, path: Path) -> MappingProgram:
        program = compile_file(path, self._workshop)
        if self._readers is not None:
            trials.demand_passed(program, self._readers)
        return program


def _id_of(path: Path) -> str | None:
    """Read the id; the whole file only where its line is not written as everybody writes it."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if found := _ID.search(text):
        return found[1]
    tree = parse(text, str(path), Problems())
    return tree.text("id") if tree else None


def _names_below(root: Path) -> Iterator[str]:
    """Give every file below a folder; twice as fast as a glob, and this runs for every message."""
    for folder, _, names in os.walk(root):
        for name in names:
            yield f"{folder}/{name}"


def _stamp(name: str) -> tuple[str, int, int]:
    try:
        stat = os.stat(name)
    except FileNotFoundError:
        return name, 0, -1
    return name, stat.st_mtime_ns, stat.st_size


def _is_same(program: MappingProgram) -> bool:
    files = [Path(name) for name in program.files]
    return all(file.is_file() for file in files) and digest(files) == program.hash
