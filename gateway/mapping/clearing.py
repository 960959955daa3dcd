"""What a record deletes: in HL7 v2 ``""`` stands where a value has to go (v2.8 section 2.5.3).

A resource that is merged keeps what a record does not tell. Where the record tells of an element
nothing but that it is deleted, the element is named with the contribution, and goes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.errors import issue
from gateway.mapping.nodes import Node, Scalar, Sequence, Table
from gateway.mapping.run import Instance, Run, Spot
from gateway.mapping.scope import Scope
from gateway.records import Resource, Selector

# These unite with what is known: a number that a record does not name stays a number.
_KEPT = frozenset(("Identifier", "Extension", "Meta", "Narrative"))
# These are merged member by member, so a member may be deleted alone.
_GROUPS = frozenset(("BackboneElement", "Period"))


@dataclass(frozen=True, slots=True)
class Clearable:
    """An element that may be deleted (``telecom``, ``period.end``), and where it is read from."""

    element: str
    paths: tuple[Selector, ...]
    spot: Spot


def compile_clearables(table: Table, type_: str, scope: Scope) -> tuple[Clearable, ...]:
    """Find the elements of a ``set`` that R4 does not require, with the paths of their rules."""
    return tuple(_clearables(table, type_, "", scope))


def _clearables(table: Table, shape: str, prefix: str, scope: Scope) -> Iterator[Clearable]:
    elements = scope.shapes.elements(shape)
    for name, rule in table.entries.items():
        head, _, rest = name.partition(".")
        element = elements.get(head)
        if element is None or element.is_required or element.type in _KEPT:
            continue
        inner = rule.get("set") if isinstance(rule, Table) and "from" not in rule else None
        if element.type in _GROUPS and not element.is_many and not prefix:
            if rest:
                yield from _clearables(Table({rest: rule}, table.mark), element.shape, head, scope)
                continue
            if isinstance(inner, Table):
                yield from _clearables(inner, element.shape, head, scope)
                continue
        paths = tuple(path for node in _sources(rule) for path in scope.selectors_of(node))
        if paths:
            full = f"{prefix}.{head}" if prefix else head
            yield Clearable(full, paths, scope.spot(table.mark_of(name), full))


def _sources(rule: Node) -> Iterator[Node]:
    """Give the outermost paths of a rule."""
    if isinstance(rule, Scalar):
        if rule.text.startswith(".") and len(rule.text) > 1:
            yield rule
    elif isinstance(rule, Sequence):
        for one in rule:
            yield from _sources(one)
    elif "each" in rule or "from" in rule:
        yield rule.entries["each" if "each" in rule else "from"]
    elif isinstance(inner := rule.get("set"), Table):
        for one in inner.entries.values():
            yield from _sources(one)


def _is_held(resource: Resource, element: str) -> bool:
    head, _, member = element.partition(".")
    held = resource.get(head)
    return member in held if member and isinstance(held, dict) else held is not None


def cleared(
    run: Run, one: Instance, resource: Resource, clearables: tuple[Clearable, ...]
) -> frozenset[str]:
    """Name the elements that a record deletes of a resource, and note each of them."""
    gone: set[str] = set()
    if run.parsed.deletion is None:
        return frozenset()
    for clearable in clearables:
        if _is_held(resource, clearable.element):
            continue
        nodes = [node for path in clearable.paths for node in path(one.anchor, run.root)]
        deleted = [node for node in nodes if node.raw_text == run.parsed.deletion]
        if not deleted or any(node.text is not None for node in nodes):
            continue
        gone.add(clearable.element)
        run.issues.append(
            issue(
                "GW-3217",
                "information",
                place=deleted[0].place,
                rule=clearable.spot.rule,
                target=f"{one.type}.{clearable.element}",
            )
        )
    return frozenset(gone)
