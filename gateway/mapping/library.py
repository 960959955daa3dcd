"""All mappings of a folder; a reload swaps only what compiles and passes its own tests."""

from collections.abc import Iterable, Mapping, Sequence
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


class Library:
    """The mappings below some folders: every ``**/map.yaml``, by id.

    With ``readers`` a mapping's own ``tests:`` gate its use, too. Opening raises the first refusal
    unless ``is_lenient``: then the file is left out and ``failures`` tells why.
    """

    def __init__(
        self,
        paths: Iterable[Path | str],
        dialects: Mapping[Format, PathDialect],
        definitions: Structures,
        readers: Mapping[Format, Reader] | None = None,
        *,
        is_lenient: bool = False,
    ) -> None:
        self._roots = [Path(path) for path in paths]
        self._readers = readers
        self._workshop = Workshop.of(dialects, definitions, self.find)
        self._programs: Mapping[str, MappingProgram] = {}
        self._files: dict[str, Path] = {}
        self._lock = Lock()
        self._stamp: frozenset[tuple[str, int, int]] = frozenset()
        self.failures: Mapping[str, GatewayError] = self.reload()
        if self.failures and not is_lenient:
            raise next(iter(self.failures.values()))

    @property
    def programs(self) -> Mapping[str, MappingProgram]:
        """Give the programs by mapping id."""
        return self._programs

    def get(self, id_: str) -> MappingProgram:
        """Give a program; raise GW-3003 when there is none of that id."""
        found = self._programs.get(id_)
        if found is None:
            raise GatewayError("GW-3003", mapping=id_)
        return found

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
            self.failures = self.reload()
            self._stamp = stamp
            return self.failures
        finally:
            self._lock.release()

    def _stamp_of_files(self) -> frozenset[tuple[str, int, int]]:
        files = (path for root in self._roots for path in root.rglob("*") if path.is_file())
        return frozenset(
            (str(path), stat.st_mtime_ns, stat.st_size) for path in files for stat in (path.stat(),)
        )

    def reload(self) -> dict[str, GatewayError]:
        """Compile what changed beside the running programs; swap what passes its tests.

        Gives the refusals by file; the old program of a refused file stays in use.
        """
        failures: dict[str, GatewayError] = {}
        made: dict[str, MappingProgram] = {}
        before = {program.path: program for program in self._programs.values()}
        paths = [path for root in self._roots for path in sorted(root.rglob("map.yaml"))]
        self._files = {id_: path for path in paths if (id_ := _id_of(path))}
        for path in paths:
            old = before.get(str(path))
            try:
                program = old if old and _is_same(old) else self._compile(path)
            except GatewayError as err:
                failures[str(path)] = err
                if old is None:
                    continue
                program = old
            made[program.id] = program
        self._programs = made
        return failures

    def _compile(self, path: Path) -> MappingProgram:
        program = compile_file(path, self._workshop)
        if self._readers is not None:
            trials.demand_passed(program, self._readers)
        return program


def _id_of(path: Path) -> str | None:
    tree = parse(path.read_text(encoding="utf-8", errors="replace"), str(path), Problems())
    return tree.text("id") if tree else None


def _is_same(program: MappingProgram) -> bool:
    files = [Path(name) for name in program.files]
    return all(file.is_file() for file in files) and digest(files) == program.hash
