"""No regular expression of a stored profile holds the process up."""

import pytest

from gateway.fhir import definitions
from gateway.fhir.fhirpath.errors import EvaluationError
from gateway.fhir.fhirpath.regular import choices, demand_short


@pytest.mark.parametrize(
    "expression",
    [
        r"^(a+)+$",
        r"(a*)*b",
        r"(a|a)*$",
        r"(a|aa)+$",
        r"(a?){40}a{40}",
        r"((ab)*)*c",
        r"(.*)\1",
        r"(?:x+x+)+y",
        "(a|a)" * 40 + "b",
        "a?" * 40 + "a" * 40,
        "a{0,200}" * 6 + "b",
    ],
)
def test_what_multiplies_is_refused_before_it_begins(expression: str) -> None:
    with pytest.raises(EvaluationError):
        demand_short(expression, "a" * 200)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (r"^[1-9][0-9]{16}[0-9X]$", "420300196205143622"),
        (r"^[0-9A-HJ-NPQRTUWXY]{18}$", "12429901MB01A1009G"),
        (r"^\d+(\.\d+)?$", "8632.45"),
        (r"^[^@]+@[^@]+\.[a-z]+$", "somebody@hospital.example"),
        (r"^(up|down|outbound|same-level)$", "outbound"),
        (r"(13|15|18)\d{9}", "13800006214"),
        (r"[(*+?|]{1,3}x", "(((x"),
    ],
)
def test_what_profiles_ordinarily_ask_is_taken(expression: str, text: str) -> None:
    demand_short(expression, text)


def test_a_long_text_is_not_searched_by_a_pattern_that_begins_anew_at_each_letter() -> None:
    demand_short("a+b", "a" * 1_000)
    with pytest.raises(EvaluationError):
        demand_short("a+b", "a" * 100_000)


def test_the_releases_own_patterns_are_taken() -> None:
    element = definitions.load().structure("ElementDefinition")
    assert element is not None
    asked = [
        constraint["expression"]
        for part in element["snapshot"]["element"]
        for constraint in part.get("constraint", ())
        if "path.matches('" in constraint.get("expression", "")
    ]
    assert asked
    for expression in asked:
        quoted = expression.removeprefix("path.matches('").removesuffix("')")
        plain = quoted.replace("\\'", "'").replace("\\\\", "\\")
        assert choices(plain) == ()
