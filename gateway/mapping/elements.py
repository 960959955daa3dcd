"""``set:`` element by element: dotted names, arrays, alternatives, required elements."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from gateway.mapping.nodes import Node, Scalar, Sequence, Table
from gateway.mapping.problems import Mark
from gateway.mapping.run import Frame, Many, One
from gateway.mapping.scope import Scope
from gateway.mapping.shapes import Element

Put = Callable[[Frame, dict[str, Any], str], bool]
"""Writes one element into an object; says whether something other than a constant came out."""


class Rule(NamedTuple):
    """A compiled rule; exactly one of ``one`` and ``many`` is there."""

    one: One | None
    many: Many | None
    is_dynamic: bool


RuleCompiler = Callable[[Node, Element, Scope, str], Rule | None]


def compile_set(
    table: Table,
    shape: str,
    scope: Scope,
    target: str,
    compile_rule: RuleCompiler,
    *,
    is_whole: bool = True,
) -> tuple[list[Put], bool]:
    """Compile ``set:`` for a shape; ``is_whole`` asks for its required elements too."""
    elements = scope.shapes.elements(shape)
    puts: list[Put] = []
    is_dynamic = False
    written: set[str] = set()
    for name, node in _folded(table, scope).items():
        element = elements.get(name) or _primitive_extension(name, elements)
        if element is None:
            known = list(elements)
            scope.problems.add(
                table.mark_of(name), "GW-3021", near=(name, known), type=target, element=name
            )
            continue
        if isinstance(node, Scalar) and node.is_null:
            continue
        written.add(element.choice or name)
        rules = _rules(node, element, scope, f"{target}.{name}", compile_rule)
        if rules:
            puts.append(_put(name, element, rules))
            is_dynamic = is_dynamic or any(rule.is_dynamic for rule in rules)
    if is_whole:
        _demand_required(elements.values(), written, scope, table.mark, target)
    return puts, is_dynamic


def _primitive_extension(name: str, elements: Mapping[str, Element]) -> Element | None:
    """Let ``_birthDate`` stand for id and extensions of a primitive that occurs once."""
    whole = elements.get(name[1:]) if name.startswith("_") else None
    if whole is None or not whole.is_primitive or whole.is_many:
        return None
    return Element(name, whole.path, "Element", False, False, "Element")


def _demand_required(
    elements: Iterable[Element], written: set[str], scope: Scope, mark: Mark, target: str
) -> None:
    for element in elements:
        name = element.choice or element.name
        if element.is_required and name not in written:
            scope.problems.add(mark, "GW-3030", element=f"{target}.{name}")


def _folded(table: Table, scope: Scope) -> dict[str, Node]:
    """Turn dotted names into nested ``set`` tables."""
    made: dict[str, Node] = {}
    for name, node in table.entries.items():
        head, _, rest = name.partition(".")
        if not rest:
            if head in made:
                scope.problems.add(table.mark_of(name), "GW-3015", word=head)
            made[head] = node
            continue
        mark = table.mark_of(name)
        outer = made.get(head)
        if outer is None:
            outer = made[head] = Table({"set": Table({}, mark)}, mark)
            table.marks.setdefault(head, mark)
        inner = outer.get("set") if isinstance(outer, Table) else None
        if not isinstance(inner, Table) or rest in inner:
            scope.problems.add(mark, "GW-3016", first=head, second=name)
            continue
        # The author's own table stays as it is: another element may share it by a YAML alias.
        grown = Table({**inner.entries, rest: node}, inner.mark, {**inner.marks, rest: mark})
        assert isinstance(outer, Table)  # noqa: S101 - inner came out of it
        made[head] = Table({**outer.entries, "set": grown}, outer.mark, outer.marks)
    return made


def _rules(
    node: Node, element: Element, scope: Scope, target: str, compile_rule: RuleCompiler
) -> list[Rule]:
    items = node.items if isinstance(node, Sequence) else [node]
    compiled = (compile_rule(item, element, scope, target) for item in items)
    return [rule for rule in compiled if rule is not None]


def _put(name: str, element: Element, rules: list[Rule]) -> Put:
    suffix = f"/{name}"
    if element.is_many:
        return _put_many(name, suffix, rules)
    if len(rules) > 1:
        return _put_first(name, suffix, rules)
    one, is_dynamic = rules[0].one, rules[0].is_dynamic
    assert one is not None  # noqa: S101 - an element that occurs once has no Many (GW-3029)

    def put(frame: Frame, obj: dict[str, Any], pointer: str) -> bool:
        value = one(frame, pointer + suffix)
        if value is None:
            return False
        obj[name] = value
        return is_dynamic

    return put


def _put_first(name: str, suffix: str, rules: list[Rule]) -> Put:
    def put(frame: Frame, obj: dict[str, Any], pointer: str) -> bool:
        for rule in rules:
            value = rule.one(frame, pointer + suffix) if rule.one else None
            if value is not None:
                obj[name] = value
                return rule.is_dynamic
        return False

    return put


def _put_many(name: str, suffix: str, rules: list[Rule]) -> Put:
    def put(frame: Frame, obj: dict[str, Any], pointer: str) -> bool:
        whole = pointer + suffix
        values: list[Any] = []
        found = False
        for one, many, is_dynamic in rules:
            before = len(values)
            if many is not None:
                values += many(frame, whole, before)
            elif one is not None:
                value = one(frame, f"{whole}/{before}")
                if value is not None:
                    values.append(value)
            found = found or (is_dynamic and len(values) > before)
        if values:
            obj[name] = values
        return found

    return put
