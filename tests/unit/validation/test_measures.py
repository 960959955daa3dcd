"""Measures, and MeasureReports against their Measure."""

from typing import Any

import pytest

from gateway.fhir import definitions
from gateway.records import Resource
from gateway.validation import Validator

_URL = "https://example.com/fhir/Measure/returns"
_KIND = "http://terminology.hl7.org/CodeSystem/measure-population"


def _code(code: str, system: str = _KIND) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def _population(code: str, **criteria: Any) -> Resource:
    stated = {"language": "text/cql", "expression": "Returned"} | criteria
    return {"code": _code(code), "criteria": stated}


def _measure(**changes: Any) -> Resource:
    populations = [_population("numerator"), _population("denominator")]
    return {
        "resourceType": "Measure",
        "url": _URL,
        "status": "active",
        "library": ["https://example.com/fhir/Library/returns"],
        "group": [
            {"code": {"text": "up"}, "population": populations},
            {"code": {"text": "down"}, "population": populations[:1]},
        ],
    } | changes


def _group(text: str, *codes: str, **more: Any) -> Resource:
    told = [{"code": _code(code), "count": 1} for code in codes]
    return {"code": {"text": text}, "population": told, **more}


def _found(resource: Resource, *loaded: Resource) -> list[Any]:
    found = Validator(definitions.load(), loaded).check(resource)
    return [
        (one.number, one.expression) for one in found if one.number.startswith(("GW-44", "GW-45"))
    ]


def _report(*groups: Resource, measure: str = _URL, **more: Any) -> Resource:
    return {
        "resourceType": "MeasureReport",
        "status": "complete",
        "type": "summary",
        "measure": measure,
        "period": {"start": "2026-01", "end": "2026-01"},
        "group": list(groups),
    } | more


_UP, _DOWN = _group("up", "numerator", "denominator"), _group("down", "numerator")


def test_a_report_with_the_parts_of_its_measure_is_valid() -> None:
    assert not _found(_report(_UP, _DOWN), _measure())
    assert not _found(_report(_DOWN, _UP), _measure())
    assert not _found(_report(_UP), _measure(url="https://example.com/fhir/Measure/other"))


def test_a_single_part_needs_no_code() -> None:
    alone = _measure(group=[{"population": [_population("numerator")]}])
    assert not _found(_report({"population": [{"count": 2}]}), alone)


@pytest.mark.parametrize(
    ("groups", "found"),
    [
        ([_UP], [("GW-4433", "")]),
        ([_UP, _DOWN, _UP], [("GW-4432", ".group[2]")]),
        ([_UP, _DOWN, _group("out")], [("GW-4431", ".group[2]")]),
        ([_group("up", "numerator"), _DOWN], [("GW-4433", ".group[0]")]),
        ([_UP, _group("down", "denominator")],
         [("GW-4431", ".group[1].population[0]"), ("GW-4433", ".group[1]")]),
    ],
)  # fmt: skip
def test_a_report_with_other_parts_than_its_measure_is_told(
    groups: list[Resource], found: list[tuple[str, str]]
) -> None:
    wanted = [(number, f"MeasureReport{at}") for number, at in found]
    assert _found(_report(*groups), _measure()) == wanted


def test_what_is_not_complete_may_lack_parts() -> None:
    assert not _found(_report(_UP, status="pending"), _measure())


def test_a_cohort_has_no_score() -> None:
    scoring = _code("cohort", "http://terminology.hl7.org/CodeSystem/measure-scoring")
    scored = {**_UP, "measureScore": {"value": 1}}
    assert not _found(_report(scored, _DOWN), _measure())
    assert _found(_report(scored, _DOWN), _measure(scoring=scoring)) == [
        ("GW-4434", "MeasureReport.group[0].measureScore")
    ]


@pytest.mark.parametrize(
    ("group", "at"),
    [
        ([{"population": [_population("numerator", language="text/fhirpath", expression="a(")]}],
         "group[0].population[0].criteria.expression"),
        ([{"code": {"text": "a"}}, {"description": "b"}], "group[1]"),
        ([{"population": [_population("numerator"), {**_population("denominator"), "code": None}]}],
         "group[0].population[1]"),
    ],
)  # fmt: skip
def test_a_measure_that_no_report_can_answer_is_told(group: list[Resource], at: str) -> None:
    for one in group:
        for population in one.get("population", []):
            if population["code"] is None:
                del population["code"]
    assert _found(_measure(group=group)) == [("GW-4501", f"Measure.{at}")]


def test_a_name_of_cql_without_a_library_is_a_warning() -> None:
    without = _measure(group=[{"population": [_population("numerator")]}])
    assert not _found(without)
    del without["library"]
    at = "Measure.group[0].population[0].criteria.expression"
    assert _found(without) == [("GW-4501", at)]
