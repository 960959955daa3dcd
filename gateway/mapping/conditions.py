"""Conditions: ``when: {in: [OBX-2, [NM, SN]]}`` compiled to a test of a frame."""

import fnmatch
import re
from collections.abc import Callable

from gateway.mapping.conversions import compared
from gateway.mapping.moments import is_to_the_second
from gateway.mapping.nodes import Node, Scalar, Sequence, Table
from gateway.mapping.run import Frame, Test
from gateway.mapping.scope import Scope, words
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
    return tests[0] if len(tests) == 1 else _all(tests)


def _never(frame: Frame) -> bool:
    del frame
    return False


def _all(tests: list[Test]) -> Test:
    def test(frame: Frame) -> bool:
        for one in tests:  # noqa: SIM110 - a generator for every record costs more than its tests
            if not one(frame):
                return False
        return True

    return test


def _any(tests: list[Test]) -> Test:
    def test(frame: Frame) -> bool:
        for one in tests:  # noqa: SIM110 - as above
            if one(frame):
                return True
        return False

    return test


def _word(word: str, value: Node, table: Table, scope: Scope) -> Test:
    if word in ("all", "any"):
        if not isinstance(value, Sequence) or not value.items:
            scope.problems.add(
                table.mark_of(word), "GW-3012", word=word, expected="a list of conditions"
            )
            return _never
        tests = [compile_condition(item, scope) for item in value.items]
        return _all(tests) if word == "all" else _any(tests)
    if word == "not":
        inner = compile_condition(value, scope)
        return lambda frame: not inner(frame)
    if word in ("exists", "missing", "number", "instant"):
        return _about_one(word, value, scope)
    if not isinstance(value, Sequence) or len(value.items) != 2:
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
    def exists(frame: Frame) -> bool:
        for select in selects:
            for seen in frame.texts(select):
                if seen.text not in absent:
                    return True
        return False

    def is_number(frame: Frame) -> bool:
        for select in selects:
            for seen in frame.texts(select):
                found = compared(seen.text)
                return found is not None and not found[2]
        return False

    def is_instant(frame: Frame) -> bool:
        for select in selects:
            for seen in frame.texts(select):
                return is_to_the_second(seen.text, frame.run.zone)
        return False

    if word in ("number", "instant"):
        return is_number if word == "number" else is_instant
    return exists if word == "exists" else lambda frame: not exists(frame)


def _compare(word: str, select: Selector, wanted: Node, scope: Scope) -> Test:
    items = wanted.items if isinstance(wanted, Sequence) else [wanted]
    texts = [item.text for item in items if isinstance(item, Scalar)]
    if len(texts) != len(items) or (word != "in" and isinstance(wanted, Sequence)):
        scope.problems.add(wanted.mark, "GW-3012", word=word, expected="[PATH, text]")
        return _never
    if word == "matches":
        pattern = re.compile(fnmatch.translate(texts[0].replace("[", "[[]")), re.DOTALL)
        return _test(select, lambda text: pattern.match(text) is not None)
    return _test(select, frozenset(texts).__contains__)


def _test(select: Selector, holds: Callable[[str], bool]) -> Test:
    def test(frame: Frame) -> bool:
        for seen in frame.texts(select):
            if holds(seen.text):
                seen.read(frame.run)
                return True
        return False

    return test
