import json
from decimal import Decimal
from typing import Any

import fhirpathpy
import pytest
from fhirpathpy.models import models
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fhir import times
from gateway.fhir.definitions import SearchParameter, load
from gateway.fhir.search_additions import ADDITIONS
from gateway.fhir.search_index import UNINDEXED, compile_indexer
from gateway.fhir.search_paths import SearchExpressionError, Truth, parse
from gateway.fhir.search_routes import routes
from gateway.records import Resource
from tests.unit.fhir.examples import PATIENT, by_type, needs_examples

INDEXER = compile_indexer(load())
UCUM = "http://unitsofmeasure.org"


def values(resource: Resource, code: str) -> list[tuple[Any, ...]]:
    name = f"{resource['resourceType']}.{code}"
    return [row.values for row in INDEXER.rows(resource) if row.parameter == name]


def test_every_r4_search_parameter_compiles_and_the_left_out_are_named() -> None:
    compiled = 0
    for type_, known in load().search_parameters.items():
        INDEXER.compile(type_)
        indexed = INDEXER.parameters(type_)
        assert known.keys() - indexed.keys() <= UNINDEXED
        compiled += len(indexed)
    assert compiled > 2200
    assert len(load().search_parameters_by_url) == 1375 + len(ADDITIONS)


def test_tokens_come_from_identifiers_codes_booleans_and_contacts() -> None:
    assert values(PATIENT, "identifier") == [
        ("urn:oid:2.16.156.10011.1.3", "420300196205143622", None)
    ]
    assert values(PATIENT, "gender") == [
        ("http://hl7.org/fhir/administrative-gender", "female", None)
    ]
    assert values(PATIENT, "phone") == [("home", "0719-5550100", None)]
    assert values(PATIENT, "email") == [(None, "lin@example.org", None)]
    assert values(PATIENT, "deceased") == [(None, "false", None)]
    assert values({**PATIENT, "deceasedBoolean": True}, "deceased") == [(None, "true", None)]
    dead = {"resourceType": "Patient", "deceasedDateTime": "2024"}
    assert values(dead, "deceased") == [(None, "true", None)]
    assert values({"resourceType": "Patient", "active": True}, "active") == [(None, "true", None)]


def test_a_chinese_name_is_found_by_its_parts_and_as_a_whole() -> None:
    assert {exact for _, exact in values(PATIENT, "name")} == {"林", "桂芳", "林桂芳"}
    assert values(PATIENT, "family") == [("林", "林")]


def test_strings_are_folded_and_kept() -> None:
    resource = {"resourceType": "Patient", "name": [{"family": "Ｍüller  Ⅲ"}]}
    ((folded, exact),) = values(resource, "family")
    assert (folded, exact) == ("muller iii", "Ｍüller  Ⅲ")


@pytest.mark.parametrize(
    ("effective", "low", "high"),
    [
        ({"effectiveDateTime": "2024"}, "2024", "2024"),
        ({"effectivePeriod": {"start": "2024-01", "end": "2024-03-05"}}, "2024-01", "2024-03-05"),
        ({"effectivePeriod": {"start": "2024-01"}}, "2024-01", None),
        ({"effectivePeriod": {"end": "2024-01"}}, None, "2024-01"),
        ({"effectiveInstant": "2024-01-01T00:00:00Z"}, *["2024-01-01T00:00:00Z"] * 2),
        ({"effectiveTiming": {"event": ["2024-02", "2023"]}}, "2023", "2024-02"),
        (
            {"effectiveTiming": {"repeat": {"boundsPeriod": {"start": "2024-02"}}}},
            "2024-02",
            None,
        ),
    ],
)
def test_dates_are_intervals_with_open_ends(
    effective: Resource, low: str | None, high: str | None
) -> None:
    assert values({"resourceType": "Observation", **effective}, "date") == [
        (
            times.interval(low)[0] if low else times.EARLIEST_US,
            times.interval(high)[1] if high else times.LATEST_US,
        )
    ]


