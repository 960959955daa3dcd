"""Measures, and MeasureReports against their Measure (R4, measure.html, measurereport.html).

A report is held to its Measure only where that is at hand: contained, in the same Bundle, loaded.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gateway.fhir.fhirpath import FhirPathError
from gateway.fhir.fhirpath.syntax import parse
from gateway.records import Resource
from gateway.validation.enabling import objects
from gateway.validation.places import Trail
from gateway.validation.run import Run

if TYPE_CHECKING:
    from gateway.validation.engine import Engine

_CRITERIA = {"population": "criteria", "stratifier": "criteria"}


def check_measure(measure: Resource, trail: Trail, run: Run) -> None:
    """Check that criteria can be read and that a report can tell groups and populations apart."""
    for index, group in _demand_codes(measure, "group", trail, run):
        place: Trail = (trail, "group", index)
        for name, member in _CRITERIA.items():
            for at, one in _demand_codes(group, name, place, run):
                criteria = one.get(member)
                if type(criteria) is dict:
                    inner: Trail = ((place, name, at), member, None)
                    _check_criteria(criteria, measure, inner, run)
    for index, one in _indexed(measure, "supplementalData"):
        criteria = one.get("criteria")
        if type(criteria) is dict:
            inner = ((trail, "supplementalData", index), "criteria", None)
            _check_criteria(criteria, measure, inner, run)


def _demand_codes(
    owner: Resource, name: str, trail: Trail, run: Run
) -> Iterator[tuple[int, Resource]]:
    listed = list(_indexed(owner, name))
    for index, one in listed:
        if len(listed) > 1 and "code" not in one:
            problem = f"without a code a report cannot say which {name} it tells of"
            run.report("GW-4501", trail, name, index, severity="warning", problem=problem)
        yield index, one


def _check_criteria(criteria: Resource, measure: Resource, trail: Trail, run: Run) -> None:
    language, text = criteria.get("language"), criteria.get("expression")
    if type(text) is not str:
        return
    if language == "text/fhirpath":
        try:
            parse(text)
        except FhirPathError as err:
            problem = f"{err.number} at column {err.column}"
            run.report("GW-4501", trail, "expression", problem=problem)
    elif language == "text/cql" and text.isidentifier() and not measure.get("library"):
        problem = "a name of CQL needs a library that defines it"
        run.report("GW-4501", trail, "expression", severity="warning", problem=problem)


def check_measure_report(report: Resource, trail: Trail, run: Run, engine: "Engine") -> None:
    """Check that a report has the groups and populations of its Measure, each once."""
    url = report.get("measure")
    measure = engine.find_definition("Measure", url, run) if type(url) is str else None
    if measure is None:
        return
    is_complete = report.get("status") == "complete" and report.get("type") != "data-collection"
    pairs = _pairs(measure, report, "group", trail, run, is_complete=is_complete)
    for asked, index, group in pairs:
        place: Trail = (trail, "group", index)
        if _is_cohort(measure) and "measureScore" in group:
            run.report("GW-4434", place, "measureScore")
        for _ in _pairs(asked, group, "population", place, run, is_complete=is_complete):
            pass


def _pairs(
    asked: Resource, told: Resource, name: str, trail: Trail, run: Run, *, is_complete: bool
) -> list[tuple[Resource, int, Resource]]:
    """Find what each part of a report tells of; report those unknown, told twice, left out."""
    wanted, given = objects(asked, name), list(_indexed(told, name))
    if len(wanted) == len(given) == 1 and not ("code" in wanted[0] and "code" in given[0][1]):
        return [(wanted[0], *given[0])]
    if any("code" not in one for one in wanted):
        # Which is meant cannot be said; the Measure is at fault.
        return []
    found: list[tuple[Resource, int, Resource]] = []
    taken: set[int] = set()
    for index, one in given:
        at = next((n for n, other in enumerate(wanted) if _is_same(one, other)), None)
        if at is None:
            run.report("GW-4431", trail, name, index)
        elif at in taken:
            run.report("GW-4432", trail, name, index)
        else:
            taken.add(at)
            found.append((wanted[at], index, one))
    if is_complete:
        for at in sorted({*range(len(wanted))} - taken):
            run.report("GW-4433", trail, missing=f"{name}[{at}]")
    return found


def _is_same(one: Resource, other: Resource) -> bool:
    ours, theirs = _names(one.get("code")), _names(other.get("code"))
    return not ours.isdisjoint(theirs)


def _names(concept: Any) -> set[tuple[Any, Any]]:
    if type(concept) is not dict:
        return set()
    codings = {
        (one["system"], one["code"])
        for one in objects(concept, "coding")
        if type(one.get("system")) is str and type(one.get("code")) is str
    }
    bare = {(None, c) for one in objects(concept, "coding") if type(c := one.get("code")) is str}
    text = concept.get("text")
    return codings or bare or ({(None, text)} if type(text) is str else set())


def _is_cohort(measure: Resource) -> bool:
    scoring = measure.get("scoring")
    codings = objects(scoring, "coding") if type(scoring) is dict else []
    return any(one.get("code") == "cohort" for one in codings)


def _indexed(owner: Resource, name: str) -> Iterator[tuple[int, Resource]]:
    values = owner.get(name)
    for index, one in enumerate(values if type(values) is list else ()):
        if type(one) is dict:
            yield index, one
