"""QuestionnaireResponses against their Questionnaire (R4, questionnaireresponse.html).

Only where the Questionnaire is at hand: contained, in the same Bundle, or loaded. Items that
depend on others (``enableWhen``) may be absent; what they hold is checked all the same.
"""

from typing import TYPE_CHECKING, Any

from gateway.records import Resource
from gateway.validation.artefacts import Layered
from gateway.validation.places import Trail
from gateway.validation.run import Run

if TYPE_CHECKING:
    from gateway.validation.engine import Engine

_KEYS = {
    "boolean": ("valueBoolean",),
    "decimal": ("valueDecimal",),
    "integer": ("valueInteger",),
    "date": ("valueDate",),
    "dateTime": ("valueDateTime",),
    "time": ("valueTime",),
    "string": ("valueString",),
    "text": ("valueString",),
    "url": ("valueUri",),
    "choice": ("valueCoding", "valueDate", "valueInteger", "valueString", "valueTime"),
    "open-choice": ("valueCoding", "valueDate", "valueInteger", "valueString", "valueTime"),
    "attachment": ("valueAttachment",),
    "reference": ("valueReference",),
    "quantity": ("valueQuantity",),
}
_COMPLETE = frozenset({"completed", "amended"})


def check_answers(response: Resource, trail: Trail, run: Run, engine: "Engine") -> None:
    """Check the items of a response: known, there when required, of the type asked, allowed."""
    url = response.get("questionnaire")
    questionnaire = _find(url, run, engine) if type(url) is str else None
    if questionnaire is not None:
        is_complete = response.get("status") in _COMPLETE
        _check_items(_objects(questionnaire, "item"), response, trail, run, is_complete=is_complete)


def _find(url: str, run: Run, engine: "Engine") -> Resource | None:
    found = engine.find(url, run) if url[:1] == "#" or run.bundle is not None else None
    if found is None and isinstance(engine.artefacts, Layered):
        found = engine.artefacts.resource("Questionnaire", url)
    is_one = found is not None and found.get("resourceType") == "Questionnaire"
    return found if is_one else None


def _objects(owner: Resource, name: str) -> list[Resource]:
    values: Any = owner.get(name)
    return [one for one in values if type(one) is dict] if type(values) is list else []


def _check_items(
    asked: list[Resource], owner: Resource, trail: Trail, run: Run, *, is_complete: bool
) -> None:
    known = {one["linkId"]: one for one in asked if type(one.get("linkId")) is str}
    counts = dict.fromkeys(known, 0)
    values: Any = owner.get("item")
    for index, item in enumerate(values if type(values) is list else ()):
        link = item.get("linkId") if type(item) is dict else None
        if type(link) is not str:
            continue
        question = known.get(link)
        if question is None:
            run.report("GW-4421", trail, "item", index)
            continue
        counts[link] += 1
        _check_item(question, item, (trail, "item", index), run, is_complete=is_complete)
    for link, question in known.items():
        is_needed = question.get("required") is True and "enableWhen" not in question
        if is_complete and is_needed and not counts[link]:
            run.report("GW-4422", trail, link=link)
        if counts[link] > 1 and (
            question.get("repeats") is not True or question.get("type") != "group"
        ):
            run.report("GW-4425", trail, link=link)


def _check_item(
    question: Resource, item: Resource, trail: Trail, run: Run, *, is_complete: bool
) -> None:
    inner, answers = _objects(question, "item"), _objects(item, "answer")
    type_, link = str(question.get("type")), str(question.get("linkId"))
    if type_ in ("group", "display"):
        if answers:
            run.report("GW-4423", trail, "answer", 0, allowed="-")
        _check_items(inner, item, trail, run, is_complete=is_complete)
        return
    if is_complete and question.get("required") is True and not answers:
        run.report("GW-4422", trail, link=link)
    if len(answers) > 1 and question.get("repeats") is not True:
        run.report("GW-4425", trail, link=link)
    for index, answer in enumerate(answers):
        place: Trail = (trail, "answer", index)
        _check_answer(question, type_, answer, place, run)
        _check_items(inner, answer, place, run, is_complete=is_complete)


def _check_answer(question: Resource, type_: str, answer: Resource, trail: Trail, run: Run) -> None:
    key = next((one for one in answer if one.startswith("value")), None)
    allowed = _KEYS.get(type_)
    if key is None or allowed is None:
        return
    if key not in allowed:
        run.report("GW-4423", trail, allowed=", ".join(allowed))
    elif type_ == "choice" and not _is_option(question, key, answer[key], run):
        run.report("GW-4424", trail)


def _is_option(question: Resource, key: str, value: Any, run: Run) -> bool:
    options = _objects(question, "answerOption")
    if options:
        return any(key in one and _is_same(one[key], value) for one in options)
    url = question.get("answerValueSet")
    if type(url) is not str or url[:1] == "#" or key != "valueCoding":
        return True
    return run.engine.member_of(url, value) is not False


def _is_same(option: Any, value: Any) -> bool:
    if type(option) is dict and type(value) is dict:
        return all(option.get(name) == value.get(name) for name in ("system", "code"))
    return bool(option == value)