def test_quantities_keep_their_precision_unit_and_comparator() -> None:
    observation = {"resourceType": "Observation", "valueQuantity": {}}
    observation["valueQuantity"] = {
        "value": Decimal("5.40"), "unit": "mmol/L", "system": UCUM, "code": "mmol/L"
    }  # fmt: skip
    low, high = Decimal("5.395"), Decimal("5.405")
    assert values(observation, "value-quantity") == [(low, high, UCUM, "mmol/L")]
    observation["valueQuantity"] = {"value": 5, "unit": "次", "comparator": ">="}
    ((low, high, system, unit),) = values(observation, "value-quantity")
    assert (low, high, system, unit) == (Decimal("5"), Decimal("Infinity"), None, "次")


def test_money_and_ranges_are_quantities() -> None:
    charge = {"resourceType": "ChargeItem", "priceOverride": {"value": 35, "currency": "CNY"}}
    assert values(charge, "price-override") == [
        (Decimal("34.5"), Decimal("35.5"), "urn:iso:std:iso:4217", "CNY")
    ]
    condition = {"resourceType": "Condition", "onsetRange": {"low": {"value": 40, "unit": "a"}}}
    assert values(condition, "onset-age") == [(Decimal("39.5"), Decimal("Infinity"), None, "a")]


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ({"reference": "Patient/1"}, [("Patient", "1", "Patient/1")]),
        ({"reference": "Patient/1/_history/2"}, [("Patient", "1", "Patient/1")]),
        (
            {"reference": "http://other.org/fhir/Patient/1"},
            [("Patient", None, "http://other.org/fhir/Patient/1")],
        ),
        ({"reference": "urn:uuid:a", "type": "Patient"}, [("Patient", None, "urn:uuid:a")]),
        ({"reference": "#p"}, []),
        (
            {"type": "Patient", "identifier": {"system": "s", "value": "v"}},
            [("Patient", None, "s|v")],
        ),
    ],
)
def test_references_are_literal_or_logical(subject: Resource, expected: list[Any]) -> None:
    observation = {"resourceType": "Observation", "subject": subject}
    assert values(observation, "subject") == expected
    is_patient = bool(expected) and expected[0][0] == "Patient"
    assert values(observation, "patient") == (expected if is_patient else [])


def test_a_parameter_that_resolves_tells_the_types_apart() -> None:
    group = {"resourceType": "Observation", "subject": {"reference": "Group/1"}}
    assert values(group, "subject") == [("Group", "1", "Group/1")]
    assert values(group, "patient") == []


def test_canonicals_are_found_with_and_without_their_version() -> None:
    resource = {"resourceType": "Patient", "meta": {"profile": ["http://a|1"]}}
    assert values(resource, "_profile") == [("http://a|1",), ("http://a",)]


def test_the_first_entry_of_a_document_is_its_composition() -> None:
    bundle = {
        "resourceType": "Bundle",
        "entry": [
            {"resource": {"resourceType": "Composition", "id": "c"}},
            {"resource": {"resourceType": "Patient", "id": "p"}},
        ],
    }
    assert values(bundle, "composition") == [("Composition", "c", "Composition/c")]


def test_the_components_of_a_composite_stand_in_groups() -> None:
    observation = {
        "resourceType": "Observation",
        "component": [
            {"code": {"coding": [{"code": "s"}]}, "valueQuantity": {"value": 120}},
            {"code": {"coding": [{"code": "d"}]}, "valueQuantity": {"value": 80}},
            {"code": {"coding": [{"code": "none"}]}},
        ],
    }
    names = INDEXER.components("Observation", "component-code-value-quantity")
    assert names == (
        ("Observation.component-code-value-quantity$1", "token"),
        ("Observation.component-code-value-quantity$2", "quantity"),
    )
    grouped = {
        (row.group, row.values[1] if row.kind == "token" else row.values[0])
        for row in INDEXER.rows(observation)
        if row.parameter in dict(names)
    }
    assert grouped == {(1, "s"), (1, Decimal("119.5")), (2, "d"), (2, Decimal("79.5"))}


