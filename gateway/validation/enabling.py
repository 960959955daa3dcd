"""Whether a question is asked at all (R4, Questionnaire.item.enableWhen)."""

from typing import Any

from gateway.fhir.fhirpath import Node
from gateway.fhir.fhirpath.errors import EvaluationError
from gateway.fhir.fhirpath.values import equal, order
from gateway.records import Resource

_ORDERS = {
    ">": lambda sign: sign > 0,
    "<": lambda sign: sign < 0,
    ">=": lambda sign: sign >= 0,
    "<=": lambda sign: sign <= 0,
}
_EXPRESSION = "questionnaire-enableWhenExpression"


def is_enabled(question: Resource, above: list[Resource]) -> bool | None:
    """Say whether a question is asked; None where that cannot be said.

    ``above`` are the response and the items and answers that lead to the question, outermost
    first. What the specification and its reference implementation read differently (``!=``
    without an answer, or with several) cannot be said.
    """
    conditions = objects(question, "enableWhen")
    if any(_EXPRESSION in str(one.get("url")) for one in objects(question, "extension")):
        return None
    if not conditions:
        return True
    verdicts = [_is_met(one, _answers(str(one.get("question")), above)) for one in conditions]
    behavior = question.get("enableBehavior")
    if len(conditions) > 1 and behavior not in ("all", "any"):
        return None
    decisive = behavior == "any"
    if decisive in verdicts:
        return decisive
    return None if None in verdicts else not decisive


def objects(owner: Resource, name: str) -> list[Resource]:
    """Give the objects of a list, without what is none."""
    values: Any = owner.get(name)
    return [one for one in values if type(one) is dict] if type(values) is list else []


def _answers(link: str, above: list[Resource]) -> list[Resource]:
    """Give the answers of the nearest question of that name: ancestors, then what is beside."""
    for owner in reversed(above):
        if owner.get("linkId") == link:
            return objects(owner, "answer")
        found = [one for item in objects(owner, "item") for one in _within(item, link)]
        if found:
            return [answer for one in found for answer in objects(one, "answer")]
    return []


def _within(item: Resource, link: str) -> list[Resource]:
    if item.get("linkId") == link:
        return [item]
    inner = objects(item, "item")
    for answer in objects(item, "answer"):
        inner += objects(answer, "item")
    return [found for one in inner for found in _within(one, link)]


def _is_met(condition: Resource, answers: list[Resource]) -> bool | None:
    operator, wanted = condition.get("operator"), _node(condition, "answer")
    if wanted is None or type(operator) is not str:
        return None
    if operator == "exists":
        return bool(answers) is wanted.value if type(wanted.value) is bool else None
    given = [node for one in answers if (node := _node(one, "value")) is not None]
    if operator in ("=", "!="):
        same = [_is_equal(one, wanted) for one in given]
        if operator == "=":
            return _any(same)
        return not same[0] if same and len({*same}) == 1 and same[0] is not None else None
    compared = _ORDERS.get(operator)
    return None if compared is None else _any([_holds(one, wanted, compared) for one in given])


def _any(verdicts: list[bool | None]) -> bool | None:
    if True in verdicts:
        return True
    return None if None in verdicts else False


def _node(owner: Resource, stem: str) -> Node | None:
    for key, value in owner.items():
        if key.startswith(stem) and key != stem:
            suffix = key.removeprefix(stem)
            is_primitive = not isinstance(value, dict)
            return Node(value, suffix[:1].lower() + suffix[1:] if is_primitive else suffix)
    return None


def _is_equal(given: Node, wanted: Node) -> bool | None:
    if type(given.value) is not dict or type(wanted.value) is not dict:
        return equal(given, wanted)
    if wanted.type == "Coding":
        names = ("system", "code") if "system" in wanted.value else ("code",)
        return all(given.value.get(name) == wanted.value.get(name) for name in names)
    if wanted.type == "Reference":
        return bool(given.value.get("reference") == wanted.value.get("reference"))
    return equal(given, wanted)


def _holds(given: Node, wanted: Node, compared: Any) -> bool | None:
    try:
        sign = order(given, wanted, 1)
    except EvaluationError:
        return None
    return None if sign is None else bool(compared(sign))
