"""``back:`` rules, checked when the mapping is compiled: what cannot be inverted by itself."""

from gateway.fhir import fhirpath
from gateway.mapping.functions import FUNCTIONS
from gateway.mapping.nodes import Node, Scalar, Table
from gateway.mapping.scope import Scope, words
from gateway.mapping.writable import is_writable
from gateway.records import PathError

WORDS = ("from", "use", "as", "codes", "const", "rest")


def compile_back(node: Node | None, scope: Scope) -> None:
    """Note every mistake of ``back:``: paths, FHIRPath, datatype maps, functions, tables."""
    if not isinstance(node, Table):
        return
    for path, rule in node.entries.items():
        mark = node.mark_of(path)
        try:
            scope.dialect.compile(path, scope.prefixes)
        except PathError as err:
            at = mark.moved(err.column - 1)
            scope.problems.add(at, "GW-3022", path=path, reason=str(err))
            continue
        if not is_writable(path, scope.dialect.format):
            scope.problems.add(mark, "GW-3022", path=path, reason="it cannot be written")
        if isinstance(rule, Table) and words(rule, WORDS, scope.problems):
            _check(rule, scope)


def _check(rule: Table, scope: Scope) -> None:
    if not any(word in rule for word in ("from", "const", "rest")):
        scope.problems.add(rule.mark, "GW-3032")
    expression = rule.text("from")
    if expression is not None:
        _check_expression(expression, rule, scope)
    for word, known, number in (
        ("use", scope.datatypes, "GW-3028"),
        ("as", FUNCTIONS, "GW-3026"),
        ("codes", scope.tables, "GW-3024"),
    ):
        name = rule.text(word)
        if name is not None and name not in known:
            shown = {"format": scope.dialect.format, "name": name, "function": name, "table": name}
            scope.problems.add(rule.mark_of(word), number, near=(name, known), **shown)


def _check_expression(expression: str, rule: Table, scope: Scope) -> None:
    node = rule.entries["from"]
    at = node.mark.moved(int(node.is_quoted)) if isinstance(node, Scalar) else node.mark
    type_ = expression.partition(".")[0]
    if type_ not in scope.shapes.resource_types:
        near = (type_, scope.shapes.resource_types)
        scope.problems.add(at, "GW-3020", near=near, type=type_)
        return
    try:
        fhirpath.compile(expression)
    except fhirpath.FhirPathError as err:
        scope.problems.add(at, "GW-3022", path=expression, reason=str(err))
