"""One validator for all tests: compiling is what costs."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from gateway.fhir.definitions import load
from gateway.records import Issue
from gateway.validation import Validator

Findings = Callable[[Any], set[tuple[str, str | None]]]


@pytest.fixture(scope="session")
def validator() -> Validator:
    """A validator of plain R4."""
    return Validator(load())


def found(issues: list[Issue], *severities: str) -> set[tuple[str, str | None]]:
    """Reduce findings to (number, expression)."""
    wanted = severities or ("error", "fatal")
    return {(one.number, one.expression) for one in issues if one.severity in wanted}


def patient(**changes: Any) -> dict[str, Any]:
    """Give a valid Patient with some members changed; None takes one away."""
    resource: dict[str, Any] = copy.deepcopy(
        {
            "resourceType": "Patient",
            "id": "p1",
            "identifier": [{"system": "urn:oid:2.16.156.10011.1.3", "value": "110101199003070134"}],
            "active": True,
            "name": [{"use": "official", "family": "陈", "given": ["小明"]}],
            "gender": "male",
            "birthDate": "1990-03-07",
            "contact": [{"name": {"text": "王芳"}}],
        }
    )
    for name, value in changes.items():
        if value is None:
            del resource[name]
        else:
            resource[name] = value
    return resource
