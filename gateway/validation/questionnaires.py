"""QuestionnaireResponses against their Questionnaire (R4, questionnaireresponse.html).

Only where the Questionnaire is at hand: contained, in the same Bundle, or loaded.
"""

from typing import TYPE_CHECKING, Any

from gateway.records import Resource
from gateway.validation.enabling import is_enabled, objects
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
_COMPLETE = ("completed", "amended")


def check_answers(response: Resource, trail: Trail, run: Run, engine: "Engine") -> None:
    """Check the items of a response: known, in order, asked, there when required, allowed."""
    url = response.get("questionnaire")
    questionnaire = engine.find_definition("Questionnaire", url, run) if type(url) is str else None
    if questionnaire is not None:
        check = _Answers(run, is_complete=response.get("status") in _COMPLETE)
        check.items(objects(questionnaire, "item"), response, trail)


class _Answers:
    """The check of one response; ``above`` leads from it to the items that are checked."""

    def __init__(self, run: Run, *, is_complete: bool) -> None:
        self._run = run
        self._is_complete = is_complete
        self._above: list[Resource] = []

    def items(self, asked: list[Resource], owner: Resource, trail: Trail) -> None:
        """Check the items of a response, a group or an answer against the questions there."""
        known = {one["linkId"]: one for one in asked if type(one.get("linkId")) is str}
        places = {link: place for place, link in enumerate(known)}
        counts = dict.fromkeys(known, 0)
        self._above.append(owner)
        values: Any = owner.get("item")
        last = 0
        for index, item in enumerate(values if type(values) is list else ()):
            link = item.get("linkId") if type(item) is dict else None
            if type(link) is not str:
                continue
            if link not in known:
                self._run.report("GW-4421", trail, "item", index)
                continue
            if places[link] < last:
                self._run.report("GW-4427", trail, "item", index, link=link)
            last = max(last, places[link])
            counts[link] += 1
            self._item(known[link], item, (trail, "item", index))
        self._count(known, counts, trail)
        self._above.pop()

    def _count(self, known: dict[str, Resource], counts: dict[str, int], trail: Trail) -> None:
        for link, question in known.items():
            is_needed = self._is_complete and question.get("required") is True
            if is_needed and not counts[link] and is_enabled(question, self._above):
                self._run.report("GW-4422", trail, link=link)
            if counts[link] > 1 and (
                question.get("repeats") is not True or question.get("type") != "group"
            ):
                self._run.report("GW-4425", trail, link=link)

    def _item(self, question: Resource, item: Resource, trail: Trail) -> None:
        answers = objects(item, "answer")
        type_, link = str(question.get("type")), str(question.get("linkId"))
        if is_enabled(question, self._above) is False:
            if self._is_complete and _has_answers(item):
                self._run.report("GW-4426", trail, link=link)
            return
        self._above.append(item)
        if type_ in ("group", "display"):
            if answers:
                self._run.report("GW-4423", trail, "answer", 0, allowed="-")
            self.items(objects(question, "item"), item, trail)
        else:
            if self._is_complete and question.get("required") is True and not answers:
                self._run.report("GW-4422", trail, link=link)
            if len(answers) > 1 and question.get("repeats") is not True:
                self._run.report("GW-4425", trail, link=link)
            for index, answer in enumerate(answers):
                place: Trail = (trail, "answer", index)
                _check_answer(question, type_, answer, place, self._run)
                self.items(objects(question, "item"), answer, place)
        self._above.pop()


def _has_answers(item: Resource) -> bool:
    return bool(objects(item, "answer")) or any(map(_has_answers, objects(item, "item")))


def _check_answer(question: Resource, type_: str, answer: Resource, trail: Trail, run: Run) -> None:
    key = next((one for one in answer if one.startswith("value")), None)
    allowed = _KEYS.get(type_)
    if key is None or allowed is None:
        return
    if key not in allowed:
        run.report("GW-4423", trail, allowed=", ".join(allowed))
    elif type_ == "choice" and not _is_option(question, key, answer[key], run):
        run.report("GW-4424", trail)
    elif key == "valueString" and _is_too_long(answer[key], question.get("maxLength")):
        run.report("GW-4428", trail, limit=question["maxLength"])


def _is_too_long(text: Any, limit: Any) -> bool:
    return type(text) is str and type(limit) is int and len(text) > limit


def _is_option(question: Resource, key: str, value: Any, run: Run) -> bool:
    options = objects(question, "answerOption")
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
