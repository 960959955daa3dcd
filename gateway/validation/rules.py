"""One closure for each JSON key of a type: ``rule(value, owner, trail, run)``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gateway.validation.places import Trail
from gateway.validation.primitives import FORMS, JSON_TYPES, Test
from gateway.validation.run import Run

Rule = Callable[[Any, dict[str, Any], Trail, Run], None]
Check = Callable[[dict[str, Any], Trail, Run], None]
After = Callable[[Any, Trail, Run], None]

_ELE_1 = "an element has a value or children"


class Slot:
    """A type's check, compiled when it is first used (types refer to each other in circles)."""

    __slots__ = ("check",)

    def __init__(self, check: Check) -> None:
        self.check = check


@dataclass(frozen=True, slots=True)
class Element:
    """What a rule must know of its element.

    ``step`` is the element in a FHIRPath (``value.ofType(Quantity)``), ``after`` what is asked of
    each value whose structure is right: bindings, references, constraints.
    """

    key: str
    step: str
    type: str
    is_list: bool
    after: tuple[After, ...] = ()


def explain_primitive(
    value: Any, element: Element, trail: Trail, run: Run, index: int | None = None
) -> None:
    """Report what is wrong with a primitive that failed its test."""
    step, type_ = element.step, element.type
    kind = type(value)
    if value is None or value == "" or (kind in (dict, list) and not value):
        run.report("GW-4005", trail, step, index)
    elif kind is list:
        run.report("GW-4003", trail, step, index)
    elif kind not in JSON_TYPES[type_]:
        expected = {str: "string", bool: "boolean"}.get(JSON_TYPES[type_][0], "number")
        run.report("GW-4006", trail, step, index, type=type_, expected=expected)
    elif kind is str and not value.strip():
        run.report("GW-4005", trail, step, index)
    else:
        run.report("GW-4007", trail, step, index, type=type_, form=FORMS[type_])


def primitive(element: Element, test: Test) -> Rule:
    """Make the rule of a primitive that stands at most once."""
    after = element.after

    if not after:

        def plain(value: Any, owner: dict[str, Any], trail: Trail, run: Run) -> None:
            del owner
            if not test(value):
                explain_primitive(value, element, trail, run)

        return plain

    def rule(value: Any, owner: dict[str, Any], trail: Trail, run: Run) -> None:
        del owner
        if test(value):
            inner = (trail, element.step, None)
            for one in after:
                one(value, inner, run)
        else:
            explain_primitive(value, element, trail, run)

    return rule


def primitives(element: Element, test: Test) -> Rule:
    """Make the rule of a primitive that repeats; null stands where only an extension is."""
    after, extra_key = element.after, "_" + element.key

    def rule(value: Any, owner: dict[str, Any], trail: Trail, run: Run) -> None:
        if type(value) is not list:
            run.report("GW-4004", trail, element.step)
            return
        if not value:
            run.report("GW-4005", trail, element.step)
        for index, item in enumerate(value):
            if test(item):
                if after:
                    inner = (trail, element.step, index)
                    for one in after:
                        one(item, inner, run)
            elif item is not None or not _has_extra(owner.get(extra_key), index):
                explain_primitive(item, element, trail, run, index)

    return rule


def _has_extra(extras: Any, index: int) -> bool:
    return type(extras) is list and index < len(extras) and type(extras[index]) is dict


def sibling(element: Element, slot: Slot) -> Rule:
    """Make the rule of ``_name``: id and extensions of a primitive."""

    def rule(value: Any, owner: dict[str, Any], trail: Trail, run: Run) -> None:
        if element.is_list:
            _extras(value, owner, trail, run)
        elif type(value) is dict:
            slot.check(value, (trail, element.step, None), run)
            if "extension" not in value and value and element.key not in owner:
                run.report("GW-4012", trail, element.step, key="ele-1", human=_ELE_1)
        else:
            run.report("GW-4010", trail, member=element.key)

    def _extras(value: Any, owner: dict[str, Any], trail: Trail, run: Run) -> None:
        values = owner.get(element.key)
        if type(value) is not list or (type(values) is list and len(values) != len(value)):
            run.report("GW-4010", trail, element.step, member=element.key)
            return
        if not value:
            run.report("GW-4005", trail, element.step)
        for index, item in enumerate(value):
            if type(item) is dict:
                slot.check(item, (trail, element.step, index), run)
            elif item is not None:
                run.report("GW-4010", trail, element.step, index, member=element.key)
            elif type(values) is not list or values[index] is None:
                run.report("GW-4005", trail, element.step, index)

    return rule


def _explain_object(
    value: Any, element: Element, trail: Trail, run: Run, index: int | None
) -> None:
    if value is None:
        run.report("GW-4005", trail, element.step, index)
    elif type(value) is list:
        run.report("GW-4003", trail, element.step, index)
    else:
        run.report("GW-4006", trail, element.step, index, type=element.type, expected="object")


def complex_one(element: Element, slot: Slot) -> Rule:
    """Make the rule of an object that stands at most once."""
    step, after = element.step, element.after

    def rule(value: Any, owner: dict[str, Any], trail: Trail, run: Run) -> None:
        del owner
        if type(value) is not dict:
            _explain_object(value, element, trail, run, None)
            return
        inner = (trail, step, None)
        slot.check(value, inner, run)
        for one in after:
            one(value, inner, run)

    return rule


def complex_many(element: Element, slot: Slot) -> Rule:
    """Make the rule of an object that repeats."""
    step, after = element.step, element.after

    def rule(value: Any, owner: dict[str, Any], trail: Trail, run: Run) -> None:
        del owner
        if type(value) is not list:
            run.report("GW-4004", trail, step)
            return
        if not value:
            run.report("GW-4005", trail, step)
        for index, item in enumerate(value):
            if type(item) is not dict:
                _explain_object(item, element, trail, run, index)
                continue
            inner = (trail, step, index)
            slot.check(item, inner, run)
            for one in after:
                one(item, inner, run)

    return rule


def prohibited(element: Element) -> Rule:
    """Make the rule of an element that its type inherits but forbids (max 0)."""

    def rule(value: Any, owner: dict[str, Any], trail: Trail, run: Run) -> None:
        del value, owner
        run.report("GW-4001", trail, element.step, type=element.type)

    return rule
