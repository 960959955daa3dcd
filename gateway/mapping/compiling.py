"""From a mapping file to a frozen program; every mistake of the file is reported at once."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.fhir.systems import ROOT
from gateway.mapping import extends, packaged, schema
from gateway.mapping.backward import compile_back
from gateway.mapping.conditions import compile_condition
from gateway.mapping.nodes import Node, Scalar, Sequence, Table, plain
from gateway.mapping.problems import Problems
from gateway.mapping.program import Generated, MappingProgram, Samples
from gateway.mapping.resources import compile_resources
from gateway.mapping.scope import Scope, words
from gateway.mapping.shapes import Shapes, Structures
from gateway.mapping.tables import CodeTable, from_file, from_pairs
from gateway.mapping.texts import first_of
from gateway.mapping.writers import Source
from gateway.records import Format, PathDialect, Selector

_KINDS: Mapping[str, tuple[type, str]] = {
    "source": (Table, "words"),
    "resources": (Sequence, "a list"),
    "codes": (Table, "names and files"),
    "systems": (Table, "names and URLs"),
    "options": (Table, "names and values"),
    "ignore": (Sequence, "a list of paths"),
    "tests": (Sequence, "a list"),
    "back": (Table, "paths and rules"),
    "samples": (Table, "words"),
}
_TEXTS = ("mapping", "id", "title", "extends", "direction", "profile", "absent", "unreadable")
WORDS = (*_KINDS, *_TEXTS)
_DIRECTIONS = ("both", "out")
_TEST_WORDS = ("in", "record", "expect", "error", "unread", "options")
SOURCE_WORDS = ("format", "messages", "zone", "time", "prefixes", "when")
_SAMPLE_WORDS = ("charset", "zone", "member", "options")


@dataclass(frozen=True, slots=True)
class Workshop:
    """What compiling needs from outside; shared by all mappings of a library."""

    dialects: Mapping[Format, PathDialect]
    shapes: Shapes
    find: extends.Find

    @classmethod
    def of(
        cls,
        dialects: Mapping[Format, PathDialect],
        definitions: Structures,
        find: extends.Find | None = None,
    ) -> "Workshop":
        """Make a workshop; without ``find`` nothing can be extended but files by path."""
        return cls(dialects, Shapes(definitions), find or (lambda _name: None))


def load_mapping(
    path: Path | str,
    dialects: Mapping[Format, PathDialect],
    definitions: Structures,
    find: extends.Find | None = None,
) -> MappingProgram:
    """Compile one mapping file; raise MappingErrors with every mistake in it."""
    path = Path(path)
    return compile_file(path, Workshop.of(dialects, definitions, find or _beside(path)))


def _beside(path: Path) -> extends.Find:
    """Find a mapping to extend by its id below the nearest folder named ``mappings``."""
    roots = [parent for parent in path.resolve().parents if parent.name == "mappings"]

    def find(name: str) -> Path | None:
        for root in roots:
            candidate = root / name / "map.yaml"
            if candidate.is_file():
                return candidate
        return None

    return find


def compile_file(path: Path, workshop: Workshop) -> MappingProgram:
    """Compile one mapping file with a workshop."""
    problems = Problems()
    source = extends.load(path, str(path), workshop.find, problems)
    if source is None:
        problems.demand_none(str(path))
    assert source is not None  # noqa: S101 - demand_none raised
    tree = source.tree
    _check_words(tree, problems)
    if not len(problems):
        schema.check(tree, problems)
    dialect = _dialect(tree, workshop, problems)
    if dialect is None:
        problems.demand_none(str(path))
    assert dialect is not None  # noqa: S101 - demand_none raised
    scope = Scope(dialect, workshop.shapes, problems)
    files = _fill_scope(scope, tree, source, problems)
    program = _program(path, tree, scope, [*source.files, *files])
    problems.demand_none(tree.text("id") or str(path))
    return program


def _check_words(tree: Table, problems: Problems) -> None:
    words(tree, WORDS, problems)
    is_out = tree.text("direction") == "out"
    for word in ("mapping", "id", "source", "back" if is_out else "resources"):
        if word not in tree:
            problems.add(tree.mark, "GW-3013", word=word)
    if tree.text("mapping") not in (None, "1"):
        problems.add(tree.entries["mapping"].mark, "GW-3012", word="mapping", expected="1")
    direction = tree.text("direction")
    if direction not in (None, *_DIRECTIONS):
        near = (direction, _DIRECTIONS)
        mark, expected = tree.entries["direction"].mark, ", ".join(_DIRECTIONS)
        problems.add(mark, "GW-3012", near=near, word="direction", expected=expected)
    source = tree.get("source")
    if isinstance(source, Table):
        words(source, SOURCE_WORDS, problems)
    tests = tree.get("tests")
    for test in tests.items if isinstance(tests, Sequence) else ():
        if isinstance(test, Table):
            words(test, _TEST_WORDS, problems)
    samples = tree.get("samples")
    if isinstance(samples, Table):
        words(samples, _SAMPLE_WORDS, problems)
    for word, (kind, shown) in _KINDS.items():
        node = tree.get(word)
        if node is not None and not isinstance(node, kind):
            problems.add(node.mark, "GW-3012", word=word, expected=shown)


def _dialect(tree: Table, workshop: Workshop, problems: Problems) -> PathDialect | None:
    source = tree.get("source")
    if not isinstance(source, Table):
        return None
    name = source.text("format")
    if name is None:
        problems.add(source.mark, "GW-3013", word="format")
        return None
    dialect = workshop.dialects.get(cast("Format", name))
    if dialect is None:
        near = (name, [str(known) for known in workshop.dialects])
        problems.add(source.entries["format"].mark, "GW-3033", near=near, format=name)
    return dialect


def _fill_scope(
    scope: Scope, tree: Table, source: extends.Source, problems: Problems
) -> list[Path]:
    """Put prefixes, placeholders, tables and datatype maps into the scope; name the files."""
    head = tree.entries["source"]
    prefixes = head.get("prefixes") if isinstance(head, Table) else None
    scope.prefixes = _texts_by_name(prefixes)
    absent = tree.get("absent")
    listed = absent.items if isinstance(absent, Sequence) else [absent] if absent else []
    scope.absent = frozenset(item.text for item in listed if isinstance(item, Scalar))
    scope.datatypes = packaged.datatypes(scope.dialect.format)
    scope.datatype_prefixes = {**packaged.PREFIXES, **scope.prefixes}
    files: list[Path] = []
    scope.tables.update(packaged.tables())
    tables = tree.get("codes")
    for name, node in tables.entries.items() if isinstance(tables, Table) else ():
        scope.tables[name] = _table(name, node, source, problems, files)
    return files


def _table(
    name: str, node: Node, source: extends.Source, problems: Problems, files: list[Path]
) -> CodeTable:
    if isinstance(node, Table):
        return from_pairs(name, node)
    text = node.text if isinstance(node, Scalar) else ""
    for folder in source.folders:
        for root in (folder, *(p for p in folder.resolve().parents if p.name == "mappings")):
            path = root / text
            if text and path.is_file():
                files.append(path)
                return from_file(name, path, node.mark, problems)
    problems.add(node.mark, "GW-3025", table=text or name, reason="no such file")
    return CodeTable(name)


def _texts_by_name(node: Node | None) -> dict[str, str]:
    if not isinstance(node, Table):
        return {}
    return {
        name: item.text
        for name, item in node.entries.items()
        if isinstance(item, Scalar) and not item.is_null
    }


def _plain_by_name(node: Node | None) -> dict[str, object]:
    if not isinstance(node, Table):
        return {}
    return {
        name: value for name, item in node.entries.items() if (value := plain(item)) is not None
    }


def _program(path: Path, tree: Table, scope: Scope, files: list[Path]) -> MappingProgram:
    source = tree.entries["source"]
    assert isinstance(source, Table)  # noqa: S101 - _dialect found its format
    resources = tree.get("resources")
    recipes = compile_resources(resources, scope) if isinstance(resources, Sequence) else []
    when = source.get("when")
    test = compile_condition(when, scope) if when else None
    compile_back(tree.get("back"), scope)
    return MappingProgram(
        id=tree.text("id") or "",
        hash=digest(files),
        format=scope.dialect.format,
        kinds=_kinds(source),
        recipes=tuple(recipes),
        code=Generated(path.name, tuple(recipes), test, _time(source, scope)),
        zone=_zone(source, scope.problems),
        profile=_canonical(tree.text("profile")),
        is_out=tree.text("direction") == "out",
        is_lenient=tree.text("unreadable") == "absent",
        systems={**packaged.coding_systems(), **_texts_by_name(tree.get("systems"))},
        options=_options(tree),
        ignored=_ignored(tree.get("ignore"), scope),
        samples=_samples(tree.get("samples")),
        files=tuple(str(file) for file in files),
        path=str(path),
        tree=tree,
        tables=scope.tables,
        prefixes=scope.datatype_prefixes,
        shapes=scope.shapes,
    )


def _canonical(profile: str | None) -> str | None:
    """Give the canonical URL of a profile; a bare name is one of the consortium's own."""
    return f"{ROOT}/StructureDefinition/{profile}" if profile and ":" not in profile else profile


