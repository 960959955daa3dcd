"""``set:`` element by element: dotted names, arrays, alternatives, required elements."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from typing import NamedTuple

from gateway.mapping.code import Code, Here
from gateway.mapping.nodes import Node, Scalar, Sequence, Table
from gateway.mapping.problems import Mark
from gateway.mapping.scope import Scope
from gateway.mapping.shapes import Element
from gateway.mapping.writers import Many, One, Put


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
    if not element.is_many:
        return _put_first(name, rules)
    if len(rules) == 1 and rules[0].one is not None:
        return _put_single(name, rules[0].one, is_dynamic=rules[0].is_dynamic)
    return _put_many(name, rules)


def _kept(code: Code, statement: str, found: str | None, value: str) -> None:
    """Write what is done with a value that is there."""
    with code.block(f"if {value} is not None:"):
        code.put(statement)
        if found:
            code.put(f"{found} = True")


def _put_first(name: str, rules: list[Rule]) -> Put:
    """Put the first value that is there."""

    def put(code: Code, here: Here, obj: str, found: str | None) -> None:
        value = code.fresh("v")
        inner = here.below(name)
        for number, (one, _, is_dynamic) in enumerate(rules):
            assert one is not None  # noqa: S101 - an element that occurs once has no Many (GW-3029)
            with code.block(f"if {value} is None:") if number else nullcontext():
                one(code, inner, value)
                _kept(code, f"{obj}[{name!r}] = {value}", found if is_dynamic else None, value)

    return put


def _put_single(name: str, one: One, *, is_dynamic: bool) -> Put:
    """Put the one value of an array."""

    def put(code: Code, here: Here, obj: str, found: str | None) -> None:
        value = code.fresh("v")
        one(code, here.below(f"{name}/0"), value)
        _kept(code, f"{obj}[{name!r}] = [{value}]", found if is_dynamic else None, value)

    return put


def _put_many(name: str, rules: list[Rule]) -> Put:
    def put(code: Code, here: Here, obj: str, found: str | None) -> None:
        values, value = code.fresh("a"), code.fresh("v")
        code.put(f"{values} = []")
        whole = here.below(name)
        for number, (one, many, is_dynamic) in enumerate(rules):
            told = found if is_dynamic else None
            if one is not None:
                inner = whole.below("0")
                if number:
                    inner = code.pointed(f"{whole.below('').path} + str(len({values}))", here)
                one(code, inner, value)
                _kept(code, f"{values}.append({value})", told, value)
            elif many is not None:
                before = code.fresh("n")
                code.put(f"{before} = len({values})")
                many(code, whole, values)
                if told:
                    code.put(f"{told} = {told} or len({values}) > {before}")
        with code.block(f"if {values}:"):
            code.put(f"{obj}[{name!r}] = {values}")

    return put
