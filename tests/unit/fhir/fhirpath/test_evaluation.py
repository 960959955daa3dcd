"""What expressions give."""

from decimal import Decimal
from typing import Any

import fhirpathpy
import pytest
from fhirpathpy.models import models

from gateway.fhir import fhirpath
from gateway.fhir.fhirpath import Context, FhirPathError, Model, Node
from tests.unit.fhir.fhirpath.conftest import PATIENT


def values(expression: str, context: Context) -> list[Any]:
    return fhirpath.compile(expression).evaluate(PATIENT, context)


# Expressions on which fhirpathpy, an independent engine, can be asked for the same answer.
ORACLE = [
    "Patient.name.given",
    "name.where(use = 'official').given.first()",
    "name.given.count() + 1",
    "name[0].given[1]",
    "name.given.skip(1)",
    "name.given.last()",
    "name.family.exists()",
    "name.exists(use = 'usual')",
    "name.all(family.exists())",
    "contact.name.family",
    "active and deceased.not()",
    "(1 | 2 | 2).count()",
    "(1 | 2).combine(2 | 3)",
    "(1 | 2 | 3).intersect(2 | 4)",
    "(1 | 2 | 3).exclude(2)",
    "{} or true",
    "{} and true",
    "true xor false",
    "false implies {}",
    "true implies {}",
    "'abc'.substring(1, 1)",
    "'abc'.indexOf('c')",
    "'abc'.startsWith('ab')",
    "'abc'.replace('b', 'x')",
    "'a,b'.matches('^a')",
    "'abc'.upper()",
    "1 + 2 * 3",
    "7 div 2",
    "7 mod 2",
    "'1'.toInteger()",
    "1.toString()",
    "iif(active, 'yes', 'no')",
    "name.select(given.count())",
    "name.given.distinct().count()",
    "'a' in ('a' | 'b')",
    "('a' | 'b') contains 'c'",
    "name.given.subsetOf('小' | '明' | '王')",
    "name.tail().text",
    "name.take(1).family",
    "'x' & {} & 'y'",
    "(1 = 1.0)",
    "'A' ~ 'a'",
    "(2 > 1) = (1 < 2)",
    "birthDate.empty()",
    "Patient.name.where($index = 1).text",
    "name.given.join('-')",
    "(3).power(2)",
    "(16).sqrt()",
    "(-5).abs()",
    "1.5.floor()",
    "1.5.ceiling()",
]


@pytest.mark.parametrize("expression", ORACLE)
def test_the_answer_is_that_of_an_independent_engine(expression: str, context: Context) -> None:
    """fhirpathpy is the oracle; what it lacks or gets wrong is not in the list."""
    theirs = fhirpathpy.evaluate(PATIENT, expression, {}, models["r4"])
    assert values(expression, context) == theirs


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("deceased is boolean", [True]),
        ("deceased.ofType(boolean)", [False]),
        ("multipleBirth is integer", [True]),
        ("multipleBirth", [2]),
        ("birthDate.extension('http://sample.test/note').value", ["约"]),
        ("Patient.contact.is(BackboneElement)", [True]),
        ("name.is(HumanName)", []),
        ("name.first() is Element", [True]),
        ("active.is(boolean)", [True]),
        ("active.is(Boolean).not()", [True]),
        ("1 is Integer", [True]),
        ("managingOrganization.resolve().name", ["青山镇卫生院"]),
        ("managingOrganization.resolve() is Organization", [True]),
        ("active.type().name", ["boolean"]),
        ("birthDate.hasValue()", [True]),
        ("name.hasValue()", [False]),
        ("%resource.id", ["p1"]),
        ("%ucum", ["http://unitsofmeasure.org"]),
        ("%`vs-gender`", ["http://hl7.org/fhir/ValueSet/gender"]),
        ("(1 | 2 | 3).aggregate($total + $this, 0)", [6]),
        ("name.defineVariable('n').select(%n.count())", [2, 2]),
        ("descendants().where($this is Period).start", ["2020"]),
        ("repeat(contact | name).family", ["陈", "王"]),
    ],
)
def test_fhir_types_and_functions(expression: str, expected: list[Any], context: Context) -> None:
    """Choice elements, extensions of primitives, references and types are known."""
    assert values(expression, context) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("birthDate < @1990", [True]),
        ("birthDate < @1980-02-03", []),
        ("birthDate = @1980-02", [True]),
        ("birthDate = @1980-02-01", []),
        ("@2015-02-04T14:34:28+09:00 = @2015-02-04T05:34:28Z", [True]),
        ("@2020-01-01T10:00 < @2020-01-01T10:00Z", []),
        ("@2020-01-01T10:00 < @2020-01-03T10:00Z", [True]),
        ("@T10:30 < @T10:31", [True]),
        ("(@2020-01-31 + 1 month).toString()", ["2020-02-29"]),
        ("(@2024-02-29 + 1 year).toString()", ["2025-02-28"]),
        ("(@2020-03-01 - 1 day).toString()", ["2020-02-29"]),
        ("today().toString()", ["2026-03-01"]),
        ("now() > @2026-03-01T08:00:00Z", [True]),
        ("contact.period.start <= contact.period.end", [True]),
        ("@2014.lowBoundary().toString()", ["2014-01-01"]),
        ("@2016-02.highBoundary().toString()", ["2016-02-29"]),
    ],
)
def test_dates_of_any_precision_compare_in_three_values(
    expression: str, expected: list[Any], context: Context
) -> None:
    """What the precision or a missing zone leaves open is empty, never guessed."""
    assert values(expression, context) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 'g' = 1000 'mg'", [True]),
        ("5 'mg' > 1 'ug'", [True]),
        ("1 'mmol/L' < 2 'mol/L'", [True]),
        ("1 'g' = 1 'm'", []),
        ("1 year = 12 months", [True]),
        ("7 days = 1 week", [True]),
        ("37 'Cel' > 300 'K'", [True]),
        ("Patient.extension.value > 72 'kg'", [True]),
        ("Patient.extension.value < 72000 'g'", [False]),
        ("(2 'm' * 3).toString()", ["6 'm'"]),
        ("'5 mg'.toQuantity()", []),
        ("'5 \\'mg\\''.toQuantity() = 0.005 'g'", [True]),
    ],
)
def test_quantities_compare_across_units(
    expression: str, expected: list[Any], context: Context
) -> None:
    """Units of one dimension convert, others stay open."""
    assert values(expression, context) == expected


