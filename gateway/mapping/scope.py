"""What the compiler knows while it turns one mapping's rules into code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.mapping.nodes import Node, Scalar, Table
from gateway.mapping.nodes import Sequence as Listed
from gateway.mapping.problems import Mark, Problems
from gateway.mapping.run import Spot
from gateway.mapping.shapes import Shapes
from gateway.mapping.tables import CodeTable
from gateway.records import Node as SourceNode
from gateway.records import PathDialect, PathError, Selector


def _itself(anchor: SourceNode, root: SourceNode) -> Sequence[SourceNode]:
    del root
    return (anchor,)


@dataclass(slots=True)
class Scope:
    """The compile-time surroundings of a rule.

    ``types`` are the resources' types by local name, ``containers`` the local name of the resource
    that contains them; ``datatypes`` the datatype maps: name → element type → ``set``.
    """

    dialect: PathDialect
    shapes: Shapes
    problems: Problems
    prefixes: Mapping[str, str] = field(default_factory=dict)
    tables: dict[str, CodeTable] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    types: dict[str, str] = field(default_factory=dict)
    containers: dict[str, str] = field(default_factory=dict)
    datatypes: Mapping[str, Mapping[str, Node]] = field(default_factory=dict)
    datatype_prefixes: Mapping[str, str] = field(default_factory=dict)
    resource: str = ""
    label: str = ""
    selectors: dict[str, Selector] = field(default_factory=dict)

    def within(self, **changes: Any) -> "Scope":
        """Give the scope of an inner rule; tables, problems and selectors stay shared."""
        made = Scope(**{name: getattr(self, name) for name in self.__slots__})
        for name, value in changes.items():
            setattr(made, name, value)
        return made

    def spot(self, mark: Mark, target: str) -> Spot:
        """Name a rule for lineage and run-time findings."""
        return Spot(self.label or mark.rule, target)

    def selector(self, node: Node) -> Selector | None:
        """Compile a path; None after a noted problem."""
        if not isinstance(node, Scalar) or node.is_null:
            self.problems.add(node.mark, "GW-3012", word="a path", expected="one text")
            return None
        path = node.text
        if path == ".":
            return _itself
        known = self.selectors.get(path)
        if known is None:
            try:
                known = self.dialect.compile(self._native(path), self.prefixes)
            except PathError as err:
                mark = node.mark.moved(err.column - 1 + node.is_quoted)
                self.problems.add(mark, "GW-3022", path=path, reason=str(err))
                return None
            self.selectors[path] = known
        return known

    def _native(self, path: str) -> str:
        """Write a path that starts with a dot as the format's own relative path."""
        if path.startswith("."):
            if self.dialect.format == "json":
                return f"@{path}"
            if self.dialect.format == "rows":
                return path[1:]
        return path

    def selectors_of(self, node: Node) -> list[Selector]:
        """Compile a path or a list of paths."""
        items = node.items if isinstance(node, Listed) else [node]
        return [found for item in items if (found := self.selector(item)) is not None]


def words(table: Table, known: Sequence[str] | frozenset[str], problems: Problems) -> bool:
    """Note every word of a table that is not known there; say whether all are."""
    unknown = [word for word in table.entries if word not in known]
    for word in unknown:
        problems.add(table.mark_of(word), "GW-3011", near=(word, known), word=word)
    return not unknown