def digest(files: list[Path]) -> str:
    """Hash the files of a program (names and bytes) together with the package's datatype maps."""
    total = hashlib.sha256()
    for file in [*files, *packaged.files()]:
        total.update(file.name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def _kinds(source: Table) -> tuple[str, ...]:
    node = source.get("messages")
    items = node.items if isinstance(node, Sequence) else [node] if node else []
    return tuple(item.text.replace("[", "[[]") for item in items if isinstance(item, Scalar))


def _time(source: Table, scope: Scope) -> Source | None:
    node = source.get("time")
    return first_of(scope.selectors_of(node), scope.absent) if node else None


def _zone(source: Table, problems: Problems) -> str | None:
    name = source.text("zone")
    if name is None:
        return None
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        problems.add(source.entries["zone"].mark, "GW-3034", zone=name)
    return name


def _options(tree: Table) -> dict[str, object]:
    return _plain_by_name(tree.get("options"))


def _ignored(node: Node | None, scope: Scope) -> tuple[Selector, ...]:
    made: list[Selector] = []
    for item in node.items if isinstance(node, Sequence) else ():
        path = item
        if isinstance(item, Table):
            words(item, ("path", "why"), scope.problems)
            inner = item.get("path")
            if inner is None or item.text("why") is None:
                scope.problems.add(item.mark, "GW-3013", word="path" if inner is None else "why")
                continue
            path = inner
        select = scope.selector(path)
        if select:
            made.append(select)
    return tuple(made)


def _samples(node: Node | None) -> Samples:
    if not isinstance(node, Table):
        return Samples()
    options = _plain_by_name(node.get("options"))
    member = node.text("member") or "sample"
    return Samples(node.text("charset"), node.text("zone"), member, options)
