"""References between the resources of one record: ``ref: patient``."""

from collections.abc import Callable
from typing import Any

from gateway.mapping.code import Code, Here
from gateway.mapping.nodes import Node, Scalar, Table
from gateway.mapping.run import Frame, Instance
from gateway.mapping.scope import Scope
from gateway.mapping.shapes import Element
from gateway.mapping.tracing import Leaf
from gateway.mapping.writers import Keep, Many, One
from gateway.records import Node as SourceNode
from gateway.records import Selector


def instances(frame: Frame, name: str) -> list[Instance]:
    """Find which resources of a name are meant from here.

    In this order: those made from the same node as an inner ``each``; the one this stands under;
    those under it; those made from this resource's own node; those that share its parent; all.
    """
    pool = frame.run.instances.get(name)
    if not pool or len(pool) == 1:
        return pool or []
    walk: Frame | None = frame
    while walk is not None and walk.outer is not None:
        found = _same_node(pool, walk.anchor)
        if found:
            return found
        walk = walk.outer
    me = frame.instance
    if me is None:
        return pool
    above = me.parent
    while above is not None:
        if above.name == name:
            return [above]
        above = above.parent
    below = [one for one in pool if _is_under(one, me)]
    return below or _same_node(pool, me.anchor) or _siblings(pool, me)


def _same_node(pool: list[Instance], anchor: SourceNode) -> list[Instance]:
    place = anchor.place
    return [one for one in pool if one.anchor is anchor or one.place == place]


def _is_under(one: Instance, parent: Instance) -> bool:
    above = one.parent
    while above is not None:
        if above is parent:
            return True
        above = above.parent
    return False


def _siblings(pool: list[Instance], me: Instance) -> list[Instance]:
    above = me.parent
    while above is not None:
        found = [one for one in pool if _is_under(one, above)]
        if found:
            return found
        above = above.parent
    return pool


def made_of(frame: Frame, name: str, selectors: list[Selector]) -> list[Instance]:
    """Find the resources of a name made from the nodes of paths, in order; none for other nodes."""
    run = frame.run
    found: dict[str, Instance] = {}
    for select in selectors:
        for node in select(frame.anchor, run.root):
            for one in run.made_of(name, node):
                found.setdefault(one.id, one)
    return list(found.values())


def _finder(node: Table, name: str, scope: Scope) -> Callable[[Frame], list[Instance]]:
    """Compile which resources a reference means: by ``of:`` exactly, else from where it stands."""
    if "of" not in node:
        return lambda frame: instances(frame, name)
    selectors = scope.selectors_of(node.entries["of"])
    return lambda frame: made_of(frame, name, selectors)


def _known(node: Node, element: Element, scope: Scope) -> str | None:
    """Check name, type and containment of a reference; give the local name."""
    if not isinstance(node, Scalar) or node.is_null:
        scope.problems.add(node.mark, "GW-3012", word="ref", expected="a local name")
        return None
    name = node.text
    if name not in scope.types:
        scope.problems.add(node.mark, "GW-3023", near=(name, scope.types), name=name)
        return None
    type_ = scope.types[name]
    if element.targets and type_ not in element.targets and "Resource" not in element.targets:
        scope.problems.add(node.mark, "GW-3037", reference=element.path, type=type_)
    inside = scope.containers.get(name)
    if inside and inside not in (scope.resource, scope.containers.get(scope.resource)):
        scope.problems.add(
            node.mark, "GW-3037", reference=element.path, type=f"#{name} of {inside}"
        )
    return name


def _reference(one: Instance) -> dict[str, Any]:
    return {"reference": one.link}


def compile_one(node: Table, element: Element, scope: Scope, target: str) -> One | None:
    """Compile ``ref: name`` for an element that occurs once; with ``of:`` the first is meant."""
    name = _known(node.entries["ref"], element, scope)
    if name is None:
        return None
    spot = scope.spot(node.mark, target)
    find, is_exact = _finder(node, name, scope), "of" in node

    def refer(frame: Frame) -> dict[str, Any] | None:
        found = find(frame)
        if not found:
            return None
        if len(found) > 1 and not is_exact:
            raise frame.run.refusal(
                "GW-3104", spot, frame.anchor.place, name=name, count=len(found)
            )
        return _reference(found[0])

    def write(code: Code, here: Here, keep: Keep) -> None:
        value = code.fresh("v")
        given = f"{code.bind(refer, 'refer')}({here.frame})"
        if not is_exact:
            pool = code.fresh("g")
            code.put(f"{pool} = run.instances.get({name!r}, ())")
            given = f"{{'reference': {pool}[0].link}} if len({pool}) == 1 else {given}"
        code.put(f"{value} = {given}")
        with code.block(f"if {value} is not None:"):
            code.row(here.below("reference"), "generated", "()", spot.rule)
            keep(value)

    return write


def compile_many(node: Table, element: Element, scope: Scope, target: str) -> Many | None:
    """Compile ``ref: name`` for an element that may repeat: every resource meant, in order."""
    name = _known(node.entries["ref"], element, scope)
    if name is None:
        return None
    leaves = (Leaf("/reference", "generated", scope.spot(node.mark, target).rule),)
    find = _finder(node, name, scope)

    def refer(frame: Frame, pointer: str, made: list[Any]) -> None:
        for one in find(frame):
            frame.run.lineage += f"{pointer}/{len(made)}", leaves, ()
            made.append(_reference(one))

    def write(code: Code, here: Here, into: str) -> None:
        code.put(f"{code.bind(refer, 'refer')}({here.frame}, {here.path}, {into})")

    return write
