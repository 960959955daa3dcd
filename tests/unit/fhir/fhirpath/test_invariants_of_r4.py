"""Every constraint of HL7's own definitions is the widest sample of the language there is."""

from collections.abc import Iterator

from gateway.fhir import fhirpath
from gateway.fhir.definitions import load


def _expressions() -> Iterator[tuple[str, str]]:
    for structure in load().structures():
        for element in structure["snapshot"]["element"]:
            for constraint in element.get("constraint", ()):
                if "expression" in constraint:
                    yield f"{element['id']} {constraint['key']}", constraint["expression"]


def test_all_constraints_of_r4_compile() -> None:
    """A constraint that does not compile would never be checked."""
    expressions = dict(_expressions())
    assert len(expressions) > 9_000
    failed = []
    for where, expression in expressions.items():
        try:
            fhirpath.compile(expression)
        except fhirpath.FhirPathError as err:
            failed.append(f"{where}: {err}")
    assert failed == []


def test_all_expressions_of_search_parameters_compile() -> None:
    """The search index evaluates them."""
    parameters = load().search_parameters_by_url.values()
    expressions = {one.expression for one in parameters if one.expression}
    assert len(expressions) > 500
    for expression in expressions:
        fhirpath.compile(expression)
