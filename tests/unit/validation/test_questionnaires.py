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


def test_what_is_still_being_filled_in_may_lack_answers() -> None:
    assert not _found([], status="in-progress")