def test_a_decimal_keeps_its_scale(context: Context) -> None:
    """72.50 stays 72.50."""
    found = values("extension.value.value", context)
    assert [str(one) for one in found] == ["72.50"]
    assert values("(72.50).toString()", context) == ["72.50"]
    assert values("1.1 + 2.2 = 3.3", context) == [True]


def test_a_boolean_operator_does_not_evaluate_what_it_does_not_need(context: Context) -> None:
    """Invariants guard a second half that could not be evaluated."""
    assert values("false and (name.family + 1) = 2", context) == [False]
    assert values("true or name.given.single()", context) == [True]


@pytest.mark.parametrize(
    ("expression", "column"),
    [
        ("name.", 6),
        ("name..given", 6),
        ("name.bogus()", 6),
        ("name.where()", 6),
        ("(1 + 2", 7),
        ("$x", 1),
    ],
)
def test_an_error_of_syntax_names_its_column(expression: str, column: int) -> None:
    """The author sees where to look."""
    with pytest.raises(FhirPathError) as caught:
        fhirpath.compile(expression)
    assert caught.value.number == "GW-4901"
    assert caught.value.column == column


@pytest.mark.parametrize("expression", ["name.given.single()", "1 < 'a'", "%unknown", "'a' + 1"])
def test_an_evaluation_that_has_no_meaning_is_refused(expression: str, context: Context) -> None:
    """It is an error of ours, with the column."""
    with pytest.raises(FhirPathError) as caught:
        values(expression, context)
    assert caught.value.number == "GW-4902"


def test_a_clock_that_was_not_given_is_not_read(model: Model) -> None:
    """Time comes from the caller only."""
    with pytest.raises(FhirPathError):
        fhirpath.compile("now()").evaluate(PATIENT, Context(model))


def test_trace_writes_nothing(context: Context, capsys: pytest.CaptureFixture[str]) -> None:
    """Tracing would put a patient's data on the console."""
    assert values("name.family.trace('x')", context) == ["陈"]
    assert capsys.readouterr() == ("", "")


def test_nodes_carry_their_type_and_no_value_in_their_repr(context: Context) -> None:
    """A log of a node must not show a patient."""
    node = fhirpath.compile("name.family").nodes(PATIENT, context)[0]
    assert isinstance(node, Node)
    assert node.type == "string"
    assert "陈" not in repr(node)


def test_decimals_of_long_division_do_not_fail(context: Context) -> None:
    """An infinite fraction is cut, not refused."""
    (found,) = values("1 / 3", context)
    assert abs(found - Decimal("0.333333333333")) < Decimal("1e-9")


@pytest.mark.parametrize(
    ("expression", "paths"),
    [
        ("Patient.gender.elementDefinition()", []),
        ("Patient.birthDate.elementDefinition()", ["Patient.birthDate"]),
        ("birthDate.elementDefinition()", ["Patient.birthDate"]),
        ("name.elementDefinition()", ["Patient.name"] * 2),
        ("name.given.elementDefinition()", ["HumanName.given"] * 2),
        ("name.where(use = 'usual').elementDefinition()", ["Patient.name"]),
        ("name[0].given.first().elementDefinition()", ["HumanName.given"]),
        ("contact.name.elementDefinition()", ["Patient.contact.name"]),
        ("deceased.elementDefinition()", ["Patient.deceased[x]"]),
        ("contact.select($this.elementDefinition())", ["Patient.contact"]),
        ("elementDefinition()", ["Patient"]),
        ("(1 | 2).elementDefinition()", []),
        ("nothing.elementDefinition()", []),
    ],
)
def test_elements_know_their_definitions(
    expression: str, paths: list[str], context: Context
) -> None:
    found = fhirpath.compile(f"{expression}.path").evaluate(PATIENT, context)
    assert found == paths


def test_a_definition_may_be_asked_like_any_other_data(context: Context) -> None:
    expression = "name.all(elementDefinition().max = '*' or elementDefinition().path = 'HumanName')"
    assert fhirpath.compile(expression).evaluate(PATIENT, context) == [True]
    assert values("name.elementDefinition().first().max = '*'", context) == [True]
