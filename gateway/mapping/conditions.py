"""Conditions: ``when: {in: [OBX-2, [NM, SN]]}`` written as one expression."""

import fnmatch
import re
from collections.abc import Callable, Sequence
from typing import Any

from gateway.mapping.code import Code, Here
from gateway.mapping.conversions import compared
from gateway.mapping.moments import is_to_the_second
from gateway.mapping.nodes import Node, Scalar, Table
from gateway.mapping.nodes import Sequence as Listed
from gateway.mapping.run import Run
from gateway.mapping.scope import Scope, words
from gateway.mapping.tracing import Cell
from gateway.mapping.writers import Test
from gateway.records import Selector

WORDS = ("exists", "missing", "equals", "in", "matches", "number", "instant", "all", "any", "not")


def compile_condition(node: Node, scope: Scope) -> Test:
    """Compile a condition; several words in one must all hold."""
    if not isinstance(node, Table) or not node.entries:
        scope.problems.add(node.mark, "GW-3012", word="when", expected="{exists: PATH} …")
        return _never
    words(node, WORDS, scope.problems)
    tests = [
        _word(word, value, node, scope) for word, value in node.entries.items() if word in WORDS
    ]
    return tests[0] if len(tests) == 1 else _joined("and", tests)


def _never(code: Code, here: Here) -> str:
    del code, here
    return "False"


def _joined(word: str, tests: list[Test]) -> Test:
    return lambda code, here: f"({f' {word} '.join(test(code, here) for test in tests)})"


def _word(word: str, value: Node, table: Table, scope: Scope) -> Test:
    if word in ("all", "any"):
        if not isinstance(value, Listed) or not value.items:
            scope.problems.add(
                table.mark_of(word), "GW-3012", word=word, expected="a list of conditions"
            )
            return _never
        tests = [compile_condition(item, scope) for item in value.items]
        return _joined("and" if word == "all" else "or", tests)
    if word == "not":
        inner = compile_condition(value, scope)
        return lambda code, here: f"(not {inner(code, here)})"
    if word in ("exists", "missing", "number", "instant"):
        return _about_one(word, value, scope)
    if not isinstance(value, Listed) or len(value.items) != 2:
        scope.problems.add(table.mark_of(word), "GW-3012", word=word, expected="[PATH, …]")
        return _never
    select = scope.selector(value.items[0])
    if select is None:
        return _never
    return _compare(word, select, value.items[1], scope)


def _about_one(word: str, value: Node, scope: Scope) -> Test:
    selects = scope.selectors_of(value)
    absent = scope.absent

    # That something exists is not read: what it says must still be mapped or ignored.
    def exists(code: Code, here: Here) -> str:
        looks = [code.look(select, here) for select in selects]
        if not absent:
            return f"({' or '.join(looks)})"
        tell, words = code.bind(_is_present, "is_present"), code.bind(absent, "absent")
        return f"({' or '.join(f'{look} and {tell}({look}, {words})' for look in looks)})"

    def is_number(code: Code, here: Here) -> str:
        looks = " or ".join(code.look(select, here) for select in selects)
        return f"{code.bind(_is_number, 'is_number')}({looks})"

    def is_instant(code: Code, here: Here) -> str:
        looks = " or ".join(code.look(select, here) for select in selects)
        return f"{code.bind(_is_instant, 'is_instant')}({looks}, run)"

    if word in ("number", "instant"):
        return is_number if word == "number" else is_instant
    return exists if word == "exists" else lambda code, here: f"(not {exists(code, here)})"


def _is_present(look: Sequence[Cell], absent: frozenset[str]) -> bool:
    return not absent.issuperset([seen.text for seen in look])


def _is_number(look: Sequence[Cell]) -> bool:
    found = compared(look[0].text) if look else None
    return found is not None and not found[2]


def _is_instant(look: Sequence[Cell], run: Run) -> bool:
    return bool(look) and is_to_the_second(look[0].text, run.zone)


def _compare(word: str, select: Selector, wanted: Node, scope: Scope) -> Test:
    items = wanted.items if isinstance(wanted, Listed) else [wanted]
    texts = [item.text for item in items if isinstance(item, Scalar)]
    if len(texts) != len(items) or (word != "in" and isinstance(wanted, Listed)):
        scope.problems.add(wanted.mark, "GW-3012", word=word, expected="[PATH, text]")
        return _never
    if word == "matches":
        return _matches(select, texts[0])
    listed = frozenset(texts)
    return _test(select, listed.__contains__, "{text} in {wanted}", listed)


def _matches(select: Selector, pattern: str) -> Test:
    """Compile a pattern; a beginning alone is asked for as such."""
    if re.fullmatch(r"[^*?\[\]\\]+\*", pattern):
        start = pattern[:-1]
        return _test(
            select, lambda text: text.startswith(start), "{text}.startswith({wanted})", start
        )
    # Stars mark recognised items, so a pattern must be able to ask for a star itself.
    literal = pattern.replace("[", "[[]").replace("\\*", "[*]")
    match = re.compile(fnmatch.translate(literal), re.DOTALL).match
    return _test(select, match, "{wanted}({text})", match)


def _test(select: Selector, holds: Callable[[str], object], form: str, wanted: Any) -> Test:
    def test(code: Code, here: Here) -> str:
        tell, look = code.bind(_holds, "holds"), code.look(select, here)
        seen = code.fresh("c")
        # Most paths have one value, and most values are not the wanted one.
        first = form.format(text=f"{seen}[0].text", wanted=code.bind(wanted, "wanted"))
        other = f"(len({seen}) > 1 or {first})"
        return f"(({seen} := {look}) and {other} and {tell}({seen}, {code.bind(holds, 'holds')}))"

    return test


def _holds(look: Sequence[Cell], holds: Callable[[str], object]) -> bool:
    for seen in look:
        if holds(seen.text):
            seen.is_read = True
            return True
    return False
