"""Answers against the questions of a Questionnaire."""

from typing import Any

import pytest

from gateway.fhir import definitions
from gateway.records import Resource
from gateway.validation import Validator

_URL = "https://example.com/fhir/Questionnaire/screening"
_CODING = {"system": "http://loinc.org", "code": "LA33-6"}
_QUESTIONNAIRE = {
    "resourceType": "Questionnaire",
    "url": _URL,
    "status": "active",
    "item": [
        {"linkId": "smokes", "type": "boolean", "required": True},
        {
            "linkId": "habits",
            "type": "group",
            "repeats": True,
            "item": [
                {"linkId": "which", "type": "choice", "answerOption": [{"valueCoding": _CODING}]},
                {"linkId": "notes", "type": "text", "repeats": True},
            ],
        },
    ],
}
_YES = {"linkId": "smokes", "answer": [{"valueBoolean": True}]}


def _habit(link: str, *answers: Any) -> Resource:
    return {"linkId": "habits", "item": [{"linkId": link, "answer": list(answers)}]}


def _found(items: list[Resource], status: str = "completed", url: str = _URL) -> list[Any]:
    response: Resource = {
        "resourceType": "QuestionnaireResponse",
        "status": status,
        "questionnaire": url,
    }
    response |= {"item": items} if items else {}
    if url[:1] == "#":
        response["contained"] = [{**_QUESTIONNAIRE, "id": url[1:]}]
    validator = Validator(definitions.load(), [_QUESTIONNAIRE])
    found = validator.check(response)
    return [(one.number, one.expression) for one in found if one.severity == "error"]


def test_answers_that_fit_are_valid() -> None:
    habits = [
        _habit("which", {"valueCoding": {**_CODING, "display": "是"}}),
        _habit("notes", {"valueString": "一"}, {"valueString": "二"}),
    ]
    assert not _found([_YES, *habits])
    assert not _found([_YES, *habits], url="#q")
    assert not _found([_YES], url="https://example.com/fhir/Questionnaire/other")


@pytest.mark.parametrize("url", [_URL, "#q"])
@pytest.mark.parametrize(
    ("items", "number", "at"),
    [
        ([], "GW-4422", ""),
        ([{"linkId": "smokes"}], "GW-4422", ".item[0]"),
        ([{"linkId": "smokes", "answer": [{"valueString": "是"}]}],
         "GW-4423", ".item[0].answer[0]"),
        ([_YES, {"linkId": "drinks"}], "GW-4421", ".item[1]"),
        ([_YES, _habit("which", {"valueCoding": {"code": "x"}})],
         "GW-4424", ".item[1].item[0].answer[0]"),
        ([_YES, _YES], "GW-4425", ""),
        ([{"linkId": "smokes", "answer": [{"valueBoolean": True}, {"valueBoolean": False}]}],
         "GW-4425", ".item[0]"),
        ([_YES, {"linkId": "habits", "answer": [{"valueBoolean": True}]}],
         "GW-4423", ".item[1].answer[0]"),
    ],
)  # fmt: skip
def test_an_answer_that_does_not_fit_is_told(
    items: list[Resource], number: str, at: str, url: str
) -> None:
    assert _found(items, url=url) == [(number, f"QuestionnaireResponse{at}")]


def test_a_status_of_the_wrong_type_is_one_finding() -> None:
    status: Any = {"code": "completed"}
    assert _found([], status) == [("GW-4006", "QuestionnaireResponse.status")]


def test_what_is_still_being_filled_in_may_lack_answers() -> None:
    assert not _found([], status="in-progress")


def _asked(behavior: str | None, *conditions: Resource, **more: Any) -> Resource:
    """Give a Questionnaire whose last question depends on the ones before."""
    dependent: Resource = {"linkId": "d", "type": "string", "required": True, **more}
    if conditions:
        dependent["enableWhen"] = list(conditions)
    if behavior:
        dependent["enableBehavior"] = behavior
    asked = [
        {"linkId": "b", "type": "boolean"},
        {"linkId": "n", "type": "decimal", "repeats": True},
        {"linkId": "c", "type": "open-choice"},
        {"linkId": "g", "type": "group", "item": [{"linkId": "q", "type": "quantity"}]},
        dependent,
    ]
    return {"resourceType": "Questionnaire", "id": "q", "status": "active", "item": asked}


def _told(questionnaire: Resource, items: list[Resource], status: str = "completed") -> list[Any]:
    response = {
        "resourceType": "QuestionnaireResponse",
        "contained": [questionnaire],
        "questionnaire": "#q",
        "status": status,
        "item": items,
    }
    found = Validator(definitions.load()).check(response)
    return [(one.number, one.expression) for one in found if one.severity == "error"]


def _answer(link: str, *values: Resource) -> Resource:
    return {"linkId": link, "answer": list(values)}


def _when(question: str, operator: str, **answer: Any) -> Resource:
    return {"question": question, "operator": operator, **answer}


