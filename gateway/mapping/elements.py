"""``set:`` element by element: dotted names, arrays, alternatives, required elements."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from typing import NamedTuple

from gateway.mapping.code import Code, Here
from gateway.mapping.nodes import Node, Scalar, Sequence, Table
from gateway.mapping.problems import Mark
from gateway.mapping.scope import Scope
from gateway.mapping.shapes import Element
from gateway.mapping.writers import Keep, Many, One, Put, Test


class Rule(NamedTuple):
    """A compiled rule; exactly one of ``one`` and ``many`` is there, under a condition if any."""

    one: One | None
    many: Many | None
    is_dynamic: bool
    is_sure: bool = False
    test: Test | None = None

    def write_one(self, code: Code, here: Here, keep: Keep) -> None:
        """Write the one value under its condition."""
        assert self.one is not None  # noqa: S101 - asked of rules that give one
        with code.block(f"if {self.test(code, here)}:") if self.test else nullcontext():
            self.one(code, here, keep)


class Elements(NamedTuple):
    """A compiled ``set:``; ``is_dynamic``: more than constants, ``is_sure``: always there."""

    puts: list[Put]
    is_dynamic: bool
    is_sure: bool


RuleCompiler = Callable[[Node, Element, Scope, str], Rule | None]


def compile_set(
    table: Table,
    shape: str,
    scope: Scope,
    target: str,
    compile_rule: RuleCompiler,
    *,
    is_whole: bool = True,
) -> Elements:
    """Compile ``set:`` for a shape; ``is_whole`` asks for its required elements too."""
    elements = scope.shapes.elements(shape)
    puts: list[Put] = []
    is_dynamic, is_sure = False, True
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
            is_sure = is_sure and rules[0].is_sure
    if is_whole:
        _demand_required(elements.values(), written, scope, table.mark, target)
    return Elements(puts, is_dynamic, is_sure)


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
    if element.is_many and (len(rules) > 1 or rules[0].many is not None):
        return _put_many(name, rules)
    if len(rules) > 1:
        return _put_first(name, rules)
    return _put_single(name, rules[0], is_array=element.is_many)


def _tell(code: Code, statement: str, found: str | None, rule: Rule) -> None:
    """Write what is done with a value that is there."""
    code.put(statement)
    if found and rule.is_dynamic:
        code.put(f"{found} = True")


def _put_single(name: str, rule: Rule, *, is_array: bool) -> Put:
    def put(code: Code, here: Here, obj: str, found: str | None) -> None:
        start, end = ("[", "]") if is_array else ("", "")

        def keep(value: str) -> None:
            _tell(code, f"{obj}[{name!r}] = {start}{value}{end}", found, rule)

        rule.write_one(code, here.below(f"{name}/0" if is_array else name), keep)

    return put


def _put_first(name: str, rules: list[Rule]) -> Put:
    """Put the first value that is there."""

    def put(code: Code, here: Here, obj: str, found: str | None) -> None:
        value = code.fresh("v")
        inner = here.below(name)
        code.put(f"{value} = None")
        for number, rule in enumerate(rules):

            def keep(given: str, rule: Rule = rule) -> None:
                _tell(code, f"{value} = {obj}[{name!r}] = {given}", found, rule)

            with code.block(f"if {value} is None:") if number else nullcontext():
                rule.write_one(code, inner, keep)

    return put


def _put_many(name: str, rules: list[Rule]) -> Put:
    """Put the values of all rules; how many stand before one is told where it is not known."""

    def put(code: Code, here: Here, obj: str, found: str | None) -> None:
        values = code.fresh("a")
        code.put(f"{values} = []")
        whole = here.below(name)
        known: int | None = 0
        for rule in rules:
            if rule.many is not None:
                _add_many(code, whole, values, rule, found)
            else:
                _add_one(code, whole, values, rule, found, known)
            known = known + 1 if known is not None and rule.is_sure else None
        with code.block(f"if {values}:"):
            code.put(f"{obj}[{name!r}] = {values}")

    return put


def _add_one(
    code: Code, whole: Here, values: str, rule: Rule, found: str | None, known: int | None
) -> None:
    def keep(value: str) -> None:
        _tell(code, f"{values}.append({value})", found, rule)

    with code.block(f"if {rule.test(code, whole)}:") if rule.test else nullcontext():
        inner = whole.below(str(known)) if known is not None else code.entry(whole, values)
        rule._replace(test=None).write_one(code, inner, keep)


def _add_many(code: Code, whole: Here, values: str, rule: Rule, found: str | None) -> None:
    assert rule.many is not None  # noqa: S101 - asked of rules that give many
    with code.block(f"if {rule.test(code, whole)}:") if rule.test else nullcontext():
        before = code.fresh("n")
        code.put(f"{before} = len({values})")
        rule.many(code, whole, values)
        if found:
            with code.block(f"if len({values}) > {before}:"):
                code.put(f"{found} = True")