def test_a_composite_may_begin_at_the_resource() -> None:
    sequence = {
        "resourceType": "MolecularSequence",
        "referenceSeq": {"chromosome": {"coding": [{"code": "1"}]}},
        "variant": [{"start": 10, "end": 11}],
    }
    rows = {
        row.parameter: row.values
        for row in INDEXER.rows(sequence)
        if row.parameter.startswith("MolecularSequence.chromosome-variant-coordinate$")
    }
    assert [values[1] for values in rows.values()] == ["1", Decimal("10.5"), Decimal("11.5")]


def test_one_more_parameter_can_be_added() -> None:
    indexer = compile_indexer(load())
    url = "https://consortium-fhir.cn/SearchParameter/patient-nation"
    expression = f"Patient.extension('{url}').value.ofType(string) | Patient.name.first().text"
    indexer.add("Patient", SearchParameter(url, "nation", "string", expression))
    resource = {
        "resourceType": "Patient",
        "extension": [{"url": "x", "valueString": "no"}, {"url": url, "valueString": "汉族"}],
        "name": [{"text": "a"}, {"text": "b"}],
    }
    found = [r.values[1] for r in indexer.rows(resource) if r.parameter == "Patient.nation"]
    assert found == ["汉族", "a"]
    assert "nation" not in INDEXER.parameters("Patient")


@pytest.mark.parametrize(
    "expression",
    [
        *("Patient.", "Patient.name.select(x)", "Patient.nonsense", "Patient.name |", "(a"),
        *("Patient.name[", "Patient.name.where(use=)", "Patient.birthDate", "name $ name", "'a'"),
    ],
)
def test_an_expression_that_cannot_be_indexed_is_refused(expression: str) -> None:
    with pytest.raises(SearchExpressionError):
        compile_indexer(load()).add("Patient", SearchParameter("u", "c", "token", expression))


junk = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.just(Decimal("1"))),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["value", "code", "coding", "start", "reference", "system"]), inner
        ),
    ),
    max_leaves=8,
)
keys = st.sampled_from(
    ["identifier", "code", "subject", "valueQuantity", "effectivePeriod", "component", "meta"]
)


@settings(max_examples=150)
@given(st.dictionaries(keys, junk, max_size=4))
def test_no_content_of_any_shape_breaks_the_index(content: Resource) -> None:
    for row in INDEXER.rows({"resourceType": "Observation", **content}):
        assert row.parameter.startswith("Observation.")


@needs_examples
def test_routes_lead_where_fhirpathpy_goes_on_the_official_examples() -> None:
    examples = by_type(3)
    compared = 0
    for type_, parameters in load().search_parameters.items():
        for parameter in parameters.values():
            expression = (parameter.expression or "").replace("Resource.", f"{type_}.")
            if not expression or "resolve()" in expression or parameter.kind == "composite":
                continue
            compared += _agree(type_, expression, examples.get(type_, []))
    assert compared > 4500


def _agree(type_: str, expression: str, resources: list[Resource]) -> int:
    parsed = parse(expression)
    if isinstance(parsed, Truth):
        return 0
    oracle = fhirpathpy.compile(expression, models["r4"])
    visits = [route.visit() for path in parsed for route in routes(path, type_)]
    compared = 0
    for resource in resources:
        found: list[Any] = []
        for visit in visits:
            visit(resource, found.append)
        try:
            expected = oracle(resource)
        except ValueError:
            continue  # It casts single values only.
        assert _as_set(found) == _as_set(expected), (type_, expression)
        compared += 1
    return compared


def _as_set(found: list[Any]) -> set[str]:
    return {json.dumps(value, sort_keys=True, default=str) for value in found}