_TRUE = _answer("b", {"valueBoolean": True})
_NUMBERS = _answer("n", {"valueDecimal": 3}, {"valueDecimal": 12})
_CODE = _answer("c", {"valueCoding": _CODING})
_MG = {"system": "http://unitsofmeasure.org", "code": "mg"}
_DOSE = {
    "linkId": "g",
    "item": [_answer("q", {"valueQuantity": {"value": 2, **_MG, "code": "g"}})],
}


@pytest.mark.parametrize(
    ("is_asked", "behavior", "conditions"),
    [
        (True, None, []),
        (True, None, [_when("b", "=", answerBoolean=True)]),
        (False, None, [_when("b", "=", answerBoolean=False)]),
        (False, None, [_when("b", "!=", answerBoolean=True)]),
        (True, None, [_when("b", "exists", answerBoolean=True)]),
        (False, None, [_when("b", "exists", answerBoolean=False)]),
        (True, None, [_when("nowhere", "exists", answerBoolean=False)]),
        (False, None, [_when("nowhere", "=", answerString="x")]),
        (True, None, [_when("n", ">", answerDecimal=10)]),
        (True, None, [_when("n", "<=", answerInteger=3)]),
        (False, None, [_when("n", "<", answerDecimal=3)]),
        (True, None, [_when("c", "=", answerCoding=_CODING)]),
        (True, None, [_when("c", "=", answerCoding={"code": "LA33-6"})]),
        (False, None, [_when("c", "=", answerCoding={**_CODING, "code": "LA32-8"})]),
        (False, None, [_when("c", "=", answerString="LA33-6")]),
        (True, None, [_when("q", ">", answerQuantity={"value": 1500, **_MG})]),
        (False, None, [_when("q", "<", answerQuantity={"value": 1500, **_MG})]),
        (True, "any", [_when("b", "=", answerBoolean=False), _when("n", "=", answerDecimal=12)]),
        (False, "all", [_when("b", "=", answerBoolean=False), _when("n", "=", answerDecimal=12)]),
        (True, "all", [_when("b", "=", answerBoolean=True), _when("n", "=", answerDecimal=12)]),
    ],
)
def test_a_question_is_demanded_when_it_is_asked_and_refused_when_not(
    is_asked: bool, behavior: str | None, conditions: list[Resource]
) -> None:
    questionnaire = _asked(behavior, *conditions)
    before = [_TRUE, _NUMBERS, _CODE, _DOSE]
    without = _told(questionnaire, before)
    answered = _told(questionnaire, [*before, _answer("d", {"valueString": "因为"})])
    at = "QuestionnaireResponse.item[4]"
    assert without == ([("GW-4422", "QuestionnaireResponse")] if is_asked else [])
    assert answered == ([] if is_asked else [("GW-4426", at)])


@pytest.mark.parametrize(
    "conditions",
    [
        [_when("nowhere", "!=", answerString="x")],
        [_when("n", "!=", answerDecimal=12)],
        [_when("n", ">", answerString="x")],
        [_when("b", "=", answerBoolean=True), _when("b", "=", answerBoolean=False)],
    ],
)
def test_what_can_be_read_in_two_ways_is_neither_demanded_nor_refused(
    conditions: list[Resource],
) -> None:
    questionnaire = _asked(None, *conditions)
    before = [_TRUE, _NUMBERS]
    own = ("GW-4012",)  # que-12: enableBehavior is missing
    for items in (before, [*before, _answer("d", {"valueString": "因为"})]):
        assert [one for one in _told(questionnaire, items) if one[0] not in own] == []


def test_the_nearest_answer_decides_in_each_repeat_of_a_group() -> None:
    inner = [
        {"linkId": "has", "type": "boolean"},
        {
            "linkId": "what",
            "type": "string",
            "required": True,
            "enableWhen": [_when("has", "=", answerBoolean=True)],
        },
    ]
    group = {"linkId": "each", "type": "group", "repeats": True, "item": inner}
    questionnaire = {"resourceType": "Questionnaire", "id": "q", "status": "active"}
    yes, no = ({"valueBoolean": value} for value in (True, False))
    what = _answer("what", {"valueString": "青霉素"})
    items = [
        {"linkId": "each", "item": [_answer("has", no)]},
        {"linkId": "each", "item": [_answer("has", yes)]},
        {"linkId": "each", "item": [_answer("has", no), what]},
    ]
    assert _told({**questionnaire, "item": [group]}, items) == [
        ("GW-4422", "QuestionnaireResponse.item[1]"),
        ("GW-4426", "QuestionnaireResponse.item[2].item[1]"),
    ]
    assert not _told({**questionnaire, "item": [group]}, items, status="in-progress")


def test_items_out_of_order_and_answers_too_long_are_told() -> None:
    questionnaire = _asked(None, maxLength=2)
    items = [_NUMBERS, _TRUE, _answer("d", {"valueString": "三个字"})]
    assert _told(questionnaire, items) == [
        ("GW-4427", "QuestionnaireResponse.item[1]"),
        ("GW-4428", "QuestionnaireResponse.item[2].answer[0]"),
    ]
